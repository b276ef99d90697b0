"""Which controllers run: the flag `--controllers`. Models
genericcontrollermanager.IsControllerEnabled and the aliases of cmd/kube-controller-manager/names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


class UnknownController(ValueError):
    """The flag names a controller that does not exist."""


def parse_selection(text: str) -> tuple[str, ...]:
    """`'*,-replicaset'` as its parts; '' is `*`."""
    return tuple(part.strip() for part in text.split(",") if part.strip()) or ("*",)


def select(patterns: Sequence[str], known: Sequence[str], aliases: Mapping[str, str],
           off_by_default: Collection[str] = ()) -> frozenset[str]:
    """The names that run, of `known` ones.

    `*` means all that are on by default, `name` also those that are not, `-name` none of that
    name; the first pattern that names a controller decides. Raises UnknownController.
    """
    wanted = [_canonical(pattern, known, aliases) for pattern in patterns]
    return frozenset(name for name in known if _enabled(name, wanted, off_by_default))


def _enabled(name: str, patterns: Sequence[str], off_by_default: Collection[str]) -> bool:
    for pattern in patterns:
        if pattern == name:
            return True
        if pattern == f"-{name}":
            return False
    return "*" in patterns and name not in off_by_default


def _canonical(pattern: str, known: Sequence[str], aliases: Mapping[str, str]) -> str:
    if pattern == "*":
        return pattern
    sign = "-" if pattern.startswith("-") else ""
    bare = pattern.removeprefix("-")
    name = aliases.get(bare, bare)
    if name not in known:
        raise UnknownController(
            f'"{bare}" is not in the list of known controllers: {", ".join(sorted(known))}')
    return sign + name
