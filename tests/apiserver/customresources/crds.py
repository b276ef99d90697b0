"""CRDs for tests, and the server that serves them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apiserver.customresources.definitions import CRDS
from apiserver.machinery.gvk import GVR
from tests.apiserver.server import Server

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

GROUP = "stable.example.com"
CRONTABS = GVR(GROUP, "v1", "crontabs")
NAME = f"crontabs.{GROUP}"


def version(name: str = "v1", *, spec: Object | None = None, storage: bool = True,
            **more: Any) -> Object:
    """A version whose objects have a `spec` of that schema and a free status."""
    schema = {"type": "object", "properties": {
        "spec": spec or {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}
    return {"name": name, "served": True, "storage": storage,
            "schema": {"openAPIV3Schema": schema}, **more}


def crd(*versions: Object, scope: str = "Namespaced", conversion: Object | None = None,
        **names: Any) -> Object:
    """A CRD of CronTabs."""
    own = {"plural": "crontabs", "singular": "crontab", "kind": "CronTab", "shortNames": ["ct"],
           **names}
    spec: Object = {"group": GROUP, "scope": scope, "names": own, "versions": list(versions)}
    if conversion:
        spec["conversion"] = conversion
    return {"metadata": {"name": f"{own['plural']}.{GROUP}"}, "spec": spec}


def fields(**properties: Object) -> Object:
    """The schema of an object with these fields."""
    return {"type": "object", "properties": properties}


def serving(*versions: Object, **more: Any) -> Server:
    """A server that serves CronTabs."""
    server = Server()
    server.create(CRDS, crd(*versions, **more), None)
    return server


def crontab(name: str = "a", *, api_version: str = "v1", **spec: Any) -> Object:
    """A CronTab."""
    return {"apiVersion": f"{GROUP}/{api_version}", "kind": "CronTab", "metadata": {"name": name},
            "spec": spec}
