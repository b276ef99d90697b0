"""The one way to an API server. Two implementations pass one contract suite
(`tests/contract/client_suite.py`): `apiserver.local.LocalClient` (in process, no HTTP, no JSON, no
await that suspends) and `minikube_sim.http_client.HTTPClient` (any API server, a real one too).

All methods raise the classes of `apiserver.machinery.errors`. Objects that come back may be shared:
never mutate them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import JSON, Object

PatchType = Literal["json", "merge", "strategic", "apply"]
Propagation = Literal["Background", "Foreground", "Orphan"]


class WatchEvent(Protocol):
    """One change: type is ADDED, MODIFIED, DELETED, BOOKMARK or ERROR (object is then a Status)."""

    @property
    def type(self) -> str:
        """What happened."""

    @property
    def object(self) -> Object:
        """The object afterwards; of a deleted one its last state."""


class Watch(Protocol):
    """A stream of changes, pulled without waiting. The order of events is the store's."""

    def poll(self) -> Sequence[WatchEvent]:
        """What has arrived since the last poll, maybe nothing. An ERROR event closes it."""

    def on_event(self, callback: Callable[[], None]) -> None:
        """Call `callback` (soon, not inside a poll) whenever something has arrived."""

    def close(self) -> None:
        """End it; harmless twice."""


class Client(Protocol):
    """What controllers, kubelet, scheduler and proxy know of an API server.

    `resource` names the collection; `namespace` is None for cluster-scoped objects and, in list
    and watch, for all namespaces.
    """

    async def get(self, resource: GVR, name: str, namespace: str | None = None, *,
                  subresource: str = "") -> Object:
        """One object. Raises NotFound."""

    async def list(self, resource: GVR, namespace: str | None = None, *, label_selector: str = "",
                   field_selector: str = "", limit: int = 0, continue_token: str = "",
                   resource_version: str = "") -> Object:
        """A List object: `items`, `metadata.resourceVersion`, `metadata.continue`."""

    async def watch(self, resource: GVR, namespace: str | None = None, *,
                    resource_version: str = "", label_selector: str = "",
                    field_selector: str = "") -> Watch:
        """Changes after `resource_version`. Raises Expired behind the kept history."""

    async def create(self, resource: GVR, obj: Object, namespace: str | None = None, *,
                     name: str = "", subresource: str = "", dry_run: bool = False) -> Object:
        """Create an object, or POST to a subresource of the object `name` (binding, eviction)."""

    async def update(self, resource: GVR, obj: Object, *, subresource: str = "",
                     dry_run: bool = False) -> Object:
        """Replace; a stale metadata.resourceVersion raises Conflict."""

    async def patch(self, resource: GVR, name: str, namespace: str | None, patch: JSON, *,
                    type: PatchType = "merge", subresource: str = "", field_manager: str = "",
                    force: bool = False, dry_run: bool = False) -> Object:
        """Change parts of an object."""

    async def delete(self, resource: GVR, name: str, namespace: str | None = None, *,
                     propagation: Propagation | None = None,
                     grace_period_seconds: int | None = None,
                     preconditions: Mapping[str, str] | None = None) -> Object:
        """Delete; answers the object or a Status, as the resource does."""

    async def delete_collection(self, resource: GVR, namespace: str | None = None, *,
                                label_selector: str = "", field_selector: str = "",
                                propagation: Propagation | None = None) -> Object:
        """Delete all that match."""
