"""What pods ask for and nodes have. Models component-helpers/resource (PodRequests) and the
defaults that scoring assumes for containers that ask for nothing (pkg/scheduler/util).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.quantity import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object

Amounts = dict[str, int]
"""By resource name: cpu in thousandths of a core, everything else in whole units."""

DEFAULT_CPU: Final = 100
DEFAULT_MEMORY: Final = 200 * 1024 * 1024


def amounts(resources: Mapping[str, Any] | None) -> Amounts:
    """A ResourceList as numbers."""
    return {name: parse_quantity(str(text)).milli if name == "cpu" else
            parse_quantity(str(text)).value for name, text in (resources or {}).items()}


def add(total: Amounts, more: Mapping[str, int], sign: int = 1) -> None:
    """Add to `total` in place."""
    for name, amount in more.items():
        total[name] = total.get(name, 0) + sign * amount


def pod_requests(pod: Object, *, assume: bool = False) -> Amounts:
    """What a pod asks for: its app containers and sidecars together, or an init container if that
    is more. With `assume` a container that names no cpu or memory counts with the defaults.
    """
    spec = pod["spec"]
    total = _sum(_requests(c, assume=assume) for c in spec["containers"])
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers") or ():
        wanted = _requests(container, assume=assume)
        if container.get("restartPolicy") == "Always":
            add(sidecars, wanted)
            wanted = {}
        _raise_to(peak, _sum((sidecars, wanted)))
    add(total, sidecars)
    _raise_to(total, peak)
    add(total, amounts(spec.get("overhead")))
    return total


def _requests(container: Mapping[str, Any], *, assume: bool) -> Amounts:
    wanted = amounts((container.get("resources") or {}).get("requests"))
    if assume:
        wanted.setdefault("cpu", DEFAULT_CPU)
        wanted.setdefault("memory", DEFAULT_MEMORY)
    return wanted


def _sum(parts: Iterable[Mapping[str, int]]) -> Amounts:
    total: Amounts = {}
    for part in parts:
        add(total, part)
    return total


def _raise_to(total: Amounts, least: Mapping[str, int]) -> None:
    for name, amount in least.items():
        total[name] = max(total.get(name, 0), amount)
