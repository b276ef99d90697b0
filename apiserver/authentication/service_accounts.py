"""Tokens of service accounts: issued, and known again. Models pkg/serviceaccount.

A token names its ServiceAccount and maybe a Pod, Secret or Node that it is bound to; it is worth
nothing once one of them is gone, or is another object of the same name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from apiserver.authentication.jwt import BadToken, claims_of
from apiserver.context import User
from apiserver.machinery import meta
from apiserver.machinery.clock import parse_time
from apiserver.machinery.errors import Unauthorized
from apiserver.machinery.gvk import GVR
from apiserver.machinery.later import Later
from apiserver.storage.keys import object_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from apiserver.authentication.signing import SigningKey
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

ISSUER: Final = "https://kubernetes.default.svc.cluster.local"
LEGACY_ISSUER: Final = "kubernetes/serviceaccount"
"""Of the tokens that Secrets hold."""
PREFIX: Final = "system:serviceaccount:"
GROUP: Final = "system:serviceaccounts"
WARN_SECONDS: Final = 3607
"""Who asks for so long (admission does, for Pods) gets a token that lasts a year instead."""
_EXTENDED_SECONDS: Final = 365 * 24 * 3600
_LEEWAY: Final = 60.0
"""Seconds that clocks may differ by (jwt.DefaultLeeway)."""
_PRIVATE: Final = "kubernetes.io"
_BOUND: Final = {"pod": "pods", "secret": "secrets", "node": "nodes"}
_EXTRA: Final = "authentication.kubernetes.io/"
_REMEMBERED: Final = 1000
"""How many tokens' signatures are remembered as good."""


class InvalidToken(Exception):
    """A token that says it is ours, and why it does not count."""


class _Claims(NamedTuple):
    """What a token says, in the little that tells it from others."""

    audiences: tuple[str, ...]
    issuer: str
    start: int
    end: int
    warn_after: int
    id: str
    namespace: str
    names: tuple[tuple[str, str, str], ...]
    """(kind, name, uid) of all that it is bound to, its account last."""

    def object(self) -> Object:
        """The claims of the JSON Web Token."""
        private: dict[str, Any] = {"namespace": self.namespace}
        private |= {kind: {"name": name, "uid": uid} for kind, name, uid in self.names}
        if self.warn_after:
            private["warnafter"] = self.warn_after
        return {
            "aud": list(self.audiences), "exp": self.end, "iat": self.start, "iss": self.issuer,
            "jti": self.id, _PRIVATE: private, "nbf": self.start,
            "sub": f"{PREFIX}{self.namespace}:{self.names[-1][1]}"}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token is, and for which of the asked audiences."""

    user: User
    audiences: tuple[str, ...] = ()


def account_groups(namespace: str) -> tuple[str, ...]:
    """The groups of every account of a namespace (serviceaccount.MakeGroupNames)."""
    return (GROUP, f"{GROUP}:{namespace}")


def split_username(name: str) -> tuple[str, str] | None:
    """(namespace, name) of a service account's user name; None for other users."""
    if not name.startswith(PREFIX):
        return None
    parts = name.removeprefix(PREFIX).split(":")
    return (parts[0], parts[1]) if len(parts) == 2 and all(parts) else None


