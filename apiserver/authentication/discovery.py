"""What others need to check our tokens: OpenID Connect discovery, as narrow as kube-apiserver's.

Models pkg/serviceaccount/openidmetadata.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from apiserver.authentication.jwt import ALGORITHM
from apiserver.handlers.answer import Answer, text_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.authentication.service_accounts import ServiceAccountTokens
    from apiserver.handlers.request import Request
    from apiserver.machinery.types import Object

CONFIGURATION: Final = "/.well-known/openid-configuration"
KEYS: Final = "/openid/v1/jwks"
_CACHE: Final = (b"cache-control", b"public, max-age=3600")
_READS: Final = ("GET", "HEAD")


def pages(tokens: ServiceAccountTokens) -> dict[str, Callable[[Request], Answer]]:
    """Both documents, by path."""
    def configuration(request: Request) -> Answer:
        host = request.header(b"host")
        scheme = request.scope.get("scheme", "https")
        return _document(request, "application/json", {
            "issuer": tokens.issuer, "jwks_uri": f"{scheme}://{host}{KEYS}",
            "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM]})

    def keys(request: Request) -> Answer:
        return _document(request, "application/jwk-set+json", {"keys": [tokens.key.public()]})

    return {CONFIGURATION: configuration, KEYS: keys}


def _document(request: Request, media_type: str, body: Object) -> Answer:
    if request.method not in _READS:
        return text_answer(b"Method Not Allowed\n", status=405)
    return Answer(orjson.dumps(body), media_type=media_type, headers=[_CACHE])
