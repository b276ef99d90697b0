"""What a kubelet knows of the pods on its node: the API has what is wanted, this is what is.

Models pkg/kubelet/container.PodStatus and the pod workers' state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from apiserver.machinery.later import Later
    from apiserver.machinery.types import Object
    from controllers.node.prober import ProbeWorker
    from controllers.node.runtime import ContainerExit
    from controllers.node.tokens import Held, Wanted
    from netsim.namespace import Namespace


class Kind(Enum):
    """The kinds of containers of a pod."""

    INIT = "init"
    SIDECAR = "sidecar"
    """An init container with restartPolicy Always."""
    APP = "app"
    EPHEMERAL = "ephemeral"
    """Added to a pod that runs (`kubectl debug`): started once, counts for nothing."""


class State(Enum):
    """What `state` in a containerStatus shows."""

    WAITING = "waiting"
    RUNNING = "running"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminated:
    """A run of a container that is over."""

    container_id: str
    exit: ContainerExit
    started_at: float
    finished_at: float


@dataclass(slots=True)
class ContainerRecord:
    """One container of the spec, through all its runs."""

    name: str
    kind: Kind
    state: State = State.WAITING
    reason: str = ""
    """Why it waits: ContainerCreating, PodInitializing, ErrImagePull, CrashLoopBackOff, ..."""
    message: str = ""
    container_id: str = ""
    image: str = ""
    image_id: str = ""
    restart_count: int = 0
    started_at: float = 0.0
    ended: Terminated | None = None
    """The run that is over, while the next has not started."""
    last: Terminated | None = None
    """The run before that one, or before the one that runs."""
    started: bool = False
    """Its startup probe has succeeded, or it has none and runs."""
    ready: bool = False
    stopping: bool = False
    pull_ends: float | None = None
    """When the pull that is under way will be done."""
    pull_started: float = 0.0
    pulled: bool = False
    """Its image is there for the start that comes next."""
    pull_error: str = ""
    call_off_hook: Callable[[], None] = lambda: None
    """Ends a preStop hook that is under way, without stopping the container."""
    retry_at: float = 0.0
    """Not to be tried again before."""
    resumes: str = ""
    """The run that its next start goes on with: the node has it, the kubelet is new."""

    def wait(self, reason: str, message: str = "") -> None:
        """It waits for something."""
        self.state, self.reason, self.message = State.WAITING, reason, message

    @property
    def last_run(self) -> Terminated | None:
        """The latest run that is over."""
        return self.ended or self.last

    @property
    def last_state(self) -> Terminated | None:
        """The run that `lastState` shows: the one that is over, while the next start waits."""
        return self.last_run if self.state is State.WAITING else self.last


@dataclass(slots=True)
class Sandbox:
    """A pod's network: its own namespace, or the node's."""

    network: Namespace
    addresses: tuple[str, ...]
    """One, or one of each family, the node's default family first."""
    host_network: bool

    @property
    def address(self) -> str:
        """The first one: `status.podIP`."""
        return self.addresses[0]


@dataclass(slots=True)
class PodRecord:
    """One pod on the node, by uid."""

    key: str
    uid: str
    containers: dict[str, ContainerRecord]
    start_time: float
    sandbox: Sandbox | None = None
    turns: int = 0
    """How often its termination has let others go first."""
    terminating: bool = False
    deadline: float | None = None
    """When the grace of its termination is over."""
    finished: bool = False
    """It has ended for good; nothing of it runs, nothing will start."""
    failure: tuple[str, str] | None = None
    """(reason, message) of a pod that the node has refused or ended."""
    torn_down: bool = False
    """Its network is gone (the status may still show the address)."""
    probes: dict[tuple[str, str], ProbeWorker] = field(default_factory=dict)
    posted: Object | None = None
    """The pod as the API answered it to the latest status patch."""
    requests: dict[str, int] = field(default_factory=dict)
    """The room that it takes on the node, while it counts."""
    restored: bool = False
    """It ended under a kubelet before this one: its status is complete already."""
    mount_failures: int = 0
    stale_files: bool = False
    """Something that its volumes are made of has changed."""
    tokens: Mapping[Wanted, Held] = field(default_factory=dict)
    """What its projected volumes have of service accounts' tokens."""
    files: Mapping[str, Mapping[str, str | Later]] | None = None
    """Volume name -> relative path -> text, once all volumes are there."""

    def of_kind(self, *kinds: Kind) -> Iterator[ContainerRecord]:
        """The containers of these kinds, in order of the spec."""
        return (c for c in self.containers.values() if c.kind in kinds)

    @property
    def alive(self) -> list[ContainerRecord]:
        """The containers that run."""
        return [c for c in self.containers.values() if c.state is State.RUNNING]


def new_record(pod: Object, key: str, now: float) -> PodRecord:
    """The record of a pod that the node sees for the first time."""
    spec = pod["spec"]
    containers = {}
    for container in spec.get("initContainers") or ():
        kind = Kind.SIDECAR if container.get("restartPolicy") == "Always" else Kind.INIT
        containers[container["name"]] = ContainerRecord(container["name"], kind)
    first = "PodInitializing" if containers else "ContainerCreating"
    for container in spec["containers"]:
        containers[container["name"]] = ContainerRecord(container["name"], Kind.APP, reason=first)
    for record in containers.values():
        record.reason = record.reason or "PodInitializing"
    made = PodRecord(key, pod["metadata"]["uid"], containers, now)
    note_ephemeral(pod, made)
    return made


def note_ephemeral(pod: Object, record: PodRecord) -> None:
    """Containers that have been added to the pod since it was seen."""
    for container in pod["spec"].get("ephemeralContainers") or ():
        record.containers.setdefault(container["name"], ContainerRecord(
            container["name"], Kind.EPHEMERAL, reason="ContainerCreating"))


def container_specs(pod: Object) -> Sequence[Object]:
    """All containers of the spec, init containers first, ephemeral ones last."""
    spec = pod["spec"]
    return [*(spec.get("initContainers") or ()), *spec["containers"],
            *(spec.get("ephemeralContainers") or ())]