class ServiceAccountTokens:
    """Issues tokens for one registry's accounts, and knows them again."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.issuer = ISSUER
        self.make_key: Callable[[], SigningKey] | None = None
        """Gives the signing key when it is needed first; None: the registry's chance does."""
        self.audiences: tuple[str, ...] = (ISSUER,)
        """What the API server itself answers to."""
        self.fixed: Mapping[str, User] = {}
        """Tokens of other users, which reviews know too."""
        self._good: dict[str, Object] = {}

    @cached_property
    def key(self) -> SigningKey:
        """The signing key."""
        if self.make_key is not None:
            return self.make_key()
        from apiserver.authentication.signing import SigningKey

        return SigningKey.seeded(self._registry.chance)

    # --- issuing ---------------------------------------------------------------------------------

    def issue(self, account: Object, *, seconds: int, audiences: Sequence[str],
              bound: Mapping[str, Object], now: float) -> Later:
        """A token of `account` for `audiences`, bound to objects by kind (pod, node, secret).

        It is signed when it is read: most Pods never look at theirs.
        """
        own = audiences == list(self.audiences)
        extended = own and seconds == WARN_SECONDS and "pod" in bound
        start = int(now)
        claims = _Claims(
            audiences=tuple(audiences), issuer=self.issuer, start=start,
            end=start + (_EXTENDED_SECONDS if extended else seconds),
            warn_after=start + seconds if extended else 0,
            id=meta.new_uid(self._registry.chance), namespace=meta.namespace(account),
            names=tuple((kind, meta.name(obj), meta.uid(obj)) for kind, obj in (
                *sorted(bound.items()), ("serviceaccount", account))))
        return Later(lambda: self.key.sign(claims.object()))

    def issue_legacy(self, account: Object, secret: Object) -> str:
        """The token of `account` that a Secret is to hold, without an end."""
        from apiserver.authentication.legacy_tokens import legacy_claims

        return self.key.sign(legacy_claims(account, secret))

    # --- knowing ---------------------------------------------------------------------------------

    async def user(self, token: str) -> User:
        """Whose token this is, presented to the API server. Raises Unauthorized."""
        try:
            identity = await self.identify(token, self.audiences)
        except InvalidToken:
            raise Unauthorized from None
        if identity is None:
            raise Unauthorized
        return identity.user

    async def identify(self, token: str, audiences: Sequence[str]) -> Identity | None:
        """Who a token is; None for one that is not ours. Raises InvalidToken."""
        claims = self._claims(token)
        if claims is None:
            return None
        if _PRIVATE not in claims:
            return await self._identify_legacy(token, claims, audiences)
        held = claims.get("aud") or []
        meant = tuple(each for each in audiences if each in held)
        if not meant:
            raise InvalidToken(f'token audiences {_go_list(held)} is invalid for the target'
                               f" audiences {_go_list(audiences)}")
        _check_times(claims, self._registry.clock.now())
        return Identity(await self._user(claims), meant)

    async def _identify_legacy(self, token: str, claims: Object,
                               audiences: Sequence[str]) -> Identity:
        from apiserver.authentication.legacy_tokens import account_reference, check_secret

        meant = tuple(each for each in audiences if each in self.audiences)
        if not meant:
            raise InvalidToken("token audiences [] is invalid for the target audiences"
                               f" {_go_list(audiences)}")
        namespace, account = account_reference(claims)
        await check_secret(self._registry, claims, token)
        await self._check_account(namespace, account)
        return Identity(User(
            name=f"{PREFIX}{namespace}:{account['name']}", uid=account["uid"],
            groups=(*account_groups(namespace), "system:authenticated")), meant)

    def _claims(self, token: str) -> Object | None:
        """The claims of a token that we have signed; None for others'. Raises InvalidToken."""
        known = self._good.get(token)
        if known is not None:
            return known
        try:
            if claims_of(token).get("iss") not in (self.issuer, LEGACY_ISSUER):
                return None
        except BadToken:
            return None
        try:
            claims = self.key.verify(token)
        except BadToken:
            raise InvalidToken("failed to verify signature") from None
        while len(self._good) >= _REMEMBERED:
            del self._good[next(iter(self._good))]
        self._good[token] = claims
        return claims

    async def _user(self, claims: Object) -> User:
        private = claims[_PRIVATE]
        namespace, account = private["namespace"], private["serviceaccount"]
        await self._check_account(namespace, account)
        extra = {"credential-id": f"JTI={claims['jti']}"}
        for kind, plural in _BOUND.items():
            if reference := private.get(kind):
                place = "" if kind == "node" else namespace
                if kind != "node" or "pod" not in private:
                    await self._check_bound(kind, plural, place, reference)
                if kind != "secret":
                    extra |= {f"{kind}-{field}": value
                              for field, value in reference.items() if value}
        return User(
            name=f"{PREFIX}{namespace}:{account['name']}", uid=account["uid"],
            groups=(*account_groups(namespace), "system:authenticated"),
            extra=tuple((_EXTRA + key, (extra[key],)) for key in sorted(extra)))

    async def _check_account(self, namespace: str, reference: Object) -> None:
        name = reference["name"]
        account = await self._find("serviceaccounts", namespace, name)
        if account is None:
            raise InvalidToken(f'serviceaccounts "{name}" not found')
        if self._is_gone(account):
            raise InvalidToken(f"service account {namespace}/{name} has been deleted")
        if meta.uid(account) != reference["uid"]:
            raise InvalidToken(f"service account UID ({meta.uid(account)}) does not match claim"
                               f" ({reference['uid']})")

    async def _check_bound(self, kind: str, plural: str, namespace: str,
                           reference: Object) -> None:
        obj = await self._find(plural, namespace, reference["name"])
        if obj is None or self._is_gone(obj):
            raise InvalidToken("service account token has been invalidated")
        if meta.uid(obj) != reference["uid"]:
            which = f"service account {kind} ref claim"
            raise InvalidToken(f"{kind} UID ({meta.uid(obj)}) does not match {which}"
                               f" ({reference['uid']})")

    async def _find(self, plural: str, namespace: str, name: str) -> Object | None:
        resource = self._registry.catalog.resource(GVR("", "v1", plural))
        version = await self._registry.store.get(object_key(resource, namespace, name))
        return version.object if version is not None else None

    def _is_gone(self, obj: Object) -> bool:
        """Whether it was to go a while ago already."""
        deleted = obj["metadata"].get("deletionTimestamp")
        return bool(deleted) and parse_time(deleted) < self._registry.clock.now() - _LEEWAY


def _check_times(claims: Object, now: float) -> None:
    if now > claims["exp"] + _LEEWAY:
        raise InvalidToken("service account token has expired")
    if now < claims["nbf"] - _LEEWAY:
        raise InvalidToken("service account token is not valid yet")


def _go_list(values: Sequence[str]) -> str:
    """%q of a slice: `["a" "b"]`."""
    return "[" + " ".join(f'"{value}"' for value in values) + "]"
