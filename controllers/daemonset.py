"""One Pod on every node that a template fits. Models pkg/controller/daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.errors import ApiError, NotFound
from apiserver.machinery.gvk import CONTROLLERREVISIONS, DAEMONSETS, GVR, NODES, PODS
from apiserver.machinery.selectors import Requirement, from_label_selector
from controllers import pods
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key
from controllers.deployment.sizes import scaled
from controllers.events import NORMAL, WARNING
from controllers.expectations import Expectations
from controllers.history import HASH_LABEL, History
from controllers.informer import BY_CONTROLLER, BY_NAMESPACE, orphan_key
from controllers.ownedpods import owner_keys
from controllers.owners import RefManager
from controllers.tainteviction import tolerates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from apiserver.machinery.types import Object

GENERATION_LABEL: Final = "pod-template-generation"
GENERATION: Final = "deprecated.daemonset.template.generation"

_TOLERATED: Final = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
_HOST_NETWORK_TOLERATED: Final = ("node.kubernetes.io/network-unavailable", "NoSchedule")
_OPERATORS: Final = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!",
                     "Gt": "gt", "Lt": "lt"}


class DaemonSetController(Controller):
    """Key: a DaemonSet."""

    name: ClassVar[str] = "daemonset-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._events = ctx.events.recorder(self.name)
        self._sets = ctx.informers.get(DAEMONSETS, BY_NAMESPACE)
        self._pods = ctx.informers.get(PODS, BY_CONTROLLER)
        self._nodes = ctx.informers.get(NODES)
        self._revisions = ctx.informers.get(CONTROLLERREVISIONS, BY_CONTROLLER)
        self._expectations = Expectations(ctx.clock)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {DAEMONSETS: own_key, PODS: self._pod_changed, NODES: self._node_changed,
                CONTROLLERREVISIONS: lambda old, new: ()}

    def _pod_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        keys = owner_keys(self._sets, "DaemonSet", old, new)
        for key in keys:
            if old is None:
                self._expectations.creation_observed(key)
            elif new is None:
                self._expectations.deletion_observed(key, meta.namespaced_name(old))
        return keys

    def _node_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        if old is not None and new is not None and _matters(old) == _matters(new):
            return ()
        return [meta.namespaced_name(one) for one in self._sets]

    async def reconcile(self, key: str) -> Result | None:
        owner = self._sets.get(key)
        if owner is None:
            self._expectations.forget(key)
            return None
        if meta.is_terminating(owner):
            return None
        history = History(self._client, owner, HASH_LABEL)
        known = list(self._revisions.controlled_by(meta.uid(owner)))
        collisions = pods.status(owner).get("collisionCount") or 0
        revision, collisions = await history.current(known, collisions)
        digest = meta.labels(revision)[HASH_LABEL]
        by_node = self._by_node(await self._claim(owner))
        if self._expectations.satisfied(key):
            await self._manage(owner, by_node, digest)
        await self._update_status(owner, by_node, digest)
        live = [meta.name(one) for one in known if meta.labels(one).get(HASH_LABEL) in {
            meta.labels(pod).get(HASH_LABEL) for found in by_node.values() for pod in found}]
        limit = pods.spec(owner).get("revisionHistoryLimit")
        await history.truncate(known, [*live, meta.name(revision)], 10 if limit is None else limit)
        return self._next_check(owner, by_node)

    # Pods ----------------------------------------------------------------------------------------

    async def _claim(self, owner: Object) -> list[Object]:
        owned = self._pods.controlled_by(meta.uid(owner))
        orphans = self._pods.by(BY_CONTROLLER, orphan_key(meta.namespace(owner)))
        selector = from_label_selector(pods.spec(owner).get("selector"))
        manager = RefManager(self._client, DAEMONSETS, owner, selector)
        return await manager.claim(PODS, [*owned, *orphans])

    def _by_node(self, owned: Iterable[Object]) -> dict[str, list[Object]]:
        found: dict[str, list[Object]] = {}
        for pod in owned:
            if node := target_node(pod):
                found.setdefault(node, []).append(pod)
        return found

    async def _manage(self, owner: Object, by_node: Mapping[str, list[Object]],
                      digest: str) -> None:
        """Create and delete what is missing and too much, then roll. Raises the first ApiError."""
        missing: list[str] = []
        doomed: list[Object] = []
        for node in self._nodes:
            runs, stays = should_run(owner, node)
            here = by_node.get(meta.name(node), [])
            live = [pod for pod in here if not meta.is_terminating(pod)]
            failed = [pod for pod in live if pods.phase(pod) in pods.FINISHED]
            for pod in failed:
                self._events.event(
                    owner, WARNING, "FailedDaemonPod",
                    f"Found failed daemon pod {meta.namespaced_name(pod)} on node "
                    f"{meta.name(node)}, will try to kill it")
            good = [pod for pod in live if pod not in failed]
            if runs and not here:
                missing.append(meta.name(node))
            doomed += failed
            doomed += good if not stays else _surplus(good, digest)
        doomed += [pod for name, found in by_node.items() if self._nodes.get(name) is None
                   for pod in found if not meta.is_terminating(pod)]
        if not missing and not doomed:
            doomed = self._outdated(owner, by_node, digest)
        await self._write(owner, missing, doomed, digest)

    def _outdated(self, owner: Object, by_node: Mapping[str, list[Object]],
                  digest: str) -> list[Object]:
        """Pods of an older template that may go now, by maxUnavailable (rollingUpdate)."""
        strategy = pods.spec(owner).get("updateStrategy") or {}
        if strategy.get("type", "RollingUpdate") != "RollingUpdate":
            return []
        wanted = [node for node in self._nodes if should_run(owner, node)[0]]
        most = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1)
        allowed = max(1, scaled(most, len(wanted), round_up=True))
        least, now = pods.spec(owner).get("minReadySeconds") or 0, self._clock.now()
        available: list[Object] = []
        unavailable: list[Object] = []
        for node in wanted:
            here = [pod for pod in by_node.get(meta.name(node), ()) if not meta.is_terminating(pod)]
            if not here:
                allowed -= 1
                continue
            ready = pods.is_available(here[0], least, now)
            old = meta.labels(here[0]).get(HASH_LABEL) != digest
            if old:
                (available if ready else unavailable).append(here[0])
            elif not ready:
                allowed -= 1
        return unavailable + available[:max(0, allowed - len(unavailable))]

    async def _write(self, owner: Object, missing: Sequence[str], doomed: Sequence[Object],
                     digest: str) -> None:
        key = meta.namespaced_name(owner)
        failures: list[ApiError] = []
        if doomed:
            self._expectations.expect_deletions(key, map(meta.namespaced_name, doomed))
        elif missing:
            self._expectations.expect_creations(key, len(missing))
        for node in missing:
            try:
                created = await self._client.create(
                    PODS, build_pod(owner, node, digest), meta.namespace(owner))
            except ApiError as error:
                self._expectations.creation_observed(key)
                self._events.event(owner, WARNING, "FailedCreate", f"Error creating: {error}")
                failures.append(error)
            else:
                self._events.event(owner, NORMAL, "SuccessfulCreate",
                                   f"Created pod: {meta.name(created)}")
        for pod in doomed:
            await self._delete(owner, pod)
        if failures:
            raise failures[0]

    async def _delete(self, owner: Object, pod: Object) -> None:
        try:
            await self._client.delete(PODS, meta.name(pod), meta.namespace(pod))
        except NotFound:
            self._expectations.deletion_observed(
                meta.namespaced_name(owner), meta.namespaced_name(pod))
            return
        self._events.event(owner, NORMAL, "SuccessfulDelete", f"Deleted pod: {meta.name(pod)}")

    # Status --------------------------------------------------------------------------------------

    async def _update_status(self, owner: Object, by_node: Mapping[str, list[Object]],
                             digest: str) -> None:
        status = self._status(owner, by_node, digest)
        if status != pods.status(owner):
            await self._client.update(
                DAEMONSETS, {**owner, "status": status}, subresource="status")

    def _status(self, owner: Object, by_node: Mapping[str, list[Object]], digest: str) -> Object:
        least, now = pods.spec(owner).get("minReadySeconds") or 0, self._clock.now()
        desired = current = misscheduled = ready = available = updated = 0
        for node in self._nodes:
            runs, _ = should_run(owner, node)
            here = by_node.get(meta.name(node), [])
            misscheduled += bool(here) and not runs
            desired += runs
            if not runs or not here:
                continue
            oldest = min(here, key=lambda pod: pod["metadata"]["creationTimestamp"])
            current += 1
            ready += pods.is_ready(oldest)
            available += pods.is_available(oldest, least, now)
            updated += meta.labels(oldest).get(HASH_LABEL) == digest
        status: dict[str, Any] = {
            "currentNumberScheduled": current, "numberMisscheduled": misscheduled,
            "desiredNumberScheduled": desired, "numberReady": ready}
        counts = {"observedGeneration": meta.generation(owner), "updatedNumberScheduled": updated,
                  "numberAvailable": available, "numberUnavailable": desired - available}
        return status | {name: count for name, count in counts.items() if count}

    def _next_check(self, owner: Object, by_node: Mapping[str, list[Object]]) -> Result | None:
        least = pods.spec(owner).get("minReadySeconds") or 0
        if not least:
            return None
        owned = [pod for found in by_node.values() for pod in found]
        return Result(requeue_after=pods.seconds_until_available(owned, least, self._clock.now()))


def _matters(node: Object) -> Any:
    return meta.labels(node), pods.spec(node).get("taints"), pods.spec(node).get("unschedulable")


def _surplus(good: list[Object], digest: str) -> list[Object]:
    """All but the oldest of several Pods on one node."""
    ordered = sorted(good, key=lambda pod: (pod["metadata"]["creationTimestamp"], meta.name(pod)))
    return ordered[1:]


def target_node(pod: Object) -> str:
    """Where a Pod is, or must go by its affinity to one node's name."""
    if bound := pods.spec(pod).get("nodeName"):
        return str(bound)
    affinity = (pods.spec(pod).get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field["key"] == "metadata.name" and field["operator"] == "In":
                return str(field["values"][0])
    return ""


def tolerations(template_spec: Mapping[str, Any]) -> list[Object]:
    """A daemon Pod's tolerations: the template's and those that every daemon has."""
    wanted = list(_TOLERATED)
    if template_spec.get("hostNetwork"):
        wanted.append(_HOST_NETWORK_TOLERATED)
    known = list(template_spec.get("tolerations") or ())
    fresh = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in wanted]
    return known + [one for one in fresh if one not in known]


