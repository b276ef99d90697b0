"""The manager and its informers: order, failures, lost watches."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

import pytest

from apiserver.machinery.errors import Conflict, NotFound
from apiserver.machinery.gvk import CONFIGMAPS, GVR
from apiserver.machinery.types import Object
from apiserver.registry.watching import MAX_PENDING
from controllers.controller import Controller, KeysOf, Result, own_key
from controllers.drive import breathe, drive
from controllers.manager import NotSettling
from minikube_sim.clock import VirtualClock
from tests.controllers.world import World, obj


class Recorder(Controller):
    """Writes down its keys; fails or asks for more as told."""

    name: ClassVar[str] = "recorder"

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.seen: list[tuple[float, str]] = []
        self.failures: list[Exception] = []
        self.again: float | None = None
        self.started = False
        self._start = clock.now()

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {CONFIGMAPS: own_key}

    async def start(self) -> None:
        self.started = True

    async def reconcile(self, key: str) -> Result | None:
        assert self.started
        self.seen.append((round(self.clock.now() - self._start, 3), key))
        if self.failures:
            raise self.failures.pop()
        return Result(requeue_after=self.again)


def recording() -> tuple[World, Recorder]:
    world = World()
    recorder = Recorder(world.clock)
    world.manager.add(recorder)
    return world, recorder


def config(own: str) -> Object:
    return obj("v1", "ConfigMap", own)


def test_what_exists_before_the_start_is_reconciled() -> None:
    world, recorder = recording()
    world.create(CONFIGMAPS, config("a"))
    assert recorder.seen == [(0, "default/a")]


def test_changes_before_a_settle_are_one_reconcile() -> None:
    world, recorder = recording()
    world.create(CONFIGMAPS, config("a"))
    for value in "xyz":
        drive(world.client.patch(CONFIGMAPS, "a", "default", {"data": {"k": value}}))
    world.settle()
    assert len(recorder.seen) == 2


def test_a_conflict_is_retried_after_the_back_off() -> None:
    world, recorder = recording()
    recorder.failures = [Conflict("stale"), Conflict("stale")]
    world.create(CONFIGMAPS, config("a"))
    world.advance(1)
    assert [when for when, _ in recorder.seen] == [0, 0.005, 0.015]


def test_keys_are_dropped_after_max_retries() -> None:
    world, recorder = recording()
    recorder.failures = [NotFound("gone") for _ in range(10)]
    type(recorder).max_retries = 2
    try:
        world.create(CONFIGMAPS, config("a"))
        world.advance(60)
    finally:
        type(recorder).max_retries = None
    assert len(recorder.seen) == 3


def test_requeue_after_waits_for_the_clock() -> None:
    world, recorder = recording()
    recorder.again = 10
    world.create(CONFIGMAPS, config("a"))
    world.advance(25)
    assert [when for when, _ in recorder.seen] == [0, 10, 20]


def test_a_bug_is_not_swallowed_in_strict_mode() -> None:
    world, recorder = recording()
    recorder.failures = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        world.create(CONFIGMAPS, config("a"))


def test_a_bug_is_retried_otherwise() -> None:
    world, recorder = recording()
    world.manager.strict = False
    recorder.failures = [ZeroDivisionError()]
    world.create(CONFIGMAPS, config("a"))
    world.advance(1)
    assert len(recorder.seen) == 2


def test_controllers_that_never_rest_are_found_out() -> None:
    world, recorder = recording()
    recorder.again = 0
    drive(world.client.create(CONFIGMAPS, config("a"), "default"))
    with pytest.raises(NotSettling, match="default/a"):
        world.manager.settle(limit=50)


def test_after_the_history_is_gone_the_informer_lists_anew_and_finds_the_difference() -> None:
    world, recorder = recording()
    for own in ("a", "b"):
        world.create(CONFIGMAPS, config(own))
    informer = world.informers.get(CONFIGMAPS)
    informer.close()
    drive(world.client.delete(CONFIGMAPS, "a", "default"))
    drive(world.client.create(CONFIGMAPS, config("c"), "default"))
    world.store.compact(world.store.revision)
    recorder.seen.clear()
    informer.on_event()
    world.settle()
    assert {key for _, key in recorder.seen} == {"default/a", "default/c"}
    assert informer.get("default/a") is None


@pytest.mark.slow
def test_a_watch_that_overflows_is_made_good_by_a_list() -> None:
    world, recorder = recording()
    world.create(CONFIGMAPS, config("a"))
    for number in range(MAX_PENDING + 10):
        drive(world.client.patch(CONFIGMAPS, "a", "default", {"data": {"k": str(number)}}))
    last = drive(world.client.create(CONFIGMAPS, config("z"), "default"))
    world.settle()
    assert world.informers.get(CONFIGMAPS).get("default/z") == last
    assert recorder.seen[-1][1] == "default/z"


def test_two_controllers_of_one_name_are_refused() -> None:
    world, recorder = recording()
    with pytest.raises(ValueError, match="recorder"):
        world.manager.add(recorder)


def test_controllers_share_one_informer() -> None:
    world, _ = recording()
    world.manager.add(Recorder(world.clock), name="recorder-2")
    assert len(list(world.informers)) == 1


def test_an_idle_cluster_has_no_timers() -> None:
    world, _ = recording()
    world.create(CONFIGMAPS, config("a"))
    assert world.clock.next_due() is None
    assert world.settle() == 0


def test_drive_refuses_to_wait() -> None:
    async def waits() -> None:
        await world.clock.sleep(1)

    async def breathes() -> int:
        await breathe()
        return 7

    world = World()
    assert drive(breathes()) == 7
    with pytest.raises(RuntimeError):
        drive(waits())


def test_handlers_see_old_and_new() -> None:
    world, _ = recording()
    seen: list[tuple[bool, bool]] = []
    informer = world.informers.get(CONFIGMAPS)
    informer.add_handler(lambda old, new: seen.append((old is None, new is None)))
    world.create(CONFIGMAPS, config("a"))
    world.patch(CONFIGMAPS, "a", {"data": {"k": "v"}})
    world.delete(CONFIGMAPS, "a")
    assert seen == [(True, False), (False, False), (False, True)]


def test_indexes_follow_changes() -> None:
    world, _ = recording()
    informer = world.informers.get(CONFIGMAPS)

    def colour(one: Object) -> Iterable[str]:
        return (one["data"]["colour"],)

    world.create(CONFIGMAPS, {**config("a"), "data": {"colour": "red"}})
    informer.add_index("colour", colour)
    assert len(list(informer.by("colour", "red"))) == 1
    world.patch(CONFIGMAPS, "a", {"data": {"colour": "blue"}})
    assert list(informer.by("colour", "red")) == []
    world.delete(CONFIGMAPS, "a")
    assert list(informer.by("colour", "blue")) == []
