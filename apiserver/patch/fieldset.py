"""Sets of field paths, as FieldsV1 writes them. Models structured-merge-diff/fieldpath.

A path element is the text that FieldsV1 has for it: `f:name` (a field), `k:{"name":"c"}` (a
list element by its keys), `v:"x"` (an element of a set), `i:0` (an index).
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.validation import go_quote
from apiserver.patch.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Path = tuple[str, ...]
_RANKS: Final = {"f": 0, "k": 1, "v": 2, "i": 3}


class FieldSet:
    """A set of paths: members at this level, and sets below. Operations give new sets."""

    __slots__ = ("children", "dotted", "json", "members")

    def __init__(self, members: Iterable[str] = (),
                 children: dict[str, FieldSet] | None = None) -> None:
        self.members = set(members)
        self.children = {key: child for key, child in children.items() if child} if children else {}
        self.json: dict[str, Any] | None = None
        """Its FieldsV1, once that was asked for."""
        self.dotted: dict[str, Any] | None = None
        """The same below an element that is a member itself."""

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
        """Paths in either; the set itself when it has them all."""
        if not other or not self or self is other:
            return self or other
        more = {key: child.union(below) if (child := self.children.get(key)) else below
                for key, below in other.children.items()}
        if other.members <= self.members and all(
                child is self.children.get(key) for key, child in more.items()):
            return self
        return _made(self.members | other.members, {**self.children, **more})

    def intersection(self, other: FieldSet) -> FieldSet:
        """Paths in both."""
        keys = self.children.keys() & other.children.keys()
        return FieldSet(self.members & other.members,
                        {key: self.below(key).intersection(other.below(key)) for key in keys})

    def difference(self, other: FieldSet) -> FieldSet:
        """Paths of this set that the other has not; the set itself when those are all."""
        if not other:
            return self
        shared = self.children.keys() & other.children.keys()
        return self._without(other.members, {
            key: self.children[key].difference(other.children[key]) for key in shared})

    def recursive_difference(self, other: FieldSet) -> FieldSet:
        """The same, but a path of the other set also takes all that is below it."""
        shared = self.children.keys() & (other.children.keys() | other.members)
        return self._without(other.members, {
            key: EMPTY if key in other.members
            else self.children[key].recursive_difference(other.children[key]) for key in shared})

    def _without(self, gone: set[str], children: dict[str, FieldSet]) -> FieldSet:
        """This set less some members, and with what is left of some children."""
        if self.members.isdisjoint(gone) and all(
                child is self.children[key] for key, child in children.items()):
            return self
        left = {**self.children, **children}
        return _made(self.members - gone, {key: child for key, child in left.items() if child})

    def matching(self, patterns: Iterable[str]) -> FieldSet:
        """What is at or below one of these paths: `spec.containers.*.resources`."""
        made = EMPTY
        for pattern in patterns:
            made = made.union(self._at(pattern.split(".")))
        return made

    def _at(self, steps: list[str]) -> FieldSet:
        """What is at or below one path."""
        step, *rest = steps
        elements = [f"f:{step}"] if step != "*" else [
            each for each in self.members | self.children.keys() if each[0] != "f"]
        if rest:
            return FieldSet((), {each: self.below(each)._at(rest) for each in elements})
        return FieldSet([each for each in elements if each in self.members],
                        {each: self.below(each) for each in elements})

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
    made.members, made.children, made.json, made.dotted = members, children, None, None
    return made


def empty() -> FieldSet:
    """A new set, to be filled."""
    return _made(set(), {})


def of(*paths: str) -> FieldSet:
    """A set of plain field paths: `of("status", "metadata.labels")`."""
    made = FieldSet()
    for path in paths:
        made.insert(f"f:{name}" for name in path.split("."))
    return made


@lru_cache(maxsize=4096)
def of_names(names: tuple[str, ...]) -> FieldSet:
    """The set of some fields without anything below them. Shared: never insert into it."""
    return FieldSet(map(field_element, names))


@lru_cache(maxsize=4096)
def field_element(name: str) -> str:
    """`f:name`, the same text each time: many sets hold it."""
    return f"f:{name}"


_JSON: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def key_element(keys: dict[str, Any]) -> str:
    """`k:{"containerPort":80,"protocol":"TCP"}`."""
    return "k:" + _JSON.encode(keys)


@lru_cache(maxsize=4096)
def text_key_element(keys: tuple[str, ...], values: tuple[str, ...]) -> str:
    """The same of keys that are all texts."""
    return key_element(dict(zip(keys, values, strict=True)))


def value_element(value: Any) -> str:
    """`v:"x"`."""
    return "v:" + _JSON.encode(value)


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
    """The JSON of FieldsV1. Equal parts are the same dict, so nobody may change it.

    A thousand Pods of one template own the same fields but for an address. Shared, they take 2 KiB
    less each.
    """
    if fields.json is None:
        parts = {}
        for element in sorted(fields.members | fields.children.keys()):
            below = fields.children.get(element)
            if below is None:
                parts[element] = _LEAF
            else:
                parts[element] = _dotted(below) if element in fields.members else encode(below)
        fields.json = _shared(parts)
    return fields.json


def _dotted(below: FieldSet) -> dict[str, Any]:
    """The JSON of what is below an element that is a member itself."""
    if below.dotted is None:
        below.dotted = _shared({".": _LEAF, **encode(below)})
    return below.dotted


def _shared(parts: dict[str, Any]) -> dict[str, Any]:
    """The one dict with these parts, which are shared themselves."""
    key = tuple(parts), tuple(map(id, parts.values()))
    return _PARTS.get(key) or _PARTS.put(key, parts)


_LEAF: Final[dict[str, Any]] = {}
_PARTS: Final[Memory[tuple[tuple[str, ...], tuple[int, ...]], dict[str, Any]]] = Memory(2048)
"""Shared dicts by their keys and the identities of their values (which they keep alive)."""


def decode(value: Any) -> FieldSet:
    """A set from FieldsV1. Raises ValueError for what is none."""
    if not isinstance(value, dict):
        raise ValueError(f"FieldsV1 must be an object, not {value!r}")
    members, children = set(), {}
    for element, below in value.items():
        if element == ".":
            continue
        key = _canonical(element)
        child = decode(below or _LEAF)
        if child:
            children[key] = child
        if not child or "." in below:
            members.add(key)
    return _made(members, children)


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
