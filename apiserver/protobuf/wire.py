"""The protobuf wire format: tags, varints, fixed and length-delimited fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5
_WIDTH: Final = {FIXED64: 8, FIXED32: 4}


class WireError(ValueError):
    """The bytes are not a protobuf message; the text is that of Go's generated readers."""


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned 64-bit varint and the place after it. Raises WireError."""
    value = shift = 0
    while True:
        if at >= len(data):
            raise WireError("unexpected EOF")
        if shift >= 64:
            raise WireError("proto: integer overflow")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7


def fields(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Every field of a message: number, wire type, varint's value, other content.

    Raises WireError.
    """
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number <= 0:
            raise WireError(f"proto: illegal tag {number} (wire type {wire})")
        if wire == VARINT:
            value, at = read_varint(data, at)
            yield number, wire, value, b""
            continue
        if wire == BYTES:
            length, at = read_varint(data, at)
        elif wire in _WIDTH:
            length = _WIDTH[wire]
        else:
            raise WireError(f"proto: illegal wireType {wire}")
        if at + length > len(data):
            raise WireError("unexpected EOF")
        yield number, wire, 0, data[at:at + length]
        at += length


def signed(value: int, bits: int) -> int:
    """A varint as a signed integer of that many bits."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value
