"""The kubelet of one simulated node. Models pkg/kubelet: it registers its Node, renews its Lease,
and runs the pods that are bound to it. Nodes that clients create have none, as anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from apiserver.machinery.clock import parse_time
from apiserver.machinery.gvk import CONFIGMAPS, NODES, PODS, SECRETS, SERVICES
from apiserver.machinery.meta import metadata, namespaced_name, uid
from controllers.controller import Controller, ControllerContext, Result
from controllers.node.admission import Admission
from controllers.node.cni import AddressRange, Cni
from controllers.node.host import Host
from controllers.node.podworker import PodWorker
from controllers.node.puller import ImagePuller
from controllers.node.record import State, Terminated, new_record, note_ephemeral
from controllers.node.registration import Registration
from controllers.node.runtime import ContainerExit
from controllers.node.volumes import references

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import Object
    from controllers.controller import KeysOf
    from controllers.node.config import NodeConfig
    from controllers.node.record import ContainerRecord, PodRecord
    from controllers.node.runtime import ContainerRuntime
    from netsim.fabric import Node

NODE_KEY: Final = "node"
LEASE_KEY: Final = "lease"
"""Keys of pods have a slash; these two are the kubelet's own."""
_EPOCH: Final = "1970-01-01T00:00:00Z"
_LOST: Final = 137
_NOT_FOUND: Final = "The container could not be located when the pod was terminated"
BEHIND: Final = 100
"""With more keys than this in the queue the kubelet leaves out what is about to be outdated."""