def build_pod(owner: Object, node: str, digest: str) -> Object:
    """The Pod for a node: the scheduler binds it there, by an affinity to the node's name."""
    pod = pods.from_template(owner["spec"]["template"], owner)
    generation = meta.annotations(owner).get(GENERATION)
    extra = {GENERATION_LABEL: generation} if generation else {}
    pod["metadata"] = {**pod["metadata"],
                       "labels": {**meta.labels(pod), HASH_LABEL: digest, **extra}}
    spec = pod["spec"]
    affinity = spec.get("affinity") or {}
    by_name = {"key": "metadata.name", "operator": "In", "values": [node]}
    required = {"nodeSelectorTerms": [{"matchFields": [by_name]}]}
    node_affinity = {**(affinity.get("nodeAffinity") or {}),
                     "requiredDuringSchedulingIgnoredDuringExecution": required}
    return {**pod, "spec": {**spec, "affinity": {**affinity, "nodeAffinity": node_affinity},
                            "tolerations": tolerations(spec)}}


def should_run(owner: Object, node: Object) -> tuple[bool, bool]:
    """(whether a Pod should be started on a node, whether one there may stay)."""
    spec = owner["spec"]["template"].get("spec") or {}
    if spec.get("nodeName") and spec["nodeName"] != meta.name(node):
        return False, False
    if not _fits(spec, node):
        return False, False
    tolerated = tolerations(spec)
    bad = [taint for taint in pods.spec(node).get("taints") or ()
           if taint["effect"] != "PreferNoSchedule"
           and not any(tolerates(one, taint) for one in tolerated)]
    return not bad, not any(taint["effect"] == "NoExecute" for taint in bad)


def _fits(spec: Mapping[str, Any], node: Object) -> bool:
    if not (spec.get("nodeSelector") or {}).items() <= meta.labels(node).items():
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    return any(_term_fits(term, node) for term in required.get("nodeSelectorTerms") or ())


def _term_fits(term: Object, node: Object) -> bool:
    expressions = term.get("matchExpressions") or ()
    fields = term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    return (all(_requirement(one).matches(meta.labels(node)) for one in expressions)
            and all(_requirement(one).matches({"metadata.name": meta.name(node)})
                    for one in fields))


def _requirement(expression: Object) -> Requirement:
    operator: Any = _OPERATORS[expression["operator"]]
    return Requirement(expression["key"], operator, tuple(expression.get("values") or ()))
