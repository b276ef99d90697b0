"""OpenAPI definitions into types. Models what k8s.io/api's structs and their tags say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.schema import gofacts, scalars
from apiserver.schema.decoders import attach, named_string, string, struct_decoder
from apiserver.schema.types import Field, List, Map, Scalar, Struct, Type

if TYPE_CHECKING:
    from apiserver.schema.definitions import Definitions
    from apiserver.schema.types import ListKind

_REF: Final = "#/$defs/"
_SPECIAL: Final[dict[str, Scalar]] = {
    "resource.Quantity": Scalar("resource.Quantity", "quantity", "0", scalars.quantity),
    "intstr.IntOrString": Scalar("intstr.IntOrString", "intstr", 0, scalars.int_or_string),
    "v1.Time": Scalar("v1.Time", "time", None, scalars.time),
    "v1.MicroTime": Scalar("v1.MicroTime", "time", None, scalars.micro_time),
    "v1.Duration": Scalar("v1.Duration", "duration", "0s", scalars.duration),
    "runtime.RawExtension": Scalar("runtime.RawExtension", "raw", None, scalars.raw),
    "v1.FieldsV1": Scalar("v1.FieldsV1", "raw", None, scalars.raw),
    "v1.JSON": Scalar("v1.JSON", "raw", None, scalars.raw),
}
"""Types that decode themselves (UnmarshalJSON), by their short Go name."""
_RAW_UNIONS: Final = frozenset(
    {"JSONSchemaPropsOrArray", "JSONSchemaPropsOrBool", "JSONSchemaPropsOrStringArray"})
_INTEGERS: Final = {32: scalars.integer(32), 64: scalars.integer(64)}


class Compiler:
    """Types of one version of Kubernetes, each made when first asked for."""

    def __init__(self, definitions: Definitions, minor: int) -> None:
        self._definitions = definitions
        self._minor = minor
        self._structs: dict[str, Type] = {}

    def named(self, name: str) -> Type:
        """The type of a definition, such as io.k8s.api.core.v1.Pod. Raises KeyError."""
        known = self._structs.get(name)
        if known is None:
            known = self._structs[name] = self._make(name)
        return known

    def _make(self, name: str) -> Type:
        definition = self._definitions[name]
        *_, version, bare = name.split(".")
        go_type = f"{version}.{bare}"
        if bare in _RAW_UNIONS:
            return Scalar(go_type, "raw", None, scalars.raw)
        if go_type in _SPECIAL and "properties" not in definition:
            return _SPECIAL[go_type]
        struct = Struct(bare, go_type, lambda struct: self._fields(name, struct), struct_decoder)
        struct.atomic = definition.get("x-kubernetes-map-type") == "atomic"
        return struct

    def _fields(self, name: str, struct: Struct) -> dict[str, Field]:
        definition = self._definitions[name]
        required = frozenset(definition.get("required", ()))
        group = name.split(".")[-3]
        return {
            field: self._field(f"{group}/{struct.name}.{field}", field, schema, field in required)
            for field, schema in definition.get("properties", {}).items()}

    def _field(self, fact: str, name: str, schema: dict[str, Any], required: bool) -> Field:
        type_ = self._type(schema, gofacts.GO_TYPES.get(fact, ""))
        shown = self._shown(fact, name, type_, required)
        keep = shown or fact in gofacts.POINTERS | gofacts.TOLD or not _has_zero(type_)
        field = Field(name, type_, keep_zero=keep, shown=shown)
        field.pointer = _is_pointer(fact, type_)
        field.merge_key = schema.get("x-kubernetes-patch-merge-key", "")
        strategy = schema.get("x-kubernetes-patch-strategy", "")
        field.strategies = tuple(strategy.split(",")) if strategy else ()
        field.default = gofacts.DEFAULTS.get(fact)
        return field

    def _shown(self, fact: str, name: str, type_: Type, required: bool) -> bool:
        if fact == "meta/ObjectMeta.creationTimestamp":
            return self._minor < 34  # omitzero came with 1.34
        if fact in gofacts.SHOWN:
            return True
        if fact in gofacts.STRUCTS:
            return True
        if required:
            return fact not in gofacts.HIDDEN
        return (isinstance(type_, Struct) and name in gofacts.STRUCT_NAMES
                and fact not in gofacts.POINTER_OBJECTS)

    def _type(self, schema: dict[str, Any], go_type: str) -> Type:
        if "$ref" in schema:
            type_ = self.named(schema["$ref"].removeprefix(_REF))
            return _atomic(type_, schema)
        json_type = _json_type(schema)
        if json_type == "array":
            kind, keys = _relationship(schema)
            made: Type = List(self._type(schema.get("items", {}), go_type), kind=kind, keys=keys)
        elif json_type == "object":
            value = self._type(schema.get("additionalProperties", {}), "")
            made = Map(value, go_type, atomic=schema.get("x-kubernetes-map-type") == "atomic")
        else:
            return _scalar(json_type, schema.get("format", ""), go_type)
        attach(made)
        return made


def _is_pointer(fact: str, type_: Type) -> bool:
    if fact in gofacts.POINTERS or fact in gofacts.POINTER_OBJECTS:
        return True
    return isinstance(type_, Struct) and fact in gofacts.SHOWN and fact not in gofacts.STRUCTS


def _json_type(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "")
    return str(kind[0] if isinstance(kind, list) else kind)


def _relationship(schema: dict[str, Any]) -> tuple[ListKind, tuple[str, ...]]:
    """How apply sees a list's elements, and by which keys. Models kube-openapi's schemaconv.

    Fields have x-kubernetes-list-type since 1.30; before, many had only the patch strategy.
    """
    if "x-kubernetes-list-type" in schema:
        return schema["x-kubernetes-list-type"], tuple(schema.get("x-kubernetes-list-map-keys", ()))
    if "merge" not in schema.get("x-kubernetes-patch-strategy", "").split(","):
        return "atomic", ()
    key = schema.get("x-kubernetes-patch-merge-key")
    return ("map", (key,)) if key else ("set", ())


def _scalar(kind: str, format_: str, go_type: str) -> Scalar:
    if kind == "string":
        if format_ == "byte":
            return Scalar("[]uint8", "bytes", None, scalars.byte_string)
        decode = named_string(go_type) if go_type else string
        return Scalar(go_type or "string", "string", "", decode, exact=str)
    if kind == "integer":
        bits = 32 if format_ == "int32" else 64
        return Scalar(f"int{bits}", "integer", 0, _INTEGERS[bits])
    if kind == "boolean":
        return Scalar("bool", "boolean", False, scalars.boolean, exact=bool)
    if kind == "number":
        return Scalar("float64", "number", 0, scalars.floating)
    return Scalar("interface {}", "raw", None, scalars.raw)


def _atomic(type_: Type, schema: dict[str, Any]) -> Type:
    """The type as this field sees it: a field may declare its struct atomic."""
    if schema.get("x-kubernetes-map-type") != "atomic" or not isinstance(type_, Struct):
        return type_
    same = Struct(type_.name, type_.go_type, lambda _: dict(type_.fields), struct_decoder)
    same.atomic = True
    return same


def _has_zero(type_: Type) -> bool:
    """Whether `omitempty` drops a value of this type (structs and self-decoding types stay)."""
    if isinstance(type_, Scalar):
        return type_.kind in {"string", "integer", "boolean", "number", "bytes"}
    return isinstance(type_, List | Map)
