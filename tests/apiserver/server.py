"""An API server for tests: memory, virtual clock, every built-in kind, no HTTP."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from apiserver.admission import admission_chain
from apiserver.customresources.definitions import Definitions
from apiserver.local import LocalClient
from apiserver.machinery.gvk import NAMESPACES, SERVICEACCOUNTS
from apiserver.registry import Registry
from apiserver.resources import BUILTIN
from apiserver.schema.schema import schema_for
from apiserver.storage import MemoryStore
from controllers.drive import drive
from minikube_sim.clock import VirtualClock

if TYPE_CHECKING:
    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import JSON, Object


class Server:
    """A registry and a client whose calls are driven to their end."""

    def __init__(self, *, history: int = 10_000, version: str = "1.36") -> None:
        self.clock = VirtualClock()
        self.store = MemoryStore(history=history, detect_mutations=True)
        self.registry = Registry(
            store=self.store, resources=BUILTIN, schema=schema_for(version), clock=self.clock,
            chance=random.Random(1), admission=admission_chain())
        drive(Definitions(self.registry).load())
        self.client = LocalClient(self.registry, field_manager="tests")
        self.create(NAMESPACES, {"metadata": {"name": "default"}}, None)
        self.create(SERVICEACCOUNTS, {"metadata": {"name": "default"}})

    def create(self, resource: GVR, body: Object, namespace: str | None = "default",
               **options: Any) -> Object:
        """Create an object."""
        return drive(self.client.create(resource, body, namespace, **options))

    def get(self, resource: GVR, name: str, namespace: str | None = "default",
            **options: Any) -> Object:
        """Read an object."""
        return drive(self.client.get(resource, name, namespace, **options))

    def names(self, resource: GVR, namespace: str | None = "default", **options: Any) -> list[str]:
        """The names that a list shows."""
        listed = drive(self.client.list(resource, namespace, **options))
        return [item["metadata"]["name"] for item in listed["items"]]

    def update(self, resource: GVR, body: Object, **options: Any) -> Object:
        """Replace an object."""
        return drive(self.client.update(resource, body, **options))

    def patch(self, resource: GVR, name: str, patch: JSON, **options: Any) -> Object:
        """Change parts of an object in the namespace `default`."""
        return drive(self.client.patch(resource, name, "default", patch, **options))

    def delete(self, resource: GVR, name: str, namespace: str | None = "default",
               **options: Any) -> Object:
        """Delete an object."""
        return drive(self.client.delete(resource, name, namespace, **options))


def config(name: str = "a", *, data: dict[str, str] | None = None, **metadata: Any) -> Object:
    """A ConfigMap."""
    return {"metadata": {"name": name, **metadata}, "data": data or {"k": "v"}}


def pod(name: str = "p", *, status: Object | None = None, **spec: Any) -> Object:
    """A Pod of one container."""
    body: Object = {"metadata": {"name": name},
                    "spec": {"containers": [{"name": "c", "image": "nginx:1"}], **spec}}
    return {**body, "status": status} if status else body
