"""The one composition root: clock, chance, store, API, controllers and network become a Cluster.

Two ways to run the same parts:

* on the virtual clock (the default; tests, notebooks): synchronous and deterministic. `settle` runs
  the controllers until nothing is left to do now; `advance(30)` lets 30 seconds pass;
* on the real clock (the server): `async with cluster.serving()`.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager, suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from apiserver.admission import admission_chain
from apiserver.admission.webhooks import WebhookCaller
from apiserver.authorization.bootstrap import ensure_policy
from apiserver.authorization.stored import StoredAuthorizer
from apiserver.customresources.definitions import Definitions
from apiserver.defaults.startup import RENEWAL, Startup
from apiserver.flowcontrol.controller import FlowControl
from apiserver.lifetime import Lifetime
from apiserver.local import LocalClient
from apiserver.machinery.gvk import SERVICES
from apiserver.registry.registry import Registry
from apiserver.resources import BUILTIN
from apiserver.schema.schema import schema_for
from apiserver.storage import MemoryStore, SqliteStore
from apiserver.storage.keys import collection_prefix
from apiserver.storage.memory import FIRST_REVISION
from controllers import CONTROLLERS
from controllers.apiservices import APIServiceAvailability
from controllers.controller import Controller, ControllerContext, DiscoveredResource, Options
from controllers.drive import drive
from controllers.events import EventBroadcaster
from controllers.informer import Informers
from controllers.manager import Manager
from controllers.serviceips import SERVICECIDRS, ServiceAllocator, ServiceCIDRController
from minikube_sim import incluster
from minikube_sim.addons import ADDONS, SYSTEM
from minikube_sim.bootstrap import bootstrap
from minikube_sim.clock import RealClock, VirtualClock
from minikube_sim.complete import complete
from minikube_sim.components import serve_components
from minikube_sim.config import ClusterOptions
from minikube_sim.explain.explained import Explained
from minikube_sim.garbage import seldom_collecting
from minikube_sim.network import Network
from minikube_sim.nodes import Nodes
from minikube_sim.selection import selected
from minikube_sim.shell.session import Session
from minikube_sim.template import Template
from minikube_sim.verbs import Verbs
from minikube_sim.version import version_info
from minikube_sim.webhooks import ClusterServices

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Sequence
    from pathlib import Path
    from types import TracebackType

    from apiserver.app import KubernetesApp
    from apiserver.authentication.authenticator import Authenticate
    from apiserver.authentication.signing import SigningKey
    from apiserver.machinery.clock import Timer
    from apiserver.machinery.types import Object
    from apiserver.storage import Store
    from minikube_sim.images import ImageRegistry
    from minikube_sim.shell.call import Result

T = TypeVar("T")


@lru_cache(maxsize=8)
def _template(options: ClusterOptions, root_ca: str, now: float, *, strict: bool) -> Template:
    return Cluster(options, clock=VirtualClock(now), root_ca=root_ca, strict=strict)._as_template()


class Cluster(Verbs, Explained):
    """A whole mini-Kubernetes in this process."""

    def __init__(self, options: ClusterOptions | None = None, *,
                 clock: VirtualClock | RealClock | None = None, database: Path | None = None,
                 root_ca: str = "", signing_ca: str = "",
                 signing_key: SigningKey | None = None, strict: bool = False,
                 **overrides: Any) -> None:
        """`overrides` are fields of ClusterOptions: `Cluster(nodes=3, seed=7)`.

        `database`: the SQLite file that keeps the state; None keeps it in memory. `root_ca`: PEM
        text that Pods get as kube-root-ca.crt. `signing_ca`: PEM text of a CA's certificate and
        key, which signs what CertificateSigningRequests ask for. `signing_key`: signs the tokens
        of service accounts; None takes one from the cluster's chance. `strict`: a bug in a
        controller stops everything instead of being logged. Raises pydantic's ValidationError,
        UnknownController.
        """
        self.options = ClusterOptions.model_validate(
            (options or ClusterOptions()).model_dump() | overrides)
        self.clock = clock or VirtualClock()
        self.store: Store = (MemoryStore(detect_mutations=strict) if database is None
                             else SqliteStore(database))
        self._first_revision = self.store.revision
        self._chances: list[random.Random] = []
        self._is_plain = database is None and signing_key is None
        self._started = False
        self._enabled = selected(self.options.controllers)
        self._root_ca, self._signing_ca = root_ca, signing_ca
        self._webhooks = WebhookCaller()
        self.registry = self._make_registry()
        serve_components(self.registry, self.enabled)
        self._definitions = Definitions(self.registry, self._webhooks)
        drive(self._definitions.load())
        self._own = Startup(self.registry, self.chance("apiserver"),
                            host=self.options.node_names()[0])
        self.flow = FlowControl(self.registry)
        self._renewal: Timer | None = None
        self.registry.tokens.make_key = lambda: signing_key or self._signing_key()
        self.authorizer = StoredAuthorizer()
        self.client = LocalClient(self.registry)
        self._informers = Informers(self.client)
        self._events = EventBroadcaster(self.client, self.clock, self.options.node_names()[0])
        self.manager = Manager(self.clock, self._informers, self._events, strict=strict)
        self.network = Network(self.options, self.clock, self.chance("network"))
        self.nodes = Nodes(self)
        self._webhooks.network = ClusterServices(self.registry, self.nodes)
        self._add_controllers()
        self.lifetime = Lifetime()
        """Ended before the server ends: open watches and streams are told."""

    def chance(self, purpose: str) -> random.Random:
        """A seeded source of chance for one purpose; the same seed gives the same draws.

        A store that was there before adds its revision: a restarted cluster must not give out the
        uids of its first run again.
        """
        made = random.Random(f"{self.options.seed}/{purpose}/{self._first_revision}")
        if not self._started:
            self._chances.append(made)
        return made

    def enabled(self, name: str) -> bool:
        """Whether `--controllers` lets this controller or agent run."""
        return name in self._enabled

    @property
    def images(self) -> ImageRegistry:
        """The simulated images: `cluster.images["shop:1.0"] = Shop` adds one."""
        return self.nodes.images

    def context(self, component: str) -> ControllerContext:
        """What a controller or agent is made from; `component` is its field manager."""
        options = self.options
        return ControllerContext(
            client=LocalClient(self.registry, field_manager=component,
                               reads_later=component == "kubelet"), clock=self.clock,
            informers=self._informers, events=self._events, discovery=self._discover,
            chance=self.chance(f"controllers/{component}"),
            options=Options(root_ca=self._root_ca, signing_ca=self._signing_ca,
                            sign_token=self.registry.tokens.issue_legacy,
                            type_warnings=self._type_warnings,
                            cluster_cidrs=options.pod_cidrs,
                            node_cidr_mask_sizes=options.node_masks()))

    def _type_warnings(self, policy: Object) -> list[Object]:
        from apiserver.admission.policies.type_checks import type_warnings

        return type_warnings(self.registry, policy)

    # --- running ---------------------------------------------------------------------------------

    def start(self) -> Cluster:
        """Bring the cluster up, synchronously: system objects, Nodes, the system's own Pods."""
        if not self._started:
            self._started = True
            if self._may_resume():
                self._resume(_template(self.options, self._root_ca, self.clock.now(),
                                       strict=self.manager.strict))
            else:
                self._bring_up()
            incluster.serve(self)
        return self

    def _bring_up(self) -> None:
        drive(ensure_policy(self.registry, self.chance("policy")))
        self._start_server()
        for manifests in (SYSTEM, ADDONS):
            drive(bootstrap(self.client, self.options, manifests, root_ca=self._root_ca,
                            allocates=self.enabled("service-ip-allocator")))
            self.settle()

    def _start_server(self) -> None:
        drive(self.authorizer.start(self.registry))
        self._adopt_values()
        drive(self._own.run(self._definitions, self.options.service_cidrs))
        drive(self.flow.start())
        self._follow_service_ranges()
        self._renew_at_intervals()

    def _may_resume(self) -> bool:
        """Whether it is as new as any other of its options."""
        return (isinstance(self.clock, VirtualClock) and self._is_plain and self.nodes.are_plain
                and self.store.revision == FIRST_REVISION)

    def _resume(self, template: Template) -> None:
        """Go on from where bringing up ends: byte for byte the same, without its writes.

        Nodes, addresses and containers are there as the store says; nothing of it is news.
        """
        assert isinstance(self.store, MemoryStore)
        self.store.continue_from(template.store)
        self._start_server()
        with self._events.muted(), self.nodes.resuming(template.pods):
            self.settle()
        self._events.correlator.told = template.told.copy()
        for chance, state in zip(self._chances, template.states, strict=True):
            chance.setstate(state)

    def _as_template(self) -> Template:
        self._started = True
        self._bring_up()
        self.close()
        assert isinstance(self.store, MemoryStore)
        return Template.of(self.store, self._events, self._chances, self.nodes.kubelets)

    def _adopt_values(self) -> None:
        """What the Services hold that were there before is taken."""
        for resource, allocator in self.registry.allocators.items():
            for obj in drive(self.client.list(resource))["items"]:
                allocator.adopt(obj)

    def close(self) -> None:
        """End it; harmless twice."""
        if self._renewal is not None:
            self._renewal.cancel()
        self.manager.close()
        self.store.close()

    def settle(self) -> int:
        """Run the controllers until nothing is left to do now; how many keys were reconciled."""
        with seldom_collecting():
            return self.manager.settle()

    def advance(self, seconds: float) -> None:
        """Let `seconds` of virtual time pass, with everything that happens in them."""
        assert isinstance(self.clock, VirtualClock), "only a virtual clock can be advanced"
        self.settle()
        with seldom_collecting():
            self.clock.advance(seconds, after_each=self._settle)

    def _settle(self) -> None:
        self.manager.settle()

    def __enter__(self) -> Cluster:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    # --- using it --------------------------------------------------------------------------------

    def shell(self, node: str = "") -> Session:
        """A shell on a node; '' is the first one. Raises KeyError."""
        return Session(self.nodes.machine(node or self.options.node_names()[0]))

    def run(self, line: str, node: str = "") -> Result:
        """Run a shell line on a node to its end, letting virtual time pass as it needs."""
        return self.complete(self.shell(node).run(line), repr(line))

    def complete(self, coroutine: Coroutine[Any, Any, T], name: str) -> T:
        """Run a simulated program (called `name`) to its end, letting virtual time pass."""
        return complete(coroutine, self.clock, self.advance, name)

    def http_app(self, authenticate: Authenticate) -> KubernetesApp:
        """The Kubernetes API as an ASGI application."""
        from apiserver.app import KubernetesApp
        from apiserver.authentication import discovery as issuer
        from apiserver.discovery import Discovery
        from apiserver.health import Health
        from apiserver.openapi.pages import OpenAPI
        from minikube_sim.logs import ContainerLogs
        from minikube_sim.queue_metrics import queue_families
        from minikube_sim.remote import RemoteAccess

        version = version_info(self.options.kubernetes_version)
        health = Health()
        pages = {**OpenAPI(self.registry.schema, self.registry.catalog).pages(),
                 **issuer.pages(self.registry.tokens)}
        paths = (*pages, *health.paths(), "/metrics", "/metrics/slis", "/version")
        pages |= Discovery(self.registry.catalog, paths).pages()
        return KubernetesApp(self.registry, authenticate=authenticate,
                             authorize=self.authorizer.authorize, version=version, pages=pages,
                             health=health, flow=self.flow,
                             node_logs=ContainerLogs(self.nodes),
                             node_streams=RemoteAccess(self.nodes), lifetime=self.lifetime,
                             more_metrics=lambda: queue_families(self.manager.queue))

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Cluster]:
        """Run on the event loop of the caller, on the real clock."""
        self.start()
        work = asyncio.ensure_future(self.manager.run())
        try:
            yield self
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
            self.close()

    # --- parts -----------------------------------------------------------------------------------

    def _follow_service_ranges(self) -> None:
        """Have a controller for ServiceCIDRs once there is one that is not the server's own."""
        resource = self.registry.catalog.find(*SERVICECIDRS)
        if resource is None or self._vips is None:
            return
        prefix = collection_prefix(resource)
        page = drive(self.store.list(prefix))
        watch = self.store.watch(prefix, page.revision)
        make = partial(ServiceCIDRController, self.context("kube-controller-manager"), self._vips)

        def begin() -> None:
            watch.close()
            self.manager.add(make())

        if len(page.versions) > 1:
            begin()
        else:
            watch.on_event(begin)

    def _renew_at_intervals(self) -> None:
        def renew() -> None:
            drive(self._own.renew())
            self._renew_at_intervals()

        self._renewal = self.clock.call_at(self.clock.now() + RENEWAL, renew)

    def _make_registry(self) -> Registry:
        self._vips = ServiceAllocator(self.chance("vips"), self.options.service_cidrs) if (
            self.enabled("service-ip-allocator")) else None
        return Registry(
            store=self.store, resources=BUILTIN, schema=schema_for(self.options.kubernetes_version),
            clock=self.clock, chance=self.chance("names"),
            admission=admission_chain(self._webhooks),
            allocators={} if self._vips is None else {SERVICES: self._vips})

    def _signing_key(self) -> SigningKey:
        from apiserver.authentication.signing import SigningKey

        # Not `self.chance`: a restarted cluster must know the tokens of its first run.
        return SigningKey.seeded(random.Random(f"{self.options.seed}/signing-key"))

    def _add_controllers(self) -> None:
        context = self.context("kube-controller-manager")
        for name, make in CONTROLLERS.items():
            if self.enabled(name):
                self._add_controller(make(context))
        self._add_controller(APIServiceAvailability(self.context("kube-apiserver")))
        self.nodes.add()

    def _add_controller(self, controller: Controller) -> None:
        """Not those of kinds that older versions do not serve."""
        if all(self.registry.catalog.find(*watched) for watched in controller.watches()):
            self.manager.add(controller)

    async def _discover(self) -> Sequence[DiscoveredResource]:
        return [DiscoveredResource(resource=r.gvr, kind=r.kind, namespaced=r.namespaced,
                                   verbs=r.verbs) for r in self.registry.catalog]
