"""What a control loop is. Models controller-runtime's Reconciler and kube-controller-manager's
loops.

A controller declares which resources it watches and which keys a change concerns; the manager calls
`reconcile` with one key at a time. Reconcile reads caches, compares, writes, and may be called
again at any time: twice must equal once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from apiserver.machinery.meta import namespaced_name

if TYPE_CHECKING:
    import random

    from apiserver.machinery.clock import Clock
    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import Object
    from controllers.client import Client
    from controllers.events import EventBroadcaster
    from controllers.informer import Informers
    from controllers.workqueue import ControllerQueue

KeysOf = Callable[["Object | None", "Object | None"], Iterable[str]]
"""From (old, new) to the keys that the change concerns; old is None at first sight, new when
gone."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a reconcile asks for."""

    requeue_after: float | None = None
    """Seconds until the key is to be reconciled again; None: when something changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveredResource:
    """One served collection, as discovery tells it."""

    resource: GVR
    kind: str
    namespaced: bool
    verbs: tuple[str, ...] = ()


Discovery = Callable[[], Awaitable[Sequence[DiscoveredResource]]]
"""What the API server serves now: the preferred version of each resource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The flags of kube-controller-manager that our controllers know, with its defaults."""

    root_ca: str = ""
    """PEM text of the cluster's CA, published as kube-root-ca.crt."""
    signing_ca: str = ""
    """PEM text of the CA's certificate and key that certificates are signed with."""
    sign_token: Callable[[Object, Object], str] | None = None
    """Signs the token of a ServiceAccount that a Secret is to hold."""
    type_warnings: Callable[[Object], list[Object]] | None = None
    """Where a ValidatingAdmissionPolicy's expressions do not fit the kinds that it is about."""
    cluster_cidrs: tuple[str, ...] = ("172.17.0.0/16",)
    """One, or one of each family."""
    node_cidr_mask_sizes: tuple[int, ...] = (24,)
    """Of each of them."""
    terminated_pod_gc_threshold: int = 12500
    node_monitor_period: float = 5.0
    node_monitor_grace_period: float = 50.0
    max_endpoints_per_slice: int = 100
    namespace_deletion_grace: float = 5.0
    """Seconds before a terminating namespace is emptied (namespaceDeletionGracePeriod)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerContext:
    """What every controller is made from."""

    client: Client
    clock: Clock
    informers: Informers
    events: EventBroadcaster
    discovery: Discovery
    chance: random.Random
    options: Options = field(default_factory=Options)


class Controller(ABC):
    """A control loop over the keys of one kind."""

    name: ClassVar[str]
    """As kube-controller-manager has it: `replicaset-controller`."""
    max_retries: ClassVar[int | None] = None
    """Failures in a row after which a key is dropped until it changes; None: never."""
    queue: ControllerQueue
    """Set by the manager, before anything is called."""

    @abstractmethod
    def watches(self) -> Mapping[GVR, KeysOf]:
        """Which resources wake it, and which keys a change concerns."""

    @abstractmethod
    async def reconcile(self, key: str) -> Result | None:
        """Bring what `key` names to its desired state. Raises ApiError to be called again later."""

    async def start(self) -> None:  # noqa: B027 (optional)
        """Called once, when all caches are filled, before the first reconcile."""


def own_key(old: Object | None, new: Object | None) -> Iterable[str]:
    """The changed object itself: the usual KeysOf of a controller's own kind."""
    obj = new if new is not None else old
    assert obj is not None
    return (namespaced_name(obj),)
