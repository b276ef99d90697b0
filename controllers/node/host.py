"""What the parts of one kubelet share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from apiserver.machinery.gvk import CONFIGMAPS, SECRETS, SERVICES
from apiserver.machinery.meta import namespace
from controllers.node.backoff import Backoff
from controllers.node.environment import service_variables
from controllers.node.record import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.clock import Clock
    from apiserver.machinery.types import Object
    from controllers.client import Client
    from controllers.events import EventRecorder
    from controllers.informer import Informers
    from controllers.node.cni import Cni
    from controllers.node.config import NodeConfig
    from controllers.node.puller import ImagePuller, Say
    from controllers.node.record import ContainerRecord
    from controllers.node.runtime import ContainerRuntime

_FIELDS: Final = {Kind.APP: "containers", Kind.INIT: "initContainers",
                  Kind.SIDECAR: "initContainers", Kind.EPHEMERAL: "ephemeralContainers"}
"""Where the spec has each kind."""


@dataclass(slots=True, kw_only=True)
class Host:
    """One node as its kubelet sees it."""

    config: NodeConfig
    client: Client
    clock: Clock
    informers: Informers
    recorder: EventRecorder
    runtime: ContainerRuntime
    cni: Cni
    puller: ImagePuller
    restarts: Backoff = field(default_factory=Backoff)
    """Back-off of containers that end too soon."""
    _links: dict[tuple[str, bool], tuple[int, Mapping[str, str]]] = field(default_factory=dict)
    """Variables of Services, as of how many changes of them."""

    def config_map(self, place: str, name: str) -> Object | None:
        """A ConfigMap as the cache has it."""
        return self.informers.get(CONFIGMAPS).get(f"{place}/{name}")

    def secret(self, place: str, name: str) -> Object | None:
        """A Secret as the cache has it."""
        return self.informers.get(SECRETS).get(f"{place}/{name}")

    def service_variables(self, pod: Object) -> Mapping[str, str]:
        """The variables of Services that the pod's containers get; shared by those of a namespace.
        """
        key = (namespace(pod), pod["spec"].get("enableServiceLinks") is not False)
        changes = self.informers.get(SERVICES).changes
        known = self._links.get(key)
        if known is None or known[0] != changes:
            values = service_variables(self._linked_services(pod))
            known = self._links[key] = (changes, values)
        return known[1]

    def _linked_services(self, pod: Object) -> Iterable[Object]:
        """Those of the pod's namespace, and the API's."""
        informer = self.informers.get(SERVICES)
        if pod["spec"].get("enableServiceLinks") is not False:
            for service in sorted(informer, key=lambda s: str(s["metadata"]["name"])):
                if namespace(service) == namespace(pod):
                    yield service
        master = informer.get("default/kubernetes")
        if master is not None and namespace(pod) != "default":
            yield master

    def say(self, pod: Object, record: ContainerRecord) -> Say:
        """A function that records events about a container."""
        path = f"spec.{_FIELDS[record.kind]}{{{record.name}}}"

        def say(kind: str, reason: str, message: str) -> None:
            self.recorder.event(pod, kind, reason, message, field_path=path)

        return say
