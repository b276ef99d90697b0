"""What a namespace uses of its quotas. Models pkg/controller/resourcequota and
pkg/quota/v1/evaluator.

Admission counts what is created; here everything is counted anew, when something goes or ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.gvk import GVR, PODS, RESOURCEQUOTAS
from apiserver.machinery.quantity import Quantity, parse_quantity
from controllers import pods
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key
from controllers.informer import BY_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from apiserver.machinery.types import Object
    from controllers.controller import DiscoveredResource

Usage = dict[str, Quantity]

_COMPUTE: Final = ("cpu", "memory", "ephemeral-storage")
_COUNTED: Final = frozenset({"configmaps", "secrets", "replicationcontrollers", "resourcequotas",
                            "services", "persistentvolumeclaims"})
"""Names of `hard` that count objects, besides `count/RESOURCE.GROUP`."""


class ResourceQuotaController(Controller):
    """Key: a ResourceQuota."""

    name: ClassVar[str] = "resourcequota-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._informers = ctx.informers
        self._discovery = ctx.discovery
        self._quotas = ctx.informers.get(RESOURCEQUOTAS, BY_NAMESPACE)
        self._pods = ctx.informers.get(PODS, BY_NAMESPACE)
        self._followed: set[GVR] = {RESOURCEQUOTAS, PODS}
        self._resources: dict[str, DiscoveredResource] = {}

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {RESOURCEQUOTAS: own_key, PODS: self._changed}

    async def start(self) -> None:
        await self._discover()

    async def _discover(self) -> None:
        self._resources = {one.resource.group_resource: one for one in await self._discovery()
                           if one.namespaced and "list" in one.verbs}

    def _changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        """All quotas of the namespace in which something came, went or ended."""
        if old is not None and new is not None and _counts(old) == _counts(new):
            return ()
        obj = new if new is not None else old
        assert obj is not None
        return [meta.namespaced_name(one)
                for one in self._quotas.in_namespace(meta.namespace(obj))]

    async def reconcile(self, key: str) -> Result | None:
        quota = self._quotas.get(key)
        if quota is None:
            return None
        hard = pods.spec(quota).get("hard") or {}
        used = await self._used(quota, hard)
        status = {"hard": hard, "used": {name: str(used.get(name, _ZERO)) for name in hard}}
        if status != pods.status(quota):
            await self._client.update(
                RESOURCEQUOTAS, {**quota, "status": status}, subresource="status")
        return None

    async def _used(self, quota: Object, hard: Mapping[str, str]) -> Usage:
        place = meta.namespace(quota)
        used: Usage = {}
        selected = [pod for pod in self._pods.in_namespace(place) if in_scopes(quota, pod)]
        for pod in selected:
            add(used, pod_usage(pod))
        for name in hard:
            resource = _object_count(name)
            if resource and resource != "pods":
                used[name] = _count(len(await self._objects(resource, place)))
        if any(name.startswith("services.") for name in hard):
            for service in await self._objects("services", place):
                add(used, service_usage(service))
        if any("storage" in name for name in hard):
            for claim in await self._objects("persistentvolumeclaims", place):
                add(used, claim_usage(claim))
        return used

    async def _objects(self, group_resource: str, place: str) -> Sequence[Object]:
        """The objects of a resource in a namespace; from now on their coming and going wakes us."""
        found = self._resources.get(group_resource)
        if found is None:
            await self._discover()
            found = self._resources.get(group_resource)
        if found is None:
            return ()
        if found.resource not in self._followed:
            self._follow(found.resource)
        items: Sequence[Object] = (await self._client.list(found.resource, place))["items"]
        return items

    def _follow(self, resource: GVR) -> None:
        self._followed.add(resource)

        def handle(old: Object | None, new: Object | None) -> None:
            for key in self._changed(old, new):
                self.queue.add(key)

        self._informers.get(resource).add_handler(handle)


_ZERO: Final = parse_quantity("0")


def _count(number: int) -> Quantity:
    return parse_quantity(str(number))


def add(used: Usage, more: Mapping[str, Quantity]) -> None:
    """Add amounts, name by name."""
    for name, amount in more.items():
        used[name] = used[name] + amount if name in used else amount


def _object_count(name: str) -> str:
    """The resource (`deployments.apps`) that a name of `hard` counts, '' for none."""
    if name.startswith("count/"):
        return name.removeprefix("count/")
    return name if name in _COUNTED else ""


def _counts(obj: Object) -> Any:
    """What a quota sees of an object that has changed."""
    spec = pods.spec(obj)
    return (pods.phase(obj) in pods.FINISHED, spec.get("type"), spec.get("resources"),
            spec.get("activeDeadlineSeconds"), len(spec.get("ports") or ()),
            [one.get("resources") for one in spec.get("containers") or ()])


# Usage of one object -----------------------------------------------------------------------------


def pod_usage(pod: Object) -> Usage:
    """What a Pod uses; one that has ended only counts as an object."""
    usage: Usage = {"count/pods": _count(1)}
    if pods.phase(pod) in pods.FINISHED:
        return usage
    usage["pods"] = _count(1)
    for part in ("requests", "limits"):
        for name, amount in pod_resources(pod, part).items():
            if name in _COMPUTE or name.startswith("hugepages-") or "/" in name:
                usage[f"{part}.{name}"] = amount
                if part == "requests" and "/" not in name:
                    usage[name] = amount
    return usage


def pod_resources(pod: Object, part: str) -> Usage:
    """Requests or limits of a Pod: containers and sidecars together, or the greatest init
    container, and the overhead (resourcehelper.PodRequests)."""
    spec = pods.spec(pod)
    total: Usage = {}
    for container in spec.get("containers") or ():
        add(total, _amounts(container, part))
    sidecars: Usage = {}
    peak: Usage = {}
    for container in spec.get("initContainers") or ():
        amounts = _amounts(container, part)
        if container.get("restartPolicy") == "Always":
            add(total, amounts)
            add(sidecars, amounts)
            amounts = sidecars
        else:
            add(amounts, sidecars)
        for name, amount in amounts.items():
            peak[name] = max(peak.get(name, amount), amount)
    for name, amount in peak.items():
        total[name] = max(total.get(name, amount), amount)
    for name, text in (spec.get("overhead") or {}).items():
        if part == "requests" or name in total:
            add(total, {name: parse_quantity(str(text))})
    return total


def _amounts(container: Object, part: str) -> Usage:
    found = (container.get("resources") or {}).get(part) or {}
    return {name: parse_quantity(str(text)) for name, text in found.items()}


def service_usage(service: Object) -> Usage:
    """Load balancers and node ports."""
    spec = pods.spec(service)
    kind, ports = spec.get("type"), spec.get("ports") or ()
    usage: Usage = {}
    if kind == "LoadBalancer":
        usage["services.loadbalancers"] = _count(1)
    if kind == "NodePort" or (kind == "LoadBalancer"
                              and spec.get("allocateLoadBalancerNodePorts") is not False):
        usage["services.nodeports"] = _count(len(ports))
    return usage


def claim_usage(claim: Object) -> Usage:
    """Requested storage, in all and by storage class."""
    spec = pods.spec(claim)
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    usage: Usage = {} if asked is None else {"requests.storage": parse_quantity(str(asked))}
    if own := spec.get("storageClassName"):
        prefix = f"{own}.storageclass.storage.k8s.io/"
        usage[f"{prefix}persistentvolumeclaims"] = _count(1)
        if asked is not None:
            usage[f"{prefix}requests.storage"] = usage["requests.storage"]
    return usage


# Scopes ------------------------------------------------------------------------------------------


def in_scopes(quota: Object, pod: Object) -> bool:
    """Whether a Pod falls under all scopes of a quota."""
    spec = pods.spec(quota)
    plain = [{"scopeName": one, "operator": "Exists"} for one in spec.get("scopes") or ()]
    chosen = (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    return all(_in_scope(one, pod) for one in (*plain, *chosen))


def _in_scope(scope: Object, pod: Object) -> bool:
    spec = pods.spec(pod)
    best_effort = not any(one.get("resources", {}).get(part)
                          for one in (*(spec.get("containers") or ()),
                                      *(spec.get("initContainers") or ()))
                          for part in ("requests", "limits"))
    ends = spec.get("activeDeadlineSeconds") is not None
    simple = {"Terminating": ends, "NotTerminating": not ends, "BestEffort": best_effort,
              "NotBestEffort": not best_effort}
    if scope["scopeName"] in simple:
        return simple[scope["scopeName"]]
    if scope["scopeName"] == "PriorityClass":
        return _priority_fits(scope, spec.get("priorityClassName") or "")
    return bool(_foreign_affinity(spec))


def _priority_fits(scope: Object, own: str) -> bool:
    values = scope.get("values") or ()
    return {"In": own in values, "NotIn": own not in values, "Exists": bool(own),
            "DoesNotExist": not own}[scope["operator"]]


def _foreign_affinity(spec: Mapping[str, Any]) -> bool:
    """CrossNamespacePodAffinity: whether an affinity term looks at other namespaces."""
    affinity = spec.get("affinity") or {}
    terms: list[Object] = []
    for part in ("podAffinity", "podAntiAffinity"):
        known = affinity.get(part) or {}
        terms += known.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        terms += [one["podAffinityTerm"] for one in known.get(
            "preferredDuringSchedulingIgnoredDuringExecution") or ()]
    return any(one.get("namespaces") or one.get("namespaceSelector") is not None for one in terms)