class Kubelet(Controller):
    """Runs one node's pods on a container runtime. Add it under a name of its own per node."""

    name: ClassVar[str] = "kubelet"

    def __init__(self, context: ControllerContext, config: NodeConfig, runtime: ContainerRuntime,
                 node: Node) -> None:
        cni = Cni(node, [AddressRange(cidr, config.held_addresses)
                         for cidr in config.sorted_pod_cidrs])
        self.host = Host(
            config=config, client=context.client, clock=context.clock, informers=context.informers,
            recorder=context.events.recorder("kubelet", config.name), runtime=runtime, cni=cni,
            puller=ImagePuller(runtime, config.minor))
        self._pods = context.informers.get(PODS)
        self._records: dict[str, PodRecord] = {}
        self._runs: dict[str, PodRecord] = {}
        """By container id, while it runs."""
        self._early: dict[str, ContainerExit] = {}
        """Ends of containers whose start is not yet noted."""
        self._worker = PodWorker(self.host, self, self._again, self._is_behind)
        self._registration = Registration(self.host)
        self._admission = Admission(config.capacity)
        self._sources = SourceIndex()
        self.paused = False
        """Whether it is silent, as if it had crashed."""
        self.resumes: Sequence[str] | None = None
        """The pods, as they came, of a node that it takes over: their containers run as the API
        says, they keep their ids, and what it finds is no news."""

    def watches(self) -> Mapping[GVR, KeysOf]:
        """Its pods and what their volumes are made of; Nodes and Services are only cached."""
        return {PODS: self._pod_keys, NODES: _no_keys, SERVICES: _no_keys,
                CONFIGMAPS: self._source_keys, SECRETS: self._source_keys}

    async def start(self) -> None:
        """Register, and begin the heartbeat."""
        if self.resumes is not None:
            self.host.puller.find(self._listed_images())
            self._registration.resume()
            for key in self.resumes:
                await self._sync_pod(key)
        self.queue.add(NODE_KEY)
        self.queue.add(LEASE_KEY)

    async def reconcile(self, key: str) -> Result | None:
        """Sync one pod, the Node or the Lease."""
        if self.paused:
            return None
        if key == NODE_KEY:
            return Result(requeue_after=await self._registration.report())
        if key == LEASE_KEY:
            return Result(requeue_after=await self._registration.renew())
        if self.resumes is None or key not in self._records:  # else `start` has just done it
            await self._sync_pod(key)
        return None

    def pause(self) -> None:
        """Fall silent, as if it had crashed: containers run on, nobody looks after them."""
        self.paused = True

    def resume(self) -> None:
        """Come back: heartbeat, and all pods are looked at again."""
        self.paused = False
        ours = [namespaced_name(pod) for pod in self._pods
                if pod["spec"].get("nodeName") == self.host.config.name]
        for key in (NODE_KEY, LEASE_KEY, *dict.fromkeys([*self._records, *ours])):
            self.queue.add(key)

    def container_exited(self, container_id: str, result: ContainerExit) -> None:
        """From the runtime: note how it ended, and sync its pod."""
        record = self._runs.pop(container_id, None)
        if record is None:
            self._early[container_id] = result
            return
        container = next(c for c in record.containers.values() if c.container_id == container_id)
        container.ended = Terminated(container_id=container_id, exit=result,
                                     started_at=container.started_at,
                                     finished_at=self.host.clock.now())
        container.state = State.TERMINATED
        container.ready = container.started = container.stopping = False
        self.queue.add(record.key)

    def container_id(self, key: str, container: str, *, previous: bool = False) -> str | None:
        """The id of a container of the pod `namespace/name`, for logs and exec; None: none."""
        record = self._records.get(key)
        found = record.containers.get(container) if record else None
        if found is None:
            return None
        if previous:
            last = found.last_state
            return last.container_id if last else None
        return found.container_id or None

    def container_states(self) -> Iterator[str]:
        """`running` or `exited` of each container that was started and is kept."""
        for record in self._records.values():
            for one in record.containers.values():
                if one.state is State.RUNNING:
                    yield "running"
                elif one.state is State.TERMINATED:
                    yield "exited"

    @property
    def sandboxes(self) -> int:
        """How many pods have a sandbox."""
        return sum(record.sandbox is not None for record in self._records.values())

    @property
    def pods(self) -> Sequence[str]:
        """The keys of its pods, in the order in which they came."""
        return tuple(self._records)

    def record(self, key: str) -> PodRecord | None:
        """What the node knows of the pod `namespace/name`."""
        return self._records.get(key)

    # ---------------------------------------------------------------------------------------------

    async def _sync_pod(self, key: str) -> None:
        pod, record = self._pods.get(key), self._records.get(key)
        if record is not None and (pod is None or uid(pod) != record.uid):
            self._worker.forget(record)
            self._admission.release(record)
            self._sources.remove(key)
            del self._records[key]
            record = None
        if pod is None or pod["spec"].get("nodeName") != self.host.config.name:
            return
        if record is None:
            record = self._admit(pod, key)
        note_ephemeral(pod, record)
        await self._worker.sync(pod, record)
        if record.finished:
            self._admission.release(record)
        self._note_runs(record)
        if self.host.puller.present.keys() - set(self._listed_images()):
            self.queue.add(NODE_KEY)

    def _note_runs(self, record: PodRecord) -> None:
        for container in record.alive:
            self._runs[container.container_id] = record
        for container in record.alive:
            result = self._early.pop(container.container_id, None)
            if result is not None:
                self.container_exited(container.container_id, result)

    def _admit(self, pod: Object, key: str) -> PodRecord:
        """A pod that is new here: bound just now, or known before the kubelet started."""
        record = new_record(pod, key, self.host.clock.now())
        restore(pod, record, resuming=self.resumes is not None)
        if not record.finished:
            node = self.host.informers.get(NODES).get(self.host.config.name)
            refusal = self._admission.admit(pod, record, node)
            if refusal is not None:
                self.host.recorder.event(pod, "Warning", *refusal)
                record.failure = refusal[0], f"Pod was rejected: {refusal[1]}"
        self._records[key] = record
        self._sources.add(key, references(pod))
        return record

    def _listed_images(self) -> list[str]:
        node = self.host.informers.get(NODES).get(self.host.config.name) or {}
        images = (node.get("status") or {}).get("images") or ()
        return [name for image in images for name in image["names"]]

    def _is_behind(self) -> bool:
        return self.resumes is not None or len(self.queue.queue) > BEHIND

    def _again(self, key: str, seconds: float) -> None:
        self.queue.add_after(key, seconds)

    def _pod_keys(self, old: Object | None, new: Object | None) -> Iterable[str]:
        """Pods of this node, but for changes of nothing that a kubelet acts on."""
        pod = new if new is not None else old
        assert pod is not None
        if pod["spec"].get("nodeName") != self.host.config.name:
            return ()
        if old is not None and new is not None and _same_orders(old, new):
            return ()
        return (namespaced_name(pod),)

    def _source_keys(self, old: Object | None, new: Object | None) -> Iterable[str]:
        """The pods whose volumes are made of a ConfigMap or Secret that has changed."""
        source = new if new is not None else old
        assert source is not None
        users = self._sources.users(f"{source['kind'].lower()}s/{namespaced_name(source)}")
        for key in users:
            self._records[key].stale_files = True
        return users


