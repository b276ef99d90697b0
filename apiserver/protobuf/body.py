"""Protobuf bodies into JSON values. Models runtime/serializer/protobuf and types' own JSON forms.

A body is `k8s\\0` and a runtime.Unknown whose `raw` is the message of the kind it names. The result
is what the JSON body would have been, zero values included: the schema's decoding drops those.
"""

from __future__ import annotations

import base64
import struct
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.clock import rfc3339, rfc3339_micro
from apiserver.machinery.gvk import GVK, parse_api_version
from apiserver.protobuf.table import UNKNOWN, Field, message_of, messages
from apiserver.protobuf.wire import BYTES, WireError, fields, read_varint, signed
from apiserver.schema.gotime import duration_text
from apiserver.schema.json_body import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX: Final = b"k8s\x00"
_MAX_DEPTH: Final = 200


def decode_protobuf(body: bytes, expected: GVK | None = None) -> Any:
    """The JSON value of a protobuf body. Raises ValueError with Kubernetes' texts.

    `expected` is the kind to take when the body does not name one.
    """
    if not body.startswith(PREFIX):
        raise WireError("provided data does not appear to be a protobuf message, expected prefix "
                        f"[{' '.join(str(byte) for byte in PREFIX)}]")
    envelope = decode_message(UNKNOWN, body[len(PREFIX):])
    gvk = _kind(envelope.get("typeMeta") or {}, expected)
    message = message_of(gvk)
    if not message:
        raise WireError(f'no kind "{gvk.kind}" is registered for version "{gvk.api_version}"')
    raw = base64.b64decode(envelope.get("raw", ""))
    value = decode_message(message, raw)
    return {**value, "apiVersion": gvk.api_version, "kind": gvk.kind}


def _kind(type_meta: dict[str, str], expected: GVK | None) -> GVK:
    kind, api_version = type_meta.get("kind", ""), type_meta.get("apiVersion", "")
    if not kind and expected is not None:
        return expected
    if not kind:
        raise WireError("Object 'Kind' is missing in 'protobuf'")
    return GVK(*parse_api_version(api_version), kind)


def decode_message(name: str, data: bytes, depth: int = 0) -> Any:
    """The JSON value of one message. Raises WireError."""
    if depth > _MAX_DEPTH:
        raise WireError("proto: message nested too deeply")
    own_form = _OWN_FORMS.get(name.rpartition(".")[2])
    plain = _plain(name, data, depth)
    if own_form is not None:
        return own_form(plain)
    table = messages().get(name, {})
    if len(table) == 1 and table.get(1) == Field("items", "repeated", "string"):
        return plain.get("items", [])
    return plain


def _plain(name: str, data: bytes, depth: int) -> dict[str, Any]:
    table = messages().get(name, {})  # a message without fields has no row
    out: dict[str, Any] = {}
    for number, wire, value, content in fields(data):
        field = table.get(number)
        if field is None:
            continue
        if field.label == "map":
            _map_entry(out.setdefault(field.name, {}), field.type, content, depth)
        elif field.label == "repeated":
            out.setdefault(field.name, []).extend(
                _repeated(field.type, wire, value, content, depth))
        else:
            _single(out, field, _value(field.type, value, content, depth))
    return out


def _single(out: dict[str, Any], field: Field, value: Any) -> None:
    if field.label == "inline" and not field.type.endswith(".JSONSchemaProps"):
        out.update(value)
    elif isinstance(value, dict) and isinstance(out.get(field.name), dict):
        out[field.name] = {**out[field.name], **value}
    else:
        out[field.name] = value


def _map_entry(into: dict[str, Any], type_: str, data: bytes, depth: int) -> None:
    key, value = "", _value(type_, 0, b"", depth)
    for number, _, varint, content in fields(data):
        if number == 1:
            key = _text(content)
        elif number == 2:
            value = _value(type_, varint, content, depth)
    into[key] = value


def _repeated(type_: str, wire: int, value: int, content: bytes, depth: int) -> list[Any]:
    """One element, or all elements of a packed field."""
    if wire != BYTES or type_ not in _VARINTS:
        return [_value(type_, value, content, depth)]
    out, at = [], 0
    while at < len(content):
        number, at = read_varint(content, at)
        out.append(_VARINTS[type_](number))
    return out


def _value(type_: str, value: int, content: bytes, depth: int) -> Any:
    if type_ in _VARINTS:
        return _VARINTS[type_](value)
    if type_ == "string":
        return _text(content)
    if type_ == "bytes":
        return base64.b64encode(content).decode()
    if type_ == "double":
        return struct.unpack("<d", content)[0] if len(content) == 8 else 0.0
    return decode_message(type_, content, depth + 1)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


_VARINTS: Final[dict[str, Callable[[int], Any]]] = {
    "int32": lambda value: signed(value, 32),
    "int64": lambda value: signed(value, 64),
    "uint32": lambda value: value & 0xFFFF_FFFF,
    "uint64": lambda value: value,
    "bool": bool,
}


def _time(plain: dict[str, Any]) -> str | None:
    return rfc3339(plain.get("seconds", 0)) if plain else None


def _micro_time(plain: dict[str, Any]) -> str | None:
    if not plain:
        return None
    return rfc3339_micro(plain.get("seconds", 0) + plain.get("nanos", 0) // 1000 / 1_000_000)


def _raw(plain: dict[str, Any]) -> Any:
    content = base64.b64decode(plain.get("raw") or plain.get("Raw") or "")
    return parse_json(content) if content else None


def _int_or_string(plain: dict[str, Any]) -> int | str:
    text: str = plain.get("strVal", "")
    number: int = plain.get("intVal", 0)
    return text if plain.get("type") else number


def _either(*names: str) -> Callable[[dict[str, Any]], Any]:
    """A message that stands for the first of its fields that is there."""

    def pick(plain: dict[str, Any]) -> Any:
        return next((plain[name] for name in names if name in plain), None)

    return pick


_OWN_FORMS: Final[dict[str, Callable[[dict[str, Any]], Any]]] = {
    "Time": _time,
    "MicroTime": _micro_time,
    "Duration": lambda plain: duration_text(plain.get("duration", 0)),
    "Quantity": lambda plain: plain.get("string") or "0",
    "IntOrString": _int_or_string,
    "RawExtension": _raw,
    "FieldsV1": _raw,
    "JSON": _raw,
    "JSONSchemaPropsOrArray": _either("schema", "jSONSchemas"),
    "JSONSchemaPropsOrBool": _either("schema", "allows"),
    "JSONSchemaPropsOrStringArray": _either("schema", "property"),
}
"""Types whose JSON is not an object of their fields."""
