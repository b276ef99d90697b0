"""Elements of merged lists: finding by key, `$patch` elements, and the order of what comes out."""

from __future__ import annotations

from functools import cmp_to_key
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.errors import Invalid, Unknown
from apiserver.patch.goformat import go_text

if TYPE_CHECKING:
    from collections.abc import Callable

DIRECTIVE: Final = "$patch"


def key_of(item: dict[str, Any], key: str) -> Any:
    """The merge key's value. Raises Unknown when the element has none."""
    if key not in item:
        raise Unknown(f"map: {go_text(item)} does not contain declared merge key: {key}")
    return item[key]


def find(items: list[Any], key: str, wanted: Any) -> int:
    """Where the element with that key stands; -1 when there is none."""
    for at, item in enumerate(items):
        if isinstance(item, dict) and key in item and _same(item[key], wanted):
            return at
    return -1


def are_maps(original: list[Any], patch: list[Any]) -> bool:
    """Whether the lists hold objects. Raises Unknown for mixed and nested lists."""
    kinds = {dict if isinstance(item, dict) else type(item) for item in [*original, *patch]}
    if list in kinds:
        raise Invalid("the server rejected our request due to an error in our request",
                      details={})
    if len(kinds) > 1:
        first, second = sorted(kind.__name__ for kind in kinds)[:2]
        raise Unknown(f"list element types are not identical: {first} and {second}")
    return dict in kinds


def special(original: list[Any], patch: list[Any], key: str) -> tuple[list[Any], list[Any]]:
    """What `$patch` elements leave of both lists."""
    plain, replace = [], False
    for item in patch:
        kind = item.get(DIRECTIVE)
        if DIRECTIVE not in item:
            plain.append(item)
        elif kind == "delete":
            wanted = key_of(item, key)
            original = [old for old in original if not _same(old.get(key), wanted)]
        elif kind == "replace":
            replace = True
        elif kind == "merge":
            raise Unknown("merging lists cannot yet be specified in the patch")
        else:
            raise Unknown(f"unknown patch type: {go_text(kind)} in map: {go_text(item)}")
    return (plain, []) if replace else (original, plain)


def partition(merged: list[Any], patch: list[Any], key: str) -> tuple[list[Any], list[Any]]:
    """The elements that the patch names, and those that only the server has."""
    mine: list[Any] = []
    theirs: list[Any] = []
    place = places(patch, key)
    for item in merged:
        (mine if place(item) >= 0 else theirs).append(item)
    return mine, theirs


def order(mine: list[Any], theirs: list[Any], patch: list[Any], original: list[Any],
          key: str) -> list[Any]:
    """Both parts in one list: each in its own order, ties by the order of the original."""
    before = places(original, key)
    mine, theirs = _sorted(mine, places(patch, key)), _sorted(theirs, before)
    out = []
    while mine and theirs:
        left, right = before(theirs[0]), before(mine[0])
        server_first = 0 <= left < right
        out.append((theirs if server_first else mine).pop(0))
    return out + mine + theirs


def check_order(patch: list[Any], wanted: list[Any], key: str) -> None:
    """A patched list must follow its `$setElementOrder`. Raises Unknown."""
    named = [item for item in patch
             if not (isinstance(item, dict) and item.get(DIRECTIVE) in ("delete", "replace"))]
    places = iter(wanted)
    for item in named:
        if not any(_matches(item, place, key) for place in places):
            raise Unknown(f"The order in patch list:\n{go_text(patch)}\n doesn't match "
                             f"$setElementOrder list:\n{go_text(wanted)}\n")


def index(items: list[Any], wanted: Any, key: str) -> int:
    """Where an equal element (by key, or the same scalar) stands; -1 when nowhere."""
    if key and isinstance(wanted, dict):
        return find(items, key, key_of(wanted, key))
    return next((at for at, item in enumerate(items) if _same(item, wanted)), -1)


def places(items: list[Any], key: str) -> Callable[[Any], int]:
    """The same for many elements: a function that finds each at once."""
    known: dict[tuple[bool, type, Any], int] = {}
    try:
        for at, item in enumerate(items):
            by_key = bool(key) and isinstance(item, dict)
            if not by_key or key in item:
                value = item[key] if by_key else item
                known.setdefault((by_key, type(value), value), at)
    except TypeError:  # a value that has no hash
        return lambda wanted: index(items, wanted, key)

    def place(wanted: Any) -> int:
        by_key = bool(key) and isinstance(wanted, dict)
        value = key_of(wanted, key) if by_key else wanted
        if isinstance(value, dict | list):
            return -1
        return known.get((by_key, type(value), value), -1)

    return place


def _sorted(items: list[Any], place: Callable[[Any], int]) -> list[Any]:
    if len(items) < 2:
        return items
    placed = [(place(item), item) for item in items]

    def compare(a: tuple[int, Any], b: tuple[int, Any]) -> int:
        return a[0] - b[0] if a[0] >= 0 and b[0] >= 0 else 0

    return [item for _, item in sorted(placed, key=cmp_to_key(compare))]


def _matches(item: Any, place: Any, key: str) -> bool:
    if key and isinstance(item, dict) and isinstance(place, dict):
        return _same(key_of(item, key), key_of(place, key))
    return _same(item, place)


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)
