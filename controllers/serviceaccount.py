"""What every namespace gets: the ServiceAccount `default` and the ConfigMap `kube-root-ca.crt`.

Models pkg/controller/serviceaccount (serviceaccounts_controller.go) and
pkg/controller/certificates/ rootcacertpublisher.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.errors import AlreadyExists, ApiError
from apiserver.machinery.gvk import CONFIGMAPS, GVR, NAMESPACES, SERVICEACCOUNTS
from controllers import pods
from controllers.controller import Controller, ControllerContext, KeysOf, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object
    from controllers.client import Client

DEFAULT: Final = "default"
ROOT_CA: Final = "kube-root-ca.crt"
DESCRIPTION: Final = "kubernetes.io/description"
_DESCRIPTION_TEXT: Final = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal"
    " endpoints such as the internal service IP or kubernetes.default.svc. No other usage is"
    " guaranteed across distributions of Kubernetes clusters.")


def _present(old: Object | None, new: Object | None) -> Iterable[str]:
    """The name of a namespace that is there."""
    return () if new is None else (meta.name(new),)


def _is_active(namespace: Object | None) -> bool:
    return namespace is not None and pods.status(namespace).get("phase", "Active") == "Active"


async def _create(client: Client, resource: GVR, obj: Object) -> None:
    """Create what should be there; one that exists, and a namespace that is going, are no
    errors."""
    try:
        await client.create(resource, obj, meta.namespace(obj))
    except AlreadyExists:
        return
    except ApiError as error:
        causes = (error.details or {}).get("causes") or ()
        if not any(cause.get("reason") == "NamespaceTerminating" for cause in causes):
            raise


class ServiceAccountController(Controller):
    """Key: a Namespace."""

    name: ClassVar[str] = "serviceaccount-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._namespaces = ctx.informers.get(NAMESPACES)
        self._accounts = ctx.informers.get(SERVICEACCOUNTS)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {NAMESPACES: _present, SERVICEACCOUNTS: self._account_changed}

    def _account_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        gone = new is None and old is not None
        return (meta.namespace(old),) if gone and old is not None else ()

    async def reconcile(self, key: str) -> Result | None:
        if not _is_active(self._namespaces.get(key)) or self._accounts.get(f"{key}/{DEFAULT}"):
            return None
        await _create(self._client, SERVICEACCOUNTS, {
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": DEFAULT, "namespace": key}})
        return None


class RootCAPublisher(Controller):
    """Key: a Namespace."""

    name: ClassVar[str] = "root-ca-certificate-publisher-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._data = {"ca.crt": ctx.options.root_ca}
        self._namespaces = ctx.informers.get(NAMESPACES)
        self._maps = ctx.informers.get(CONFIGMAPS)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {NAMESPACES: _present, CONFIGMAPS: self._map_changed}

    def _map_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        obj = new if new is not None else old
        assert obj is not None
        return (meta.namespace(obj),) if meta.name(obj) == ROOT_CA and old is not None else ()

    async def reconcile(self, key: str) -> Result | None:
        if not _is_active(self._namespaces.get(key)):
            return None
        current = self._maps.get(f"{key}/{ROOT_CA}")
        if current is None:
            await _create(self._client, CONFIGMAPS, self._wanted({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": ROOT_CA, "namespace": key}}))
        elif current.get("data") != self._data or not meta.annotations(current).get(DESCRIPTION):
            await self._client.update(CONFIGMAPS, self._wanted(current))
        return None

    def _wanted(self, base: Object) -> Object:
        annotations = {**meta.annotations(base), DESCRIPTION: _DESCRIPTION_TEXT}
        return {**meta.with_metadata(base, annotations=annotations), "data": self._data}
