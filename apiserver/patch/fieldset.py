"""Sets of field paths, as FieldsV1 writes them. Models structured-merge-diff/fieldpath.

A path element is the text that FieldsV1 has for it: `f:name` (a field), `k:{"name":"c"}` (a
list element by its keys), `v:"x"` (an element of a set), `i:0` (an index).
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, Final

import orjson

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
            below = node.children.get(element)
            if below is None:
                below = node.children[element] = _made(set(), {})
            node = below
        node.members.add(last)

    def below(self, element: str) -> FieldSet:
        """The paths below one element, without it."""
        return self.children.get(element, EMPTY)

    def union(self, other: FieldSet) -> FieldSet:
        """Paths in either."""
        if not other or not self or self is other:
            return self or other
        children = {**self.children, **other.children}
        for key in self.children.keys() & other.children.keys():
            children[key] = self.children[key].union(other.children[key])
        return _made(self.members | other.members, children)

    def intersection(self, other: FieldSet) -> FieldSet:
        """Paths in both."""
        keys = self.children.keys() & other.children.keys()
        return FieldSet(self.members & other.members,
                        {key: self.below(key).intersection(other.below(key)) for key in keys})

    def difference(self, other: FieldSet) -> FieldSet:
        """Paths of this set that the other has not."""
        shared = self.children.keys() & other.children.keys()
        if not shared and self.members.isdisjoint(other.members):
            return self
        children = dict(self.children)
        for key in shared:
            _put(children, key, children[key].difference(other.children[key]))
        return _made(self.members - other.members, children)

    def recursive_difference(self, other: FieldSet) -> FieldSet:
        """The same, but a path of the other set also takes all that is below it."""
        shared = self.children.keys() & (other.children.keys() | other.members)
        if not shared and self.members.isdisjoint(other.members):
            return self
        children = dict(self.children)
        for key in shared:
            gone = key in other.members
            _put(children, key, EMPTY if gone else children[key].recursive_difference(
                other.children[key]))
        return _made(self.members - other.members, children)

    def paths(self, prefix: Path = ()) -> Iterator[Path]:
        """All paths in order: members of a level before what is below."""
        for element in sorted(self.members, key=_order):
            yield (*prefix, element)
        for element in sorted(self.children, key=_order):
            yield from self.children[element].paths((*prefix, element))


EMPTY: Final = FieldSet()


def _made(members: set[str], children: dict[str, FieldSet]) -> FieldSet:
    """A set of parts that are its own; no child is empty."""
    made = FieldSet.__new__(FieldSet)
    made.members, made.children = members, children
    return made


def _put(children: dict[str, FieldSet], key: str, child: FieldSet) -> None:
    if child:
        children[key] = child
    else:
        del children[key]


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
    """A set from FieldsV1. Raises ValueError for what is none.

    Most objects of a kind have the same few sets, so what was decoded once is remembered.
    """
    return _decode_text(orjson.dumps(value))


@functools.lru_cache(1024)
def _decode_text(text: bytes) -> FieldSet:
    return _decode(orjson.loads(text))


def _decode(value: Any) -> FieldSet:
    if not isinstance(value, dict):
        raise ValueError(f"FieldsV1 must be an object, not {value!r}")
    fields = FieldSet()
    for element, below in value.items():
        if element == ".":
            continue
        key = _canonical(element)
        child = _decode(below or {})
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
