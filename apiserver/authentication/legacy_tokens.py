"""Tokens of old: those that a Secret of type kubernetes.io/service-account-token holds. Models
pkg/serviceaccount/legacy.go.

They have no end and no audience, and are worth something as long as their Secret holds them. Who
uses one leaves the date at the Secret.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from apiserver.authentication.service_accounts import LEGACY_ISSUER, InvalidToken
from apiserver.machinery import meta
from apiserver.machinery.clock import rfc3339
from apiserver.machinery.gvk import SECRETS
from apiserver.storage.keys import object_key
from apiserver.storage.store import RevisionMismatch

if TYPE_CHECKING:
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

LAST_USED: Final = "kubernetes.io/legacy-token-last-used"
_CLAIM: Final = "kubernetes.io/serviceaccount/"


def legacy_claims(account: Object, secret: Object) -> Object:
    """What the token of an account says that is kept in a Secret."""
    namespace, name = meta.namespace(account), meta.name(account)
    return {"iss": LEGACY_ISSUER, _CLAIM + "namespace": namespace,
            _CLAIM + "secret.name": meta.name(secret),
            _CLAIM + "service-account.name": name,
            _CLAIM + "service-account.uid": meta.uid(account),
            "sub": f"system:serviceaccount:{namespace}:{name}"}


def account_reference(claims: Object) -> tuple[str, Object]:
    """The namespace, and name and uid of the account. Raises InvalidToken."""
    try:
        reference = {"name": claims[_CLAIM + "service-account.name"],
                     "uid": claims[_CLAIM + "service-account.uid"]}
        return claims[_CLAIM + "namespace"], reference
    except KeyError as missing:
        raise InvalidToken(f"{missing.args[0].removeprefix(_CLAIM)} claim is missing") from None


async def check_secret(registry: Registry, claims: Object, token: str) -> None:
    """Whether the Secret still holds the token; notes that it was used. Raises InvalidToken."""
    namespace, name = claims[_CLAIM + "namespace"], claims.get(_CLAIM + "secret.name") or ""
    key = object_key(registry.catalog.resource(SECRETS), namespace, name)
    version = await registry.store.get(key)
    if version is None or meta.is_terminating(version.object):
        raise InvalidToken("Token has been invalidated")
    held = (version.object.get("data") or {}).get("token") or ""
    if base64.b64decode(held) != token.encode():
        raise InvalidToken("Token does not match server's copy")
    labels, today = meta.labels(version.object), rfc3339(registry.clock.now())[:10]
    if labels.get(LAST_USED) == today:
        return
    changed = meta.with_metadata(version.object, labels={**labels, LAST_USED: today})
    try:
        await registry.store.put(key, changed, expected=version.revision)
    except RevisionMismatch:
        return  # whoever wrote first has the word; the next use notes the date
