"""JSON Web Tokens in their compact form, unchecked (RFC 7515). `signing.py` signs and checks them.

This file loads no cryptography, so that a cluster whose tokens nobody reads starts without it.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

ALGORITHM: Final = "ES256"


class BadToken(Exception):
    """Not a token of this key, or not one at all."""


def claims_of(token: str) -> Object:
    """What a token says, unchecked. Raises BadToken."""
    parts = token.split(".")
    if len(parts) != 3:
        raise BadToken("not a token")
    try:
        claims: Any = orjson.loads(decode(parts[1]))
    except ValueError:
        raise BadToken("the claims are not JSON") from None
    if not isinstance(claims, dict):
        raise BadToken("the claims are not an object")
    return claims


def encode(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Raises BadToken."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadToken("not base64url") from None
