"""Which Pods a Service selects, and how they are reached: what endpoints and endpointslice share.

Models pkg/controller/endpoint, k8s.io/endpointslice/util and api/v1/pod (FindPort). Pods are found
by an index on single labels, Services by one on the first pair of their selector, so that neither a
namespace with many Pods nor one with many Services costs a scan for every event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.clock import rfc3339_micro
from apiserver.machinery.gvk import PODS, SERVICES
from apiserver.machinery.meta import is_terminating, labels, name, namespace, namespaced_name
from controllers import pods

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.clock import Clock
    from apiserver.machinery.types import JSON, Object
    from controllers.informer import Informer, Informers

HEADLESS_LABEL: Final = "service.kubernetes.io/headless"
TRIGGER_TIME: Final = "endpoints.kubernetes.io/last-change-trigger-time"
_BY_LABEL: Final = "label"
_BY_SELECTOR: Final = "selector"


def selector_of(service: Object) -> Mapping[str, str]:
    """`spec.selector`, maybe empty."""
    found: Mapping[str, str] = pods.spec(service).get("selector") or {}
    return found


def has_cluster_ip(service: Object) -> bool:
    """Neither headless nor without address (`helper.IsServiceIPSet`)."""
    return pods.spec(service).get("clusterIP") not in (None, "", "None")


def _pod_values(pod: Object) -> tuple[str, ...]:
    place = namespace(pod)
    return tuple(f"{place}/{key}={value}" for key, value in labels(pod).items())


def _service_values(service: Object) -> tuple[str, ...]:
    selector = selector_of(service)
    if not selector:
        return ()
    key = min(selector)
    return (f"{namespace(service)}/{key}={selector[key]}",)


class Selection:
    """Services and the Pods they select, both ways."""

    def __init__(self, informers: Informers) -> None:
        self.services: Informer = informers.get(SERVICES)
        self.pods: Informer = informers.get(PODS)
        self.services.add_index(_BY_SELECTOR, _service_values)
        self.pods.add_index(_BY_LABEL, _pod_values)

    def pods_of(self, service: Object) -> list[Object]:
        """The Pods that a Service's selector matches, none without a selector."""
        wanted = selector_of(service).items()
        return [pod for value in _service_values(service) for pod in self.pods.by(_BY_LABEL, value)
                if wanted <= labels(pod).items()]

    def services_of(self, pod: Object) -> Iterable[str]:
        """The keys of the Services that select a Pod."""
        carried = labels(pod).items()
        return [namespaced_name(service) for value in _pod_values(pod)
                for service in self.services.by(_BY_SELECTOR, value)
                if selector_of(service).items() <= carried]

    def size(self, key: str) -> int:
        """At least as many Pods as a Service selects, without looking at each."""
        service = self.services.get(key)
        values = _service_values(service) if service is not None else ()
        return sum(self.pods.count(_BY_LABEL, value) for value in values)

    def pod_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        """The keys of the Services whose endpoints a Pod's change may concern."""
        if old is None or new is None:
            pod = new if new is not None else old
            assert pod is not None
            return self.services_of(pod)
        same_labels = labels(old) == labels(new)
        if not _endpoint_changed(old, new):
            if same_labels:
                return ()
            return sorted(set(self.services_of(old)) ^ set(self.services_of(new)))
        keys = self.services_of(new)
        return keys if same_labels else dict.fromkeys((*self.services_of(old), *keys))


def _endpoint_changed(old: Object, new: Object) -> bool:
    """Whether what an endpoint shows of a Pod differs; its phase is not shown."""
    return _shown(old) != _shown(new)


def _shown(pod: Object) -> tuple[JSON, ...]:
    status, spec = pods.status(pod), pods.spec(pod)
    return (status.get("podIP"), pods.is_ready(pod), is_terminating(pod), spec.get("nodeName"),
            status.get("podIPs"), spec.get("hostname"), spec.get("subdomain"))


def belongs(pod: Object, *, terminating: bool) -> bool:
    """Whether a Pod can be an endpoint: not finished, with an address
    (`ShouldPodBeInEndpoints`)."""
    if pods.phase(pod) in pods.FINISHED:
        return False
    status = pods.status(pod)
    if not status.get("podIP") and not status.get("podIPs"):
        return False
    return terminating or not is_terminating(pod)


def addresses(pod: Object, family: str) -> list[str]:
    """The Pod's addresses of a family, IPv4 or IPv6."""
    known = [one["ip"] for one in pods.status(pod).get("podIPs") or ()]
    known = known or [pods.status(pod)["podIP"]]
    return [ip for ip in known if (":" in ip) == (family == "IPv6")]


def hostname(pod: Object, service: Object) -> str | None:
    """The Pod's host name, when the Service gives it a DNS name of its own."""
    own: str | None = pods.spec(pod).get("hostname")
    same = pods.spec(pod).get("subdomain") == name(service)
    return own if own and same else None


def find_port(pod: Object, port: Object) -> int | None:
    """The Pod's port for a Service port; None when no container has one of that name."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target or int(port["port"])
    spec = pods.spec(pod)
    sidecars = [one for one in spec.get("initContainers") or ()
                if one.get("restartPolicy") == "Always"]
    for container in (*(spec.get("containers") or ()), *sidecars):
        for own in container.get("ports") or ():
            if own.get("name") == target and own.get("protocol", "TCP") == port.get(
                    "protocol", "TCP"):
                return int(own["containerPort"])
    return None


def pod_reference(pod: Object) -> Object:
    """The `targetRef` of an endpoint."""
    return {"kind": "Pod", "namespace": namespace(pod), "name": name(pod),
            "uid": pod["metadata"]["uid"]}


class TriggerTimes:
    """When the change that a sync answers was first seen: the annotation of its result."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}

    def note(self, keys: Iterable[str]) -> Iterable[str]:
        """Remember now as the trigger of these keys, unless there is an earlier one."""
        keys = tuple(keys)
        for key in keys:
            self._since.setdefault(key, self._clock.now())
        return keys

    def take(self, key: str) -> str | None:
        """The annotation's value, and forget it; None when nothing was noted."""
        since = self._since.pop(key, None)
        return None if since is None else rfc3339_micro(since).replace(".000000Z", "Z")