class SourceIndex:
    """Which pods use which ConfigMaps and Secrets."""

    def __init__(self) -> None:
        self._users: dict[str, dict[str, None]] = {}
        self._used: dict[str, set[str]] = {}

    def add(self, key: str, sources: set[str]) -> None:
        """A pod and what it uses."""
        self._used[key] = sources
        for source in sources:
            self._users.setdefault(source, {})[key] = None

    def remove(self, key: str) -> None:
        """A pod that is gone."""
        for source in self._used.pop(key, ()):
            self._users[source].pop(key)
            if not self._users[source]:
                del self._users[source]

    def users(self, source: str) -> list[str]:
        """The pods that use a source, in order of arrival."""
        return list(self._users.get(source, ()))


def restore(pod: Object, record: PodRecord, *, resuming: bool = False) -> None:
    """Take over from a status that a kubelet before this one wrote: counts, times, the end; and
    what runs, if it still does."""
    status = pod.get("status") or {}
    if status.get("startTime"):
        record.start_time = parse_time(status["startTime"])
    known = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    for entry in known:
        container = record.containers.get(entry["name"])
        if container is not None and entry.get("containerID"):
            container.restart_count = entry.get("restartCount", 0) + (not resuming)
            if resuming:
                container.resumes, container.pulled = entry["containerID"], True
    for entry in status.get("ephemeralContainerStatuses") or ():
        _restore_ephemeral(record.containers.get(entry["name"]), entry)
    if status.get("phase") in ("Succeeded", "Failed"):
        record.finished = record.torn_down = record.restored = True


def _restore_ephemeral(container: ContainerRecord | None, entry: Mapping[str, Any]) -> None:
    """One that has run does not run again; how it ended, if nobody saw it, is not known."""
    if container is None or not entry.get("containerID"):
        return
    state = entry.get("state") or {}
    ended, began = state.get("terminated") or {}, state.get("running") or {}
    started = parse_time(ended.get("startedAt") or began.get("startedAt") or _EPOCH)
    container.container_id, container.state = entry["containerID"], State.TERMINATED
    container.image, container.image_id = entry.get("image", ""), entry.get("imageID", "")
    container.ended = Terminated(
        container_id=entry["containerID"], started_at=started,
        finished_at=parse_time(ended["finishedAt"]) if ended.get("finishedAt") else started,
        exit=ContainerExit(exit_code=ended.get("exitCode", _LOST),
                           reason=ended.get("reason", "ContainerStatusUnknown"),
                           message=ended.get("message", "" if ended else _NOT_FOUND)))


def _same_orders(old: Object, new: Object) -> bool:
    """Whether two versions of a pod ask the same of a kubelet."""
    return (old["spec"] == new["spec"] and uid(old) == uid(new)
            and metadata(old).get("deletionTimestamp") == metadata(new).get("deletionTimestamp")
            and metadata(old).get("labels") == metadata(new).get("labels")
            and metadata(old).get("annotations") == metadata(new).get("annotations"))


def _no_keys(old: Object | None, new: Object | None) -> Iterable[str]:
    return ()
