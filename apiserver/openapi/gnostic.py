"""The v2 document in protobuf (gnostic's openapi.v2.Document), which older kubectl asks for.

Field numbers are those of google/gnostic's OpenAPIv2.proto; extensions carry their value as YAML
text, of which JSON is a part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable

Document = dict[str, Any]
_METHODS: Final = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}
_TEXTS: Final = {"$ref": 1, "format": 2, "title": 3, "description": 4}


def encode(document: Document) -> bytes:
    """A v2 document as an openapi.v2.Document message."""
    info = document["info"]
    paths = _many(2, (_named(path, _path_item(item)) for path, item in document["paths"].items()))
    return b"".join((
        _text(1, document["swagger"]),
        _bytes(2, _text(1, info["title"]) + _text(2, info["version"])),
        _bytes(8, paths),
        _bytes(9, _schemas(document["definitions"])),
    ))


def _schemas(schemas: dict[str, Document]) -> bytes:
    return _many(1, (_named(name, _schema(schema)) for name, schema in schemas.items()))


def _schema(schema: Document) -> bytes:
    parts = [_text(number, schema.get(name, "")) for name, number in _TEXTS.items()]
    if "default" in schema:
        parts.append(_bytes(5, _any(schema["default"])))
    parts.append(_texts(19, schema.get("required", ())))
    parts.append(_many(20, (_any(value) for value in schema.get("enum", ()))))
    if "additionalProperties" in schema:
        parts.append(_bytes(21, _bytes(1, _schema(schema["additionalProperties"]))))
    if "type" in schema:
        parts.append(_bytes(22, _text(1, schema["type"])))
    if "items" in schema:
        parts.append(_bytes(23, _bytes(1, _schema(schema["items"]))))
    if "properties" in schema:
        parts.append(_bytes(25, _schemas(schema["properties"])))
    parts.append(_extensions(31, schema))
    return b"".join(parts)


def _path_item(item: Document) -> bytes:
    operations = (_bytes(number, _operation(item[name]))
                  for name, number in _METHODS.items() if name in item)
    return b"".join(operations) + _parameters(9, item.get("parameters", ()))


def _operation(operation: Document) -> bytes:
    answers = _many(1, (_named(code, _response(answer))
                        for code, answer in operation["responses"].items()))
    return b"".join((
        _texts(1, operation["tags"]), _text(3, operation["description"]),
        _text(5, operation["operationId"]), _texts(6, operation["produces"]),
        _texts(7, operation["consumes"]), _parameters(8, operation["parameters"]),
        _bytes(9, answers), _texts(10, operation["schemes"]), _extensions(13, operation)))


def _response(answer: Document) -> bytes:
    schema = _bytes(2, _bytes(1, _schema(answer["schema"]))) if "schema" in answer else b""
    return _bytes(1, _text(1, answer["description"]) + schema)


def _parameters(number: int, parameters: Iterable[Document]) -> bytes:
    return _many(number, (_bytes(1, _parameter(each)) for each in parameters))


def _parameter(each: Document) -> bytes:
    required = each.get("required", False)
    if each["in"] == "body":
        return _bytes(1, _text(2, each["name"]) + _text(3, "body") + (
            _varint_field(4, 1) if required else b"") + _bytes(5, _schema(each["schema"])))
    common = (_varint_field(1, 1) if required else b"") + _text(2, each["in"]) + _text(
        3, each["description"]) + _text(4, each["name"])
    if each["in"] == "query":
        return _bytes(2, _bytes(3, common + _text(6, each["type"]) + _varint_field(20, 1)))
    return _bytes(2, _bytes(4, common + _text(5, each["type"]) + _varint_field(19, 1)))


def _extensions(number: int, holder: Document) -> bytes:
    return _many(number, (_named(key, _any(value)) for key, value in holder.items()
                          if key.startswith("x-")))


def _any(value: Any) -> bytes:
    return _text(2, orjson.dumps(value).decode() + "\n")


def _named(name: str, value: bytes) -> bytes:
    return _text(1, name) + _bytes(2, value)


def _many(number: int, messages: Iterable[bytes]) -> bytes:
    return b"".join(_bytes(number, message) for message in messages)


def _texts(number: int, values: Iterable[str]) -> bytes:
    return b"".join(_bytes(number, value.encode()) for value in values)


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode()) if value else b""


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint_field(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
