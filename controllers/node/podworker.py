"""Brings one pod on a node to what its spec says. Models pkg/kubelet: pod_workers.go (the states
syncing, terminating, terminated) and SyncPod, SyncTerminatingPod, SyncTerminatedPod of kubelet.go.

    Pending ─ sandbox, volumes ─> ContainerCreating ─> Running ─ probes ─> Ready
       deletionTimestamp ─> SIGTERM to all, grace ─> all ended ─> status, DELETE with grace 0
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.clock import parse_time
from apiserver.machinery.errors import ApiError, Conflict, NotFound
from apiserver.machinery.gvk import PODS
from apiserver.machinery.meta import (
    is_terminating,
    metadata,
    name,
    namespace,
    resource_version,
    uid,
)
from controllers.node.cni import NoAddress
from controllers.node.hooks import Hooks
from controllers.node.prober import ProbeKind, Prober, ProbeWorker, Target
from controllers.node.record import Kind, Sandbox, State, container_specs
from controllers.node.runtime import ImageNotFound
from controllers.node.starter import may_restart, next_retry, sources, start_due
from controllers.node.status import pod_status, status_patch, with_foreign_conditions
from controllers.node.tokens import renewed
from controllers.node.volumes import MountError, mounted, volume_files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apiserver.machinery.later import Later
    from apiserver.machinery.types import Object
    from controllers.node.host import Host
    from controllers.node.record import ContainerRecord, PodRecord
    from controllers.node.runtime import RuntimeListener

MOUNT_RETRY: Final = 0.5
MOUNT_RETRY_MAX: Final = 122.0
SANDBOX_RETRY: Final = 10.0
TURNS_BEFORE_SIGTERM: Final = 3
"""How often a deleted pod's key goes to the end of the queue before its containers are told to end:
the slices are rewritten in the first turn, the rules in the second. So no request fails that comes
after the rules are written (in a real cluster the same takes a fraction of a second)."""
DEADLINE_EXCEEDED: Final = (
    "DeadlineExceeded", "Pod was active on the node longer than the specified deadline")


class PodWorker:
    """What one kubelet does for its pods."""

    def __init__(self, host: Host, listener: RuntimeListener,
                 again: Callable[[str, float], None], is_behind: Callable[[], bool]) -> None:
        self._host = host
        self._listener = listener
        self._again = again
        """Reconcile a key again after so many seconds."""
        self._is_behind = is_behind
        """Whether so much waits that only the latest status of a pod is worth writing (the status
        manager, too, sends only the newest when it cannot keep up)."""
        self._prober = Prober(host.runtime, host.cni.host)
        self._hooks = Hooks(host, self._prober)

    async def sync(self, pod: Object, record: PodRecord) -> None:
        """One step towards the pod's spec; asks to be called again when there is more to do."""
        if record.restored:
            if is_terminating(pod):
                await self._delete(pod)
        elif is_terminating(pod):
            await self._terminate(pod, record)
        elif record.finished:
            await self._post(pod, record)
        elif record.failure is not None or self._past_deadline(pod, record):
            await self._fail(pod, record)
        else:
            await self._run(pod, record)

    def forget(self, record: PodRecord) -> None:
        """The pod is gone from the API: kill what still runs, free what it had."""
        self._stop_probes(record)
        for container in record.alive:
            self._host.runtime.stop(container.container_id, 0)
        self._tear_down(record)
        for container in record.containers.values():
            for run in (container.last, container.ended):
                if run is not None:
                    self._host.runtime.remove(run.container_id)
            self._host.restarts.forget(f"{record.uid}_{container.name}")

    # Running -------------------------------------------------------------------------------------

    async def _run(self, pod: Object, record: PodRecord) -> None:
        if record.sandbox is None:
            if not self._is_behind():
                await self._post(pod, record)
            if not self._set_up(pod, record):
                await self._post(pod, record)
                return
        if self._must_mount(record) and not await self._mount(pod, record):
            await self._post(pod, record)
            return
        self._kill_unwanted(pod, record)
        if _work_is_done(pod, record):
            self._stop_in_order(pod, record, None)
        else:
            for container in start_due(self._host, pod, record, self._listener):
                self._after_start(pod, record, container)
            self._watch_health(pod, record)
        if _work_is_done(pod, record) and not record.alive:
            self._finish(record)
        await self._post(pod, record)
        self._schedule(pod, record)

    def _after_start(self, pod: Object, record: PodRecord, container: ContainerRecord) -> None:
        self._hooks.started(pod, record, container, lambda: self._kill(
            pod, record, container, f"Container {container.name} failed postStart hook", None))

    def _set_up(self, pod: Object, record: PodRecord) -> bool:
        """The pod's network; False (and an event) when it cannot be had now."""
        if pod["spec"].get("hostNetwork"):
            record.sandbox = Sandbox(self._host.cni.host, self._host.config.addresses,
                                     host_network=True)
            return True
        wanted = [own["ip"] for own in (pod.get("status") or {}).get("podIPs") or ()]
        try:
            record.sandbox = self._host.cni.add(f"{name(pod)}.{namespace(pod)}", wanted)
        except NoAddress as error:
            self._host.recorder.event(
                pod, "Warning", "FailedCreatePodSandBox", "Failed to create pod sandbox: rpc "
                f"error: code = Unknown desc = failed to set up sandbox: {error}")
            self._again(record.key, SANDBOX_RETRY)
        return record.sandbox is not None

    def _must_mount(self, record: PodRecord) -> bool:
        """Whether the volumes are not there yet, or not as they should be now."""
        return record.files is None or record.stale_files or (
            bool(record.tokens) and self._renewal(record) <= self._host.clock.now())

    @staticmethod
    def _renewal(record: PodRecord) -> float:
        """When the first of the pod's tokens is to be renewed (seconds since 1970)."""
        return min(held.renew_at for held in record.tokens.values())

    async def _tokens(self, pod: Object, record: PodRecord) -> None:
        """Ask for the pod's tokens that are missing or old. Raises MountError."""
        try:
            record.tokens = await renewed(self._host.client, self._host.clock, pod, record.tokens)
        except ApiError as error:
            raise MountError(f"MountVolume.SetUp failed for a projected volume : failed to fetch"
                             f" token: {error.message}") from error

    async def _mount(self, pod: Object, record: PodRecord) -> bool:
        """The pod's volumes; False (and an event) while one of them is not there."""
        assert record.sandbox is not None
        try:
            await self._tokens(pod, record)
            own = sources(self._host, pod, record.sandbox.addresses)
            files = volume_files(pod, replace(own, tokens=record.tokens))
        except MountError as error:
            self._host.recorder.event(pod, "Warning", "FailedMount", str(error))
            delay = min(MOUNT_RETRY * 2.0**record.mount_failures, MOUNT_RETRY_MAX)
            record.mount_failures += 1
            self._again(record.key, delay)
            return record.files is not None
        if record.files is not None:
            self._renew_files(pod, record, record.files, files)
        record.files, record.stale_files = files, False
        return True

    def _renew_files(self, pod: Object, record: PodRecord,
                     old: Mapping[str, Mapping[str, str | Later]],
                     new: Mapping[str, Mapping[str, str | Later]]) -> None:
        """Running containers see a changed ConfigMap or Secret (at once, not within a minute)."""
        specs = {spec["name"]: spec for spec in container_specs(pod)}
        for container in record.alive:
            before, after = (mounted(specs[container.name], v, live=True) for v in (old, new))
            if before != after:
                self._host.runtime.update_files(container.container_id, before, after)

    def _kill_unwanted(self, pod: Object, record: PodRecord) -> None:
        """Restart containers whose image has been changed in the spec."""
        specs = {spec["name"]: spec for spec in container_specs(pod)}
        for container in record.alive:
            image = specs[container.name]["image"]
            if container.kind is not Kind.APP or container.stopping:
                continue
            if self._same_image(container.image, image):
                continue
            self._kill(pod, record, container, f"Container {container.name} definition changed, "
                       "will be restarted", None)

    def _same_image(self, running: str, wanted: str) -> bool:
        try:
            return self._host.runtime.image(wanted).name == running
        except ImageNotFound:
            return False

    def _finish(self, record: PodRecord) -> None:
        record.finished = True
        self._stop_probes(record)
        self._tear_down(record, keep_address=True)

    def _schedule(self, pod: Object, record: PodRecord) -> None:
        now = self._host.clock.now()
        retry = next_retry(record, now)
        if retry is not None:
            self._again(record.key, retry - now)
        if record.tokens and record.alive:
            self._again(record.key, max(0.0, self._renewal(record) - now))
        limit = pod["spec"].get("activeDeadlineSeconds")
        if limit is not None and not record.finished:
            self._again(record.key, max(0.0, record.start_time + limit - now))

    def _past_deadline(self, pod: Object, record: PodRecord) -> bool:
        limit = pod["spec"].get("activeDeadlineSeconds")
        if limit is None or self._host.clock.now() < record.start_time + limit:
            return False
        record.failure = DEADLINE_EXCEEDED
        self._host.recorder.event(pod, "Normal", *DEADLINE_EXCEEDED)
        return True

    async def _fail(self, pod: Object, record: PodRecord) -> None:
        """End a pod that has failed as a whole."""
        self._stop_probes(record)
        for container in record.alive:
            self._kill(pod, record, container, f"Stopping container {container.name}", None)
        if not record.alive:
            self._finish(record)
        await self._post(pod, record)

    # Terminating ---------------------------------------------------------------------------------

    async def _terminate(self, pod: Object, record: PodRecord) -> None:
        now = self._host.clock.now()
        grace = metadata(pod).get("deletionGracePeriodSeconds")
        deadline = now + 30 if grace is None else parse_time(metadata(pod)["deletionTimestamp"])
        shortened = record.deadline is not None and deadline < record.deadline
        if record.turns < TURNS_BEFORE_SIGTERM and grace != 0 and record.alive:
            record.turns += 1
            self._again(record.key, 0)
            return
        if not record.terminating or shortened:
            record.terminating, record.deadline = True, deadline
            self._stop_probes(record, ProbeKind.STARTUP, ProbeKind.LIVENESS)
            for container in record.alive:
                container.stopping = False
        self._stop_in_order(pod, record, grace)
        if record.alive:
            await self._post(pod, record)
            return
        self._finish(record)
        await self._post(pod, record)
        await self._delete(pod)

    def _stop_in_order(self, pod: Object, record: PodRecord, grace: int | None) -> None:
        """Ask all containers to end; sidecars once the others have."""
        first = [c for c in record.alive if c.kind is not Kind.SIDECAR]
        for container in first or record.alive:
            if not container.stopping:
                self._kill(pod, record, container, f"Stopping container {container.name}", grace)

    def _kill(self, pod: Object, record: PodRecord, container: ContainerRecord, message: str,
              grace: float | None) -> None:
        if grace is None:
            grace = pod["spec"].get("terminationGracePeriodSeconds", 30)
        container.stopping = True
        self._host.say(pod, container)("Normal", "Killing", message)
        self._hooks.stop(pod, record, container, float(grace or 0))

    async def _delete(self, pod: Object) -> None:
        try:
            await self._host.client.delete(PODS, name(pod), namespace(pod), grace_period_seconds=0,
                                           preconditions={"uid": uid(pod)})
        except (NotFound, Conflict):
            return  # it is gone, or another pod has its name now

    def _tear_down(self, record: PodRecord, *, keep_address: bool = False) -> None:
        """Unplug the pod; its status may go on showing the address that it had."""
        sandbox = record.sandbox
        if sandbox is None or record.torn_down:
            return
        record.torn_down = True
        self._host.cni.remove(sandbox)
        if not keep_address:
            record.sandbox = None

    # Probes --------------------------------------------------------------------------------------

    def _watch_health(self, pod: Object, record: PodRecord) -> None:
        """A worker for each probe of each container that runs."""
        specs = {spec["name"]: spec for spec in container_specs(pod)}
        for container in record.alive:
            for kind in ProbeKind:
                spec = specs[container.name].get(kind.value)
                if spec is not None:
                    self._ensure_probe(pod, record, container, (kind, specs[container.name]))

    def _ensure_probe(self, pod: Object, record: PodRecord, container: ContainerRecord,
                      what: tuple[ProbeKind, Mapping[str, Any]]) -> None:
        kind, spec = what
        key = (container.name, kind.value)
        known: ProbeWorker | None = record.probes.get(key)
        if known is not None:
            if known.run_id == container.container_id:
                return
            known.stop()
        assert record.sandbox is not None
        target = Target(pod=pod, container=spec, record=container, sandbox=record.sandbox)
        worker = ProbeWorker(
            kind, spec[kind.value], target, self._prober, self._host.clock,
            lambda worker, success: self._verdict(pod, record, worker, success=success),
            self._host.say(pod, container))
        record.probes[key] = worker
        worker.start()

    def _verdict(self, pod: Object, record: PodRecord, worker: ProbeWorker, *,
                 success: bool) -> None:
        container = worker.target.record
        if container.state is not State.RUNNING:
            return
        if worker.kind is ProbeKind.READINESS:
            container.ready = success and container.started
        elif success and worker.kind is ProbeKind.STARTUP:
            container.started = True
            container.ready = "readinessProbe" not in worker.target.container
        elif not success and not container.stopping:
            grace = worker.spec.get("terminationGracePeriodSeconds")
            self._kill(pod, record, container, f"Container {container.name} failed "
                       f"{worker.kind.title.lower()} probe, will be restarted", grace)
        self._again(record.key, 0)

    def _stop_probes(self, record: PodRecord, *kinds: ProbeKind) -> None:
        for (container, kind), worker in list(record.probes.items()):
            if not kinds or ProbeKind(kind) in kinds:
                worker.stop()
                del record.probes[container, kind]

    # Status --------------------------------------------------------------------------------------

    async def _post(self, pod: Object, record: PodRecord) -> None:
        """Tell the API, if there is news."""
        old = _newest(pod, record.posted).get("status") or {}
        now = self._host.clock.now()
        status = pod_status(pod, record, self._host.config.addresses, now)
        patch = status_patch(old, with_foreign_conditions(status, old), record.uid)
        if patch is None:
            return
        try:
            record.posted = await self._host.client.patch(
                PODS, name(pod), namespace(pod), patch, type="strategic", subresource="status",
                field_manager="kubelet")
        except NotFound:
            return


def _work_is_done(pod: Object, record: PodRecord) -> bool:
    """Whether all that the pod is for has ended and will not be started again; sidecars may run."""
    failed = any(c.ended is not None and c.ended.exit.exit_code and not may_restart(pod, c)
                 for c in record.of_kind(Kind.INIT))
    apps = list(record.of_kind(Kind.APP))
    return failed or all(c.ended is not None and not may_restart(pod, c) for c in apps)


def _newest(cached: Object, posted: Object | None) -> Object:
    """The pod as known best: the cache may be behind our own last write."""
    if posted is None or int(resource_version(cached)) >= int(resource_version(posted)):
        return cached
    return posted
