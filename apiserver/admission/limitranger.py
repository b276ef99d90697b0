"""What containers and claims get unasked, and how much they may ask. Models
plugin/pkg/admission/limitranger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from apiserver.admission.chain import AdmissionStep, Operation, refuse
from apiserver.admission.lister import Lister
from apiserver.machinery import meta
from apiserver.machinery.quantity import Quantity, parse_quantity
from apiserver.machinery.quota import Usage, amounts, pod_resources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

ANNOTATION: Final = "kubernetes.io/limit-ranger"
_LIMITED: Final = frozenset({("", "pods"), ("", "persistentvolumeclaims")})
_CONTAINERS: Final = (("container", "containers"), ("init container", "initContainers"))
_MOST_FOR_MILLI: Final = 2**63 // 1000
"""Ratios up to here are compared in thousandths."""


class LimitRanger(AdmissionStep):
    """Applies a namespace's LimitRanges to new Pods and to claims."""

    plugin: ClassVar[str] = "LimitRanger"
    operations: ClassVar[tuple[Operation, ...]] = ("CREATE", "UPDATE")

    _ranges: Lister

    def connect(self, registry: Registry) -> None:
        """LimitRanges are read from the registry's store."""
        self._ranges = Lister(registry, "", "limitranges")

    async def admit(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Gives containers the defaults."""
        if obj is None or ctx.resource.plural != "pods" or not _is_limited(ctx, old):
            return
        for limits in await self._limits(ctx):
            _give_defaults(obj, limits)

    async def validate(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden."""
        if obj is None or not _is_limited(ctx, old):
            return
        check = _pod_problems if ctx.resource.plural == "pods" else _claim_problems
        for limits in await self._limits(ctx):
            problems = list(dict.fromkeys(text for limit in limits for text in check(limit, obj)))
            if problems:
                why = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
                raise refuse(ctx, ctx.name, why)

    async def _limits(self, ctx: RequestContext) -> list[list[Object]]:
        """The `spec.limits` of every LimitRange of the namespace."""
        await self._ranges.refresh()
        if self._ranges.empty:
            return []
        return [(one.get("spec") or {}).get("limits") or []
                for one in self._ranges.in_namespace(ctx.namespace)]


def _is_limited(ctx: RequestContext, old: Object | None) -> bool:
    """New Pods and resized ones, and claims that are not about to go (SupportsAttributes)."""
    kind = (ctx.resource.group, ctx.resource.plural)
    if kind not in _LIMITED:
        return False
    if ctx.subresource:
        return ctx.subresource == "resize"
    if old is None:
        return True
    return ctx.resource.plural != "pods" and not meta.is_terminating(old)


# --- defaults ------------------------------------------------------------------------------------


def _give_defaults(pod: Object, limits: list[Object]) -> None:
    """Fill in what the containers do not say, and note it in the annotation."""
    requests: dict[str, str] = {}
    most: dict[str, str] = {}
    for limit in limits:
        if limit.get("type") == "Container":
            requests.update(limit.get("defaultRequest") or {})
            most.update(limit.get("default") or {})
    notes = [note for word, field in _CONTAINERS
             for container in (pod.get("spec") or {}).get(field) or ()
             for note in _fill_container(container, word, requests, most)]
    if notes:
        annotations = dict(meta.annotations(pod))
        annotations[ANNOTATION] = f"LimitRanger plugin set: {'; '.join(notes)}"
        pod["metadata"]["annotations"] = annotations


def _fill_container(container: Object, word: str, requests: Mapping[str, str],
                    limits: Mapping[str, str]) -> Iterator[str]:
    """Give a container what it does not say; tells what it got."""
    for part, defaults in (("requests", requests), ("limits", limits)):
        if given := _fill(container, part, defaults):
            yield f"{', '.join(given)} {part[:-1]} for {word} {container['name']}"


def _fill(container: Object, part: str, defaults: Mapping[str, str]) -> list[str]:
    """Which resources were given, sorted."""
    resources: dict[str, Any] = container.get("resources") or {}
    own = resources.get(part) or {}
    given = sorted(name for name in defaults if name not in own)
    if given:
        container["resources"] = {
            **resources, part: {**own, **{name: defaults[name] for name in given}}}
    return given


# --- bounds --------------------------------------------------------------------------------------


def _pod_problems(limit: Object, pod: Object) -> Iterator[str]:
    kind = limit.get("type")
    if kind == "Container":
        spec = pod.get("spec") or {}
        for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
            yield from _problems(limit, amounts(container, "requests"),
                                 amounts(container, "limits"))
    elif kind == "Pod":
        yield from _problems(limit, pod_resources(pod, "requests", overhead=False),
                             pod_resources(pod, "limits", overhead=False))


def _problems(limit: Object, requests: Usage, limits: Usage) -> Iterator[str]:
    kind = limit.get("type") or ""
    for part, check in (("min", _below), ("max", _above), ("maxLimitRequestRatio", _ratio)):
        for name, text in sorted((limit.get(part) or {}).items()):
            bound = parse_quantity(str(text))
            if why := check(bound, requests.get(name), limits.get(name)):
                yield why.format(name=name, kind=kind, bound=bound)


def _below(bound: Quantity, request: Quantity | None, limit: Quantity | None) -> str:
    start = "minimum {name} usage per {kind} is {bound}"
    if request is None:
        return f"{start}.  No request is specified"
    if request < bound:
        return f"{start}, but request is {request}"
    return f"{start}, but limit is {limit}" if limit is not None and limit < bound else ""


def _above(bound: Quantity, request: Quantity | None, limit: Quantity | None) -> str:
    start = "maximum {name} usage per {kind} is {bound}"
    if limit is None:
        return f"{start}.  No limit is specified"
    if limit > bound:
        return f"{start}, but limit is {limit}"
    return f"{start}, but request is {request}" if request is not None and request > bound else ""


def _ratio(bound: Quantity, request: Quantity | None, limit: Quantity | None) -> str:
    start = "{name} max limit to request ratio per {kind} is {bound}, but"
    if request is None or request.is_zero:
        return f"{start} no request is specified or request is 0"
    if limit is None or limit.is_zero:
        return f"{start} no limit is specified or limit is 0"
    observed = limit.nano / request.nano
    if observed * 1000 > (bound.milli if bound.value <= _MOST_FOR_MILLI else bound.value * 1000):
        return f"{start} provided ratio is {observed:f}"
    return ""


def _claim_problems(limit: Object, claim: Object) -> Iterator[str]:
    if limit.get("type") != "PersistentVolumeClaim":
        return
    requests = amounts(claim.get("spec") or {}, "requests")
    for name, text in sorted((limit.get("min") or {}).items()):
        bound = parse_quantity(str(text))
        if why := _below(bound, requests.get(name), None):
            yield why.format(name=name, kind=limit["type"], bound=bound)
    for name, text in sorted((limit.get("max") or {}).items()):
        bound, request = parse_quantity(str(text)), requests.get(name)
        start = f"maximum {name} usage per {limit['type']} is {bound}"
        if request is None:
            yield f"{start}.  No request is specified"
        elif request > bound:
            yield f"{start}, but request is {request}"
