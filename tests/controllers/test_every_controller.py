"""What holds for all controllers of the table: twice is once, failures are got over, and the same
seed gives the same trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apiserver.admission.chain import AdmissionChain, AdmissionStep
from apiserver.machinery.errors import ApiError, Conflict, InternalError, Timeout
from apiserver.machinery.gvk import (
    CONFIGMAPS,
    DEPLOYMENTS,
    ENDPOINTS,
    ENDPOINTSLICES,
    EVENTS,
    NAMESPACES,
    NODES,
    PODS,
    REPLICASETS,
    SERVICEACCOUNTS,
    SERVICES,
)
from apiserver.machinery.meta import namespaced_name
from controllers import CONTROLLERS
from controllers.drive import drive
from controllers.workqueue import Item
from tests.controllers.world import World, deployment, obj, replicaset

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

KINDS = (CONFIGMAPS, DEPLOYMENTS, ENDPOINTS, ENDPOINTSLICES, NAMESPACES, NODES, PODS, REPLICASETS,
         SERVICEACCOUNTS, SERVICES)


class Unreliable(AdmissionStep):
    """A server that fails every third write."""

    operations = ("CREATE", "UPDATE", "DELETE")

    def __init__(self, error: type[ApiError]) -> None:
        self.error = error
        self.count = 0
        self.on = False

    async def validate(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        self.count += self.on
        if self.on and self.count % 3 == 0:
            raise self.error("just now")


def play(world: World, patience: float = 0) -> None:
    """Some of everything that controllers work on."""
    def step(seconds: float = 1.0) -> None:
        world.advance(seconds + patience)

    world.add_node("n1")
    step()
    client = world.client
    drive(client.create(SERVICES, obj("v1", "Service", "s", spec={
        "selector": {"app": "r"}, "ports": [{"port": 80}]})))
    drive(client.create(REPLICASETS, replicaset(replicas=3)))
    drive(client.create(DEPLOYMENTS, deployment(replicas=2)))
    drive(client.create(NAMESPACES, obj("v1", "Namespace", "x", None)))
    step()
    drive(client.patch(REPLICASETS, "r", "default", {"spec": {"replicas": 5}}))
    drive(client.patch(DEPLOYMENTS, "d", "default", {"spec": {"template": {"spec": {
        "containers": [{"name": "c", "image": "nginx:2"}]}}}}, type="strategic"))
    step()
    drive(client.delete(NAMESPACES, "x"))
    drive(client.delete(DEPLOYMENTS, "d", "default"))
    step(30)


def shape(world: World) -> dict[str, int]:
    """How many objects of each kind there are."""
    return {one.resource: len(world.all(one)) for one in KINDS}


def everything(seed: int = 1) -> World:
    world = World(*CONTROLLERS, seed=seed)
    world.settle()
    return world


@pytest.fixture(scope="module")
def undisturbed() -> World:
    world = everything()
    play(world)
    return world


def test_the_play_leaves_what_it_should(undisturbed: World) -> None:
    assert shape(undisturbed) == {
        "configmaps": 1, "deployments": 0, "endpoints": 1, "endpointslices": 1, "namespaces": 1,
        "nodes": 1, "pods": 5, "replicasets": 1, "serviceaccounts": 1, "services": 1}


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_reconciling_again_writes_nothing(controller: str) -> None:
    world = everything()
    play(world)
    before = world.store.revision
    for informer in world.informers:
        for one in list(informer):
            world.manager.queue.add(Item(controller, namespaced_name(one)))
    world.settle()
    assert world.store.revision == before


@pytest.mark.parametrize("error", [Conflict, InternalError, Timeout])
def test_failing_writes_change_nothing_in_the_end(error: type[ApiError],
                                                  undisturbed: World) -> None:
    world, gate = everything(), Unreliable(error)
    world.registry.admission = AdmissionChain((gate,))
    _hook(world, gate)
    play(world, patience=60)
    assert gate.count > 30
    assert shape(world) == shape(undisturbed)


def _hook(world: World, gate: Unreliable) -> None:
    """Let only the controllers' own writes fail, not those of the play."""
    settle = world.manager.settle

    def unreliable(limit: int = 1_000_000) -> int:
        gate.on = True
        try:
            return settle(limit)
        finally:
            gate.on = False

    world.manager.settle = unreliable  # type: ignore[method-assign]


def test_lost_watches_change_nothing_in_the_end(undisturbed: World) -> None:
    world = everything()

    def lose_watches() -> None:
        for informer in list(world.informers):
            informer.close()
            informer.on_event()
        world.store.compact(world.store.revision)

    world.clock.call_at(world.clock.now() + 1.5, lose_watches)
    world.clock.call_at(world.clock.now() + 2.5, lose_watches)
    play(world)
    assert shape(world) == shape(undisturbed)


def test_the_same_seed_gives_the_same_trace_byte_for_byte() -> None:
    def run() -> list[Any]:
        world = everything(seed=9)
        play(world)
        return [world.all(one) for one in (*KINDS, EVENTS)]

    assert run() == run()


def test_nothing_is_left_to_do_for_a_day_but_looks_at_nodes() -> None:
    world = everything()
    play(world)
    before, writes = world.reconciled, world.store.revision
    world.advance(86400)
    assert world.reconciled - before < 10
    assert world.store.revision - writes < 20


def test_a_controller_watches_something_or_starts_by_itself() -> None:
    world = World(*CONTROLLERS)
    idle = [own for own, one in world.manager.controllers.items() if not one.watches()]
    assert idle == ["garbage-collector-controller"]

