"""Sets of field paths, as FieldsV1 writes them. Models structured-merge-diff/fieldpath.

A path element is the text that FieldsV1 has for it: `f:name` (a field), `k:{"name":"c"}` (a
list element by its keys), `v:"x"` (an element of a set), `i:0` (an index).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.validation import go_quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Path = tuple[str, ...]
_RANKS: Final = {"f": 0, "k": 1, "v": 2, "i": 3}


class FieldSet:
    """A set of paths: members at this level, and sets below. Operations give new sets."""

    __slots__ = ("children", "members")

    def __init__(self, members: Iterable[str] = (),
                 children: dict[str, FieldSet] | None = None) -> None:
        self.members = set(members)
        self.children = {key: child for key, child in (children or {}).items() if child}

    def __bool__(self) -> bool:
        return bool(self.members or self.children)

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, FieldSet) and self.members == other.members
                and self.children == other.children)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"FieldSet({encode(self)})"

    def insert(self, path: Iterable[str]) -> None:
        """Add one path (only while a set is being built)."""
        *above, last = path
        node = self
        for element in above:
            node = node.children.setdefault(element, FieldSet())
        node.members.add(last)

    def below(self, element: str) -> FieldSet:
        """The paths below one element, without it."""
        return self.children.get(element, EMPTY)

    def union(self, other: FieldSet) -> FieldSet:
        """Paths in either."""
        if not other or not self:
            return self or other
        keys = self.children.keys() | other.children.keys()
        return FieldSet(self.members | other.members,
                        {key: self.below(key).union(other.below(key)) for key in keys})

    def intersection(self, other: FieldSet) -> FieldSet:
        """Paths in both."""
        keys = self.children.keys() & other.children.keys()
        return FieldSet(self.members & other.members,
                        {key: self.below(key).intersection(other.below(key)) for key in keys})

    def difference(self, other: FieldSet) -> FieldSet:
        """Paths of this set that the other has not."""
        if not other:
            return self
        return FieldSet(self.members - other.members,
                        {key: child.difference(other.below(key))
                         for key, child in self.children.items()})

    def recursive_difference(self, other: FieldSet) -> FieldSet:
        """The same, but a path of the other set also takes all that is below it."""
        if not other:
            return self
        return FieldSet(self.members - other.members,
                        {key: child.recursive_difference(other.below(key))
                         for key, child in self.children.items() if key not in other.members})

    def paths(self, prefix: Path = ()) -> Iterator[Path]:
        """All paths in order: members of a level before what is below."""
        for element in sorted(self.members, key=_order):
            yield (*prefix, element)
        for element in sorted(self.children, key=_order):
            yield from self.children[element].paths((*prefix, element))


EMPTY: Final = FieldSet()


def of(*paths: str) -> FieldSet:
    """A set of plain field paths: `of("status", "metadata.labels")`."""
    made = FieldSet()
    for path in paths:
        made.insert(f"f:{name}" for name in path.split("."))
    return made


def key_element(keys: dict[str, Any]) -> str:
    """`k:{"containerPort":80,"protocol":"TCP"}`."""
    return "k:" + json.dumps(keys, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def value_element(value: Any) -> str:
    """`v:"x"`."""
    return "v:" + json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def path_text(path: Iterable[str]) -> str:
    """A path as messages show it: `.spec.containers[name="c"].image`."""
    return "".join(map(element_text, path))


def element_text(element: str) -> str:
    """One element as messages show it: `.name`, `[name="c"]`, `[="x"]`, `[0]`."""
    kind, text = element[0], element[2:]
    if kind == "f":
        return f".{text}"
    if kind == "i":
        return f"[{text}]"
    value = json.loads(text)
    if kind == "v":
        return f"[={_value(value)}]"
    return f"[{','.join(f'{name}={_value(value[name])}' for name in sorted(value))}]"


def encode(fields: FieldSet) -> dict[str, Any]:
    """The JSON of FieldsV1."""
    out: dict[str, Any] = {}
    for element in sorted(fields.members | fields.children.keys()):
        below = fields.children.get(element)
        if below is None:
            out[element] = {}
        else:
            own: dict[str, Any] = {".": {}} if element in fields.members else {}
            out[element] = {**own, **encode(below)}
    return out


def decode(value: Any) -> FieldSet:
    """A set from FieldsV1. Raises ValueError for what is none."""
    if not isinstance(value, dict):
        raise ValueError(f"FieldsV1 must be an object, not {value!r}")
    fields = FieldSet()
    for element, below in value.items():
        if element == ".":
            continue
        key = _canonical(element)
        child = decode(below or {})
        if child:
            fields.children[key] = child
        if not child or "." in below:
            fields.members.add(key)
    return fields


def _canonical(element: str) -> str:
    kind, colon, text = element[:1], element[1:2], element[2:]
    if colon != ":" or kind not in _RANKS:
        raise ValueError(f"bad path element {element!r}")
    if kind == "k":
        keys = json.loads(text)
        if not isinstance(keys, dict):
            raise ValueError(f"bad path element {element!r}")
        return key_element(keys)
    return value_element(json.loads(text)) if kind == "v" else element


def _order(element: str) -> tuple[int, str]:
    return _RANKS[element[0]], element


def _value(value: Any) -> str:
    return go_quote(value) if isinstance(value, str) else json.dumps(value)
