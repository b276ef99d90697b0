"""Fills Secrets of type kubernetes.io/service-account-token. Models the TokensController of
pkg/controller/serviceaccount (tokens_controller.go).

The token has no end: `Options.sign_token` signs it, as upstream's controller does with the key that
it has. Without that (against another API server) the token is asked of the server, bound to the
Secret and as lasting as can be asked for (136 years).
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.errors import Conflict, NotFound
from apiserver.machinery.gvk import SECRETS, SERVICEACCOUNTS
from controllers.controller import Controller, ControllerContext, KeysOf, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import Object

TYPE: Final = "kubernetes.io/service-account-token"
ACCOUNT: Final = "kubernetes.io/service-account.name"
ACCOUNT_UID: Final = "kubernetes.io/service-account.uid"
_SECONDS: Final = 1 << 32
_BY_ACCOUNT: Final = "account"


def _account_of(secret: Object) -> tuple[str, ...]:
    """The key of the account whose token a Secret is to hold."""
    if secret.get("type") != TYPE:
        return ()
    return (f"{meta.namespace(secret)}/{meta.annotations(secret).get(ACCOUNT, '')}",)


class ServiceAccountTokenController(Controller):
    """Keys are those of Secrets."""

    name: ClassVar[str] = "serviceaccount-token-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._root_ca = ctx.options.root_ca
        self._sign = ctx.options.sign_token
        self._secrets = ctx.informers.get(SECRETS)
        self._accounts = ctx.informers.get(SERVICEACCOUNTS)
        self._secrets.add_index(_BY_ACCOUNT, _account_of)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {SECRETS: self._secret_changed, SERVICEACCOUNTS: self._account_changed}

    def _secret_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        return (meta.namespaced_name(new),) if new is not None and _account_of(new) else ()

    def _account_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        account = new if new is not None else old
        assert account is not None
        key = meta.namespaced_name(account)
        return [meta.namespaced_name(each) for each in self._secrets.by(_BY_ACCOUNT, key)]

    async def reconcile(self, key: str) -> Result | None:
        secret = self._secrets.get(key)
        if secret is None or meta.is_terminating(secret):
            return None
        for account_key in _account_of(secret):
            account = self._accounts.get(account_key)
            if account is None or not _is_for(secret, account):
                await self._delete(secret)
            elif not _is_filled(secret):
                await self._fill(secret, account)
        return None

    async def _delete(self, secret: Object) -> None:
        try:
            await self._client.delete(SECRETS, meta.name(secret), meta.namespace(secret),
                                      preconditions={"uid": meta.uid(secret)})
        except (NotFound, Conflict):
            return

    async def _token(self, secret: Object, account: Object) -> str:
        if self._sign is not None:
            return self._sign(account, secret)
        bound = {"apiVersion": "v1", "kind": "Secret", "name": meta.name(secret),
                 "uid": meta.uid(secret)}
        answer = await self._client.create(SERVICEACCOUNTS, {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"audiences": [], "expirationSeconds": _SECONDS, "boundObjectRef": bound}},
            meta.namespace(secret), name=meta.name(account), subresource="token")
        return str(answer["status"]["token"])

    async def _fill(self, secret: Object, account: Object) -> None:
        values = {"token": await self._token(secret, account), "ca.crt": self._root_ca,
                  "namespace": meta.namespace(secret)}
        data = {name: base64.b64encode(text.encode()).decode() for name, text in values.items()}
        annotations = {**meta.annotations(secret), ACCOUNT_UID: meta.uid(account)}
        await self._client.update(SECRETS, {
            **meta.with_metadata(secret, annotations=annotations),
            "data": {**(secret.get("data") or {}), **data}})


def _is_for(secret: Object, account: Object) -> bool:
    """Whether the Secret means this account, not one before it of the same name."""
    return meta.annotations(secret).get(ACCOUNT_UID, "") in ("", meta.uid(account))


def _is_filled(secret: Object) -> bool:
    data = secret.get("data") or {}
    return bool(data.get("token")) and bool(meta.annotations(secret).get(ACCOUNT_UID))
