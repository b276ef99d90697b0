"""The types of expressions over a schema, and where they do not fit. Models cel-go's checker with
the types that apiserver/pkg/cel/common gives to schemas.

What cannot be told is `dyn`, which fits everything: a complaint is never wrong, but some are
missing (of functions that are not in `_METHODS` and `_FUNCTIONS`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from apiserver.customresources.cel.parsing import Node, NotParsed, parse
from apiserver.customresources.cel.values import escaped
from apiserver.customresources.structural import EMBEDDED, INT_OR_STRING
from apiserver.schema import types as schema_types

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apiserver.machinery.types import Object


@dataclass(frozen=True, slots=True)
class Type:
    """`int`, `list(string)`, `map(string, int)`, an object with fields, `dyn`."""

    name: str
    of: tuple[Type, ...] = ()
    node: Any = None
    """The schema of an object."""

    def __str__(self) -> str:
        name = "null" if self.name == "null_type" else self.name
        return f"{name}({', '.join(map(str, self.of))})" if self.of else name


DYN: Final = Type("dyn")
BOOL: Final = Type("bool")
INT: Final = Type("int")
STRING: Final = Type("string")
_TIME, _SPAN, _DOUBLE = Type("timestamp"), Type("duration"), Type("double")
_BYTES, _UINT = Type("bytes"), Type("uint")
_NULL: Final = Type("null_type")
_FORMATS: Final = {"date-time": _TIME, "date": _TIME, "duration": _SPAN, "byte": _BYTES}
_PLAIN: Final = {"integer": INT, "number": _DOUBLE, "boolean": BOOL}
_SCALARS: Final = {**_PLAIN, "string": STRING, "time": _TIME, "bytes": _BYTES}
_NUMBERS: Final = (INT, _UINT, _DOUBLE)
_ORDERED: Final = (*_NUMBERS, BOOL, STRING, _BYTES, _TIME, _SPAN)
_TEXT: Final = {"type": "string"}
_META: Final = {"type": "object", "properties": {"name": _TEXT, "generateName": _TEXT}}
_ONE_VARIABLE: Final = frozenset({"all", "exists", "exists_one", "existsOne", "map", "filter"})
_FUNCTIONS: Final[Mapping[str, tuple[tuple[str, ...], Type]]] = {
    "size": (("string", "bytes", "list", "map"), INT),
    "duration": (("string", "duration", "int"), _SPAN),
    "timestamp": (("string", "timestamp", "int"), _TIME),
    "int": (("int", "uint", "double", "string", "timestamp", "duration"), INT),
    "double": (("int", "uint", "double", "string"), _DOUBLE),
    "bool": (("bool", "string"), BOOL)}
"""Functions of one argument: which types they take, and what they give."""
_METHODS: Final[Mapping[str, tuple[str, tuple[str, ...], Type]]] = {
    **dict.fromkeys(("contains", "startsWith", "endsWith", "matches"),
                    ("string", ("string",), BOOL)),
    "lowerAscii": ("string", (), STRING), "upperAscii": ("string", (), STRING),
    "trim": ("string", (), STRING)}
"""Methods: of which type, with which arguments, and what they give."""


def type_of(schema: Object, *, resource: bool = False) -> Type:
    """The type of a schema's values."""
    kind = schema.get("type")
    if schema.get(INT_OR_STRING):
        return DYN
    if kind == "array":
        items = schema.get("items")
        return Type("list", (type_of(items) if isinstance(items, dict) else DYN,))
    if resource or schema.get(EMBEDDED):
        properties = {**(schema.get("properties") or {}), "apiVersion": _TEXT, "kind": _TEXT,
                      "metadata": _META}
        return Type("object", node={**schema, "properties": properties})
    if schema.get("properties"):
        return Type("object", node=schema)
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        return Type("map", (STRING, type_of(more)))
    if kind == "string":
        return _FORMATS.get(schema.get("format") or "", STRING)
    return _PLAIN.get(kind or "", DYN)


def built_in(type_: schema_types.Type, *, formats: bool = True) -> Type:
    """The type of what is decoded as `type_`. `formats`: strings have none that is not told."""
    if isinstance(type_, schema_types.Struct):
        return Type("object", node=(type_, formats)) if type_.fields else DYN
    if isinstance(type_, schema_types.List):
        return Type("list", (built_in(type_.element, formats=formats),))
    if isinstance(type_, schema_types.Map):
        return Type("map", (STRING, built_in(type_.value, formats=formats)))
    kind = type_.kind if isinstance(type_, schema_types.Scalar) else ""
    return _SCALARS.get(kind, DYN) if formats or kind != "string" else DYN


