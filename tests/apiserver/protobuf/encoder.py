"""A tiny protobuf encoder, driven by the same table, for round trips."""

from __future__ import annotations

import base64
import json
import struct
from typing import TYPE_CHECKING, Any

from apiserver.machinery.clock import parse_time
from apiserver.protobuf.body import PREFIX
from apiserver.protobuf.table import UNKNOWN, Field, message_of, messages

if TYPE_CHECKING:
    from apiserver.machinery.gvk import GVK


def body_of(gvk: GVK, value: Any) -> bytes:
    """The body that a typed Go client would send."""
    content = {name: item for name, item in value.items() if name not in ("apiVersion", "kind")}
    raw = encode(message_of(gvk), content)
    envelope = {"typeMeta": {"apiVersion": gvk.api_version, "kind": gvk.kind},
                "raw": base64.b64encode(raw).decode()}
    return PREFIX + encode(UNKNOWN, envelope)


def encode(message: str, value: Any) -> bytes:
    """One message."""
    special = _special(message.rpartition(".")[2], value)
    if special is not None:
        return special
    table = messages().get(message, {})
    return b"".join(_field(number, field, value) for number, field in table.items())


def _special(name: str, value: Any) -> bytes | None:
    if name in ("Time", "MicroTime"):
        seconds = parse_time(value)
        micro = round(seconds % 1 * 1_000_000) * 1000
        return _varint_field(1, int(seconds)) + _varint_field(2, micro)
    if name == "Quantity":
        return _bytes_field(1, value.encode())
    if name == "IntOrString":
        if isinstance(value, str):
            return _varint_field(1, 1) + _bytes_field(3, value.encode())
        return _varint_field(1, 0) + _varint_field(2, value)
    if name in ("RawExtension", "FieldsV1", "JSON"):
        return _bytes_field(1, json.dumps(value).encode())
    return None


def _field(number: int, field: Field, value: dict[str, Any]) -> bytes:
    if field.label == "inline":
        return _bytes_field(number, encode(field.type, value))
    if field.name not in value:
        return b""
    item = value[field.name]
    if field.label == "repeated":
        return b"".join(_value(number, field.type, each) for each in item)
    if field.label == "map":
        return b"".join(_bytes_field(number, _bytes_field(1, key.encode()) + _value(
            2, field.type, each)) for key, each in item.items())
    return _value(number, field.type, item)


def _value(number: int, type_: str, value: Any) -> bytes:
    if type_ in ("int32", "int64", "bool"):
        return _varint_field(number, int(value))
    if type_ == "double":
        return _varint(number << 3 | 1) + struct.pack("<d", value)
    if type_ == "string":
        return _bytes_field(number, value.encode())
    if type_ == "bytes":
        return _bytes_field(number, base64.b64decode(value))
    return _bytes_field(number, encode(type_, value))


def _bytes_field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint_field(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value & 0xFFFF_FFFF_FFFF_FFFF)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
