"""A bearer token among the subprotocols of a WebSocket, where browsers let no header be set.

Models apiserver/pkg/authentication/request/websocket: `base64url.bearer.authorization.k8s.io.` and
the token in unpadded base64url, beside at least one other protocol.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from apiserver.machinery.errors import Unauthorized

if TYPE_CHECKING:
    from collections.abc import Sequence

_PREFIX: Final = "base64url.bearer.authorization.k8s.io."


def without_token(protocols: Sequence[str]) -> list[str]:
    """The protocols that are to be spoken."""
    return [name for name in protocols if not name.startswith(_PREFIX)]


def token_of(protocols: Sequence[str]) -> bytes:
    """The token among them, b"" when there is none. Raises Unauthorized."""
    encoded = [name.removeprefix(_PREFIX) for name in protocols if name.startswith(_PREFIX)]
    if not encoded:
        return b""
    if len(encoded) > 1 or not without_token(protocols) or "=" in encoded[0]:
        raise Unauthorized
    text = encoded[0] + "=" * (-len(encoded[0]) % 4)
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Unauthorized from None