def _fields(found: Type) -> Mapping[str, Callable[[], Type]]:
    """How to get the types of an object's fields, by name."""
    if isinstance(found.node, tuple):
        struct, formats = found.node
        return {escaped(name): partial(built_in, field.type, formats=formats)
                for name, field in struct.fields.items()}
    return {escaped(name): partial(type_of, child)
            for name, child in found.node["properties"].items()}


def problems_of(source: str, variables: Mapping[str, Type]) -> tuple[list[tuple[int, str]], Type]:
    """Where an expression does not fit, and with what complaint; and its type."""
    try:
        tree = parse(source)
    except (NotParsed, RecursionError):
        return [], DYN
    checker = _Checker()
    found = checker.type(tree, dict(variables))
    return sorted(checker.problems), found


class _Checker:
    def __init__(self) -> None:
        self.problems: list[tuple[int, str]] = []

    def type(self, node: Node, scope: dict[str, Type]) -> Type:
        """The type of an expression, `dyn` for one that has been complained of."""
        how: Callable[[Node, dict[str, Type]], Type] = getattr(self, f"_{node.kind}")
        return how(node, scope)

    def _complain(self, at: int, text: str) -> Type:
        self.problems.append((at, text))
        return DYN

    def _literal(self, node: Node, scope: dict[str, Type]) -> Type:
        return Type(node.name)

    def _ident(self, node: Node, scope: dict[str, Type]) -> Type:
        return scope.get(node.name, DYN)

    def _list(self, node: Node, scope: dict[str, Type]) -> Type:
        found = [self.type(item, scope) for item in node.args]
        return Type("list", (found[0] if found and len(set(map(str, found))) == 1 else DYN,))

    def _map(self, node: Node, scope: dict[str, Type]) -> Type:
        for entry in node.args:
            self.type(entry, scope)
        return Type("map", (DYN, DYN))

    def _optional(self, node: Node, scope: dict[str, Type]) -> Type:
        self._select(node, scope)
        return DYN

    def _select(self, node: Node, scope: dict[str, Type]) -> Type:
        assert node.target is not None
        found = self.type(node.target, scope)
        if found.name == "map":
            return found.of[1]
        if found.name == "object":
            fields = _fields(found)
            if node.name not in fields:
                return self._complain(node.at, f"undefined field '{node.name}'")
            return fields[node.name]()
        if found == DYN or (node.target.kind == "ident" and node.target.name not in scope):
            return DYN  # the namespace of a function
        return self._complain(node.at, f"type '{found}' does not support field selection")

    def _call(self, node: Node, scope: dict[str, Type]) -> Type:
        if node.target is not None and node.name in _ONE_VARIABLE and len(node.args) >= 2:
            return self._macro(node, scope)
        if node.name == "has":
            for arg in node.args:  # the macro's own selection, which is where the macro is
                self.type(replace(arg, at=node.at), scope)
            return BOOL
        if node.target is not None and node.target.kind == "ident" \
                and node.target.name not in scope:
            return self._namespaced(node, scope)
        target = self.type(node.target, scope) if node.target is not None else None
        args = [self.type(arg, scope) for arg in node.args]
        if target is not None:
            return self._method(node, target, args)
        operator = _OPERATORS.get(node.name)
        found = operator(args) if operator is not None else _function(node.name, args)
        return found if found is not None else self._no_overload(node, args)

    def _namespaced(self, node: Node, scope: dict[str, Type]) -> Type:
        """`cel.bind(name, value, expression)`, `math.greatest(...)`, `sets.contains(...)`."""
        assert node.target is not None
        if (node.target.name, node.name) == ("cel", "bind") and len(node.args) == 3:
            value = self.type(node.args[1], scope)
            return self.type(node.args[2], {**scope, node.args[0].name: value})
        for arg in node.args:
            self.type(arg, scope)
        return DYN

    def _macro(self, node: Node, scope: dict[str, Type]) -> Type:
        assert node.target is not None
        over = self.type(node.target, scope)
        if over.name not in ("list", "map", "dyn"):
            return self._complain(node.target.at, f"expression of type '{over}' cannot be range of "
                                  "a comprehension (must be list, map, or dynamic)")
        element = over.of[0] if over.of else DYN
        inner = {**scope, node.args[0].name: element}
        two = len(node.args) == 3 and node.name != "map"
        if two:
            first = INT if over.name == "list" else element
            second = over.of[-1] if over.of else DYN
            inner |= {node.args[0].name: first, node.args[1].name: second}
        results = [self.type(arg, inner) for arg in node.args[2 if two else 1:]]
        if node.name == "map":
            return Type("list", (results[-1],))
        if results[-1] not in (BOOL, DYN):
            return self._no_overload(node.args[-1], [BOOL, results[-1]], "_&&_")
        return (Type("list", (element,)) if over.name == "list" else over) \
            if node.name == "filter" else BOOL

    def _method(self, node: Node, target: Type, args: list[Type]) -> Type:
        if node.name == "size" and not args:
            found = _function("size", [target])
            return found if found is not None else self._no_overload(node, [], target=target)
        known = _METHODS.get(node.name)
        if known is None or DYN in (target, *args):
            return known[2] if known is not None else DYN
        if target.name != known[0] or tuple(arg.name for arg in args) != known[1]:
            return self._no_overload(node, args, target=target)
        return known[2]

    def _no_overload(self, node: Node, args: list[Type], name: str = "", *,
                     target: Type | None = None) -> Type:
        given = f"{target}." if target is not None else ""
        return self._complain(node.at, f"found no matching overload for '{name or node.name}' "
                              f"applied to '{given}({', '.join(map(str, args))})'")


