"""Who asks: bearer tokens, then client certificates. Models apiserver/pkg/authentication.

A token that is presented decides, also beside a certificate (upstream: the certificate does): our
kubeconfig has both, and who sends a token means it.

The HTTP server puts the peer's certificate (DER) into the ASGI scope as `state.peer_certificate`.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

from cryptography import x509
from cryptography.x509.oid import NameOID

from apiserver.authentication.websocket_protocol import token_of
from apiserver.context import User
from apiserver.machinery.errors import Unauthorized

if TYPE_CHECKING:
    from apiserver.authentication.service_accounts import ServiceAccountTokens

Scope: TypeAlias = MutableMapping[str, Any]
Authenticate: TypeAlias = Callable[[Scope], Awaitable[User]]
"""From an ASGI scope to the user. Raises Unauthorized."""

AUTHENTICATED = "system:authenticated"
MASTERS = "system:masters"


def user_of_certificate(der: bytes) -> User:
    """The common name is the user, organizations are groups (x509.CommonNameUserConversion)."""
    subject = x509.load_der_x509_certificate(der).subject
    names = [str(a.value) for a in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    groups = [str(a.value) for a in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    return User(name=names[0] if names else "", groups=(*groups, AUTHENTICATED))


class Authenticator:
    """Client certificates (TLS has checked who signed them), a fixed table of tokens, and the
    tokens of service accounts.
    """

    def __init__(self, tokens: Mapping[str, User], without: User | None = None, *,
                 service_accounts: ServiceAccountTokens | None = None) -> None:
        """`without`: who asks when nothing is presented; None refuses such requests.

        Clients send no credentials over plain http, so a server of plain http needs it (as the
        insecure port of old had).
        """
        self._without = without
        self._tokens = {token.encode(): user for token, user in tokens.items()}
        self._service_accounts = service_accounts
        self._certificates: dict[bytes, User] = {}

    async def __call__(self, scope: Scope) -> User:
        """The user of a request. Raises Unauthorized."""
        for name, value in scope["headers"]:
            if name == b"authorization":
                return await self._by_header(value)
        if token := token_of(scope.get("subprotocols") or ()):
            return await self._by_token(token)
        certificate = scope.get("state", {}).get("peer_certificate")
        if certificate:
            return self._by_certificate(certificate)
        if self._without is None:
            raise Unauthorized
        return self._without

    def _by_certificate(self, der: bytes) -> User:
        user = self._certificates.get(der)
        if user is None:
            user = self._certificates[der] = user_of_certificate(der)
        if not user.name:
            raise Unauthorized
        return user

    async def _by_header(self, value: bytes) -> User:
        scheme, _, token = value.partition(b" ")
        if scheme.lower() != b"bearer":
            raise Unauthorized
        return await self._by_token(token.strip())

    async def _by_token(self, token: bytes) -> User:
        for known, user in self._tokens.items():
            if hmac.compare_digest(known, token):
                return user
        if self._service_accounts is None:
            raise Unauthorized
        return await self._service_accounts.user(token.decode("latin-1"))
