"""Structural schemas into types: pruning is decoding. Models apiextensions' schema and pruning.

The types are those of `apiserver.schema.types`, so patches and apply walk custom resources as they
walk built-in kinds. Decoding differs: no wrong type is complained about here (validation does),
null stays, and what a schema does not know is noted and dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.schema.state import Duplicated
from apiserver.schema.types import Decoder, Field, List, Map, Scalar, Struct, Type

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.machinery.types import Object
    from apiserver.schema.state import State

PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
EMBEDDED: Final = "x-kubernetes-embedded-resource"
INT_OR_STRING: Final = "x-kubernetes-int-or-string"
_EXACT_FLOATS: Final = 1e21
_GO_TYPES: Final = {"string": "string", "integer": "int64", "boolean": "bool", "number": "float64"}


def plain(value: Any) -> Any:
    """A private copy of a JSON value as Go keeps it: whole numbers have no fraction."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < _EXACT_FLOATS
        return int(value) if whole else float(value)
    return value


def root_type(schema: Object, kind: str, object_meta: Type) -> Struct:
    """The type of a kind's objects from its openAPIV3Schema."""
    return TypeCompiler(object_meta).struct(schema, kind, resource=True)


class TypeCompiler:
    """Types of one schema; `object_meta` is the type of metadata."""

    def __init__(self, object_meta: Type) -> None:
        self._object_meta = object_meta

    def struct(self, node: Object, name: str, *, resource: bool) -> Struct:
        """An object with properties; `resource`: it has apiVersion, kind and metadata."""
        struct = Struct(name, f"{name}", lambda _: self._fields(node, resource), _struct_decoder)
        struct.preserve_unknown = bool(node.get(PRESERVE))
        struct.atomic = node.get("x-kubernetes-map-type") == "atomic"
        return struct

    def _fields(self, node: Object, resource: bool) -> dict[str, Field]:
        fields = {name: self._field(name, child)
                  for name, child in (node.get("properties") or {}).items()}
        if resource:
            for name in ("apiVersion", "kind"):
                fields[name] = Field(name, _scalar("string"), keep_zero=True)
            fields["metadata"] = Field("metadata", self._object_meta, keep_zero=True)
        return fields

    def _field(self, name: str, node: Object) -> Field:
        field = Field(name, self.of(node, name), keep_zero=True)
        field.default = node.get("default")
        return field

    def of(self, node: Object, name: str = "") -> Type:
        """The type of any node."""
        if node.get(INT_OR_STRING):
            return Scalar("intstr.IntOrString", "intstr", None, plain)
        kind = node.get("type") or ""
        if kind == "array":
            return self._list(node, name)
        more = node.get("additionalProperties")
        if more is not None and not node.get("properties"):
            return self._map(node, more, name)
        if node.get("properties") or node.get(EMBEDDED) or kind == "object":
            return self._object(node, name)
        return _scalar(kind)

    def _object(self, node: Object, name: str) -> Type:
        embedded = bool(node.get(EMBEDDED))
        if node.get(PRESERVE) and not embedded and not node.get("properties"):
            return _untyped_map(node)
        return self.struct(node, name, resource=embedded)

    def _list(self, node: Object, name: str) -> List:
        items = node.get("items")
        element = self.of(items, name) if isinstance(items, dict) else _scalar("")
        made = List(element, kind=node.get("x-kubernetes-list-type") or "atomic",
                    keys=tuple(node.get("x-kubernetes-list-map-keys") or ()))
        made.decode = _list_decoder(made)
        return made

    def _map(self, node: Object, more: Any, name: str) -> Map:
        value = self.of(more, name) if isinstance(more, dict) else _scalar("")
        made = Map(value, atomic=node.get("x-kubernetes-map-type") == "atomic")
        made.decode = _map_decoder(made)
        return made


def _untyped_map(node: Object) -> Map:
    made = Map(_scalar(""), atomic=node.get("x-kubernetes-map-type") == "atomic")
    made.decode = _map_decoder(made)
    return made


def _scalar(kind: str) -> Scalar:
    go_type = _GO_TYPES.get(kind)
    return Scalar(go_type or "interface {}", kind if go_type else "raw", None, plain)


def _list_decoder(type_: List) -> Decoder:
    def decode(value: Any, state: State) -> Any:
        if type(value) is not list:
            return plain(value)
        return [_below(type_.element, at, item, state) for at, item in enumerate(value)]

    return decode


def _map_decoder(type_: Map) -> Decoder:
    def decode(value: Any, state: State) -> Any:
        if not isinstance(value, dict):
            return plain(value)
        _note_duplicates(value, state)
        return {key: _below(type_.value, (key,), item, state) for key, item in value.items()}

    return decode


def _struct_decoder(type_: Struct) -> Decoder:
    fields, keeps = type_.fields, type_.preserve_unknown

    def decode(value: Any, state: State) -> Any:
        if not isinstance(value, dict):
            return plain(value)
        _note_duplicates(value, state)
        out: dict[str, Any] = {}
        for key, item in value.items():
            field = fields.get(key)
            if field is not None:
                out[key] = _below(field.type, key, item, state)
            elif keeps:
                out[key] = plain(item)
            else:
                state.unknown(key)
        return out

    return decode


def _below(type_: Type, step: Any, item: Any, state: State) -> Any:
    if item is None:
        return None
    if not type_.container:
        return type_.decode(item, state)
    state.path.append(step)
    out = type_.decode(item, state)
    state.path.pop()
    return out


def _note_duplicates(value: Any, state: State) -> None:
    if type(value) is Duplicated:
        for key in value.repeated:
            state.duplicate(key)


def walk(node: Object, visit: Callable[[Object], None]) -> None:
    """Call `visit` for a schema node and all below it that hold values."""
    visit(node)
    for child in (node.get("properties") or {}).values():
        walk(child, visit)
    for name in ("items", "additionalProperties"):
        child = node.get(name)
        if isinstance(child, dict):
            walk(child, visit)