def _fits(a: Type, b: Type) -> bool:
    """Whether two types can be the same."""
    if DYN in (a, b):
        return True
    if _NULL in (a, b):
        other = b if a == _NULL else a
        return other.name in ("null_type", "object", "timestamp", "duration")
    if a.name != b.name:
        return False
    return all(map(_fits, a.of, b.of))


def _equal(args: list[Type]) -> Type | None:
    return BOOL if _fits(*args) else None


def _compare(args: list[Type]) -> Type | None:
    if DYN in args or all(arg in _NUMBERS for arg in args):
        return BOOL
    return BOOL if args[0] == args[1] and args[0] in _ORDERED else None


def _arithmetic(*kinds: Type, more: Mapping[tuple[str, str], Type]) -> Any:
    def find(args: list[Type]) -> Type | None:
        if DYN in args:
            return DYN
        a, b = args
        if a.name == "list" and b.name == "list" and ("list", "list") in more:
            return a if _fits(a, b) else None
        return a if a == b and a in kinds else more.get((a.name, b.name))

    return find


def _logic(args: list[Type]) -> Type | None:
    return BOOL if all(arg in (BOOL, DYN) for arg in args) else None


def _negative(args: list[Type]) -> Type | None:
    return args[0] if args[0] in (INT, _DOUBLE, DYN) else None


def _choice(args: list[Type]) -> Type | None:
    if args[0] not in (BOOL, DYN) or not _fits(args[1], args[2]):
        return None
    return args[1] if args[1] != DYN else args[2]


def _within(args: list[Type]) -> Type | None:
    item, container = args
    if container.name not in ("list", "map", "dyn"):
        return None
    return BOOL if not container.of or _fits(item, container.of[0]) else None


def _index(args: list[Type]) -> Type | None:
    container, index = args
    if container.name == "list":
        return container.of[0] if index in (INT, DYN) else None
    if container.name == "map":
        return container.of[1] if _fits(index, container.of[0]) else None
    return DYN if container in (DYN,) or container.name == "object" else None


def _function(name: str, args: list[Type]) -> Type | None:
    known = _FUNCTIONS.get(name)
    if known is None or len(args) != 1:
        return STRING if name == "string" else DYN
    return known[1] if args[0] == DYN or args[0].name in known[0] else None


_OPERATORS: Final[Mapping[str, Callable[[list[Type]], Type | None]]] = {
    "_==_": _equal, "_!=_": _equal, "_<_": _compare, "_<=_": _compare, "_>_": _compare,
    "_>=_": _compare, "_&&_": _logic, "_||_": _logic, "!_": _logic, "-_": _negative,
    "_?_:_": _choice, "@in": _within, "_[_]": _index, "_[?_]": lambda args: DYN,
    "_+_": _arithmetic(*_NUMBERS, STRING, _BYTES, _SPAN, more={
        ("list", "list"): DYN, ("timestamp", "duration"): _TIME,
        ("duration", "timestamp"): _TIME}),
    "_-_": _arithmetic(*_NUMBERS, _SPAN, more={
        ("timestamp", "timestamp"): _SPAN, ("timestamp", "duration"): _TIME}),
    "_*_": _arithmetic(*_NUMBERS, more={}), "_/_": _arithmetic(*_NUMBERS, more={}),
    "_%_": _arithmetic(INT, _UINT, more={})}
