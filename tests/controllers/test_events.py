"""Events: form, counting, aggregation, spam."""

import pytest

from apiserver.machinery.gvk import CONFIGMAPS, EVENTS
from apiserver.machinery.types import Object
from controllers.events import NORMAL, WARNING
from tests.controllers.world import World, obj


def subject() -> tuple[World, Object]:
    world = World()
    return world, world.create(CONFIGMAPS, obj("v1", "ConfigMap", "a"))


def test_an_event_has_the_form_that_describe_shows() -> None:
    world, about = subject()
    world.events.recorder("kubelet", "n1").event(
        about, NORMAL, "Pulled", "done", field_path="spec.containers{c}")
    world.settle()
    (event,) = world.all(EVENTS)
    assert event["involvedObject"] == {
        "kind": "ConfigMap", "namespace": "default", "name": "a", "apiVersion": "v1",
        "uid": about["metadata"]["uid"], "fieldPath": "spec.containers{c}",
        "resourceVersion": about["metadata"]["resourceVersion"]}
    assert event["source"] == {"component": "kubelet", "host": "n1"}
    assert (event["type"], event["reason"], event["message"]) == ("Normal", "Pulled", "done")
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-01-01T00:00:00Z"
    assert event["count"] == 1
    assert event["reportingComponent"] == "kubelet"
    assert event["metadata"]["name"].startswith("a.")


def test_a_repeated_event_is_counted() -> None:
    world, about = subject()
    recorder = world.events.recorder("c")
    for _ in range(3):
        recorder.event(about, WARNING, "Failed", "again")
        world.advance(10)
    (event,) = world.all(EVENTS)
    assert event["count"] == 3
    assert event["firstTimestamp"] == "2026-01-01T00:00:00Z"
    assert event["lastTimestamp"] == "2026-01-01T00:00:20Z"


@pytest.mark.verified("client-go/tools/record EventAggregator")
def test_many_similar_events_become_one() -> None:
    world, about = subject()
    recorder = world.events.recorder("c")
    for number in range(12):
        recorder.event(about, NORMAL, "Did", f"thing {number}")
        world.settle()
    events = world.all(EVENTS)
    assert len(events) == 10
    combined = [one for one in events if one["message"].startswith("(combined")]
    assert [(one["message"], one["count"]) for one in combined] == [
        ("(combined from similar events): thing 11", 3)]


def test_spam_about_one_object_ends_after_twenty_five_until_time_has_passed() -> None:
    world, about = subject()
    recorder = world.events.recorder("c")

    def say(count: int) -> int:
        for number in range(count):
            recorder.event(about, NORMAL, f"Reason{number}", "x")
        world.settle()
        return sum(one["count"] for one in world.all(EVENTS))

    assert say(30) == 25
    assert say(5) == 25
    world.advance(301)
    assert say(5) == 26


def test_two_events_at_one_instant_have_two_names() -> None:
    world, about = subject()
    recorder = world.events.recorder("c")
    recorder.event(about, NORMAL, "A", "x")
    recorder.event(about, NORMAL, "B", "x")
    world.settle()
    assert len(set(world.names(EVENTS))) == 2


def test_a_component_with_a_thousand_events_waiting_drops_more() -> None:
    world, about = subject()
    recorder = world.events.recorder("c")
    for number in range(1500):
        recorder.event({**about, "metadata": {**about["metadata"], "uid": str(number)}},
                       NORMAL, "R", "x")
    world.settle()
    assert len(world.all(EVENTS)) == 1000


def test_an_event_that_the_server_refuses_is_dropped() -> None:
    world, about = subject()
    nowhere = {**about, "metadata": {**about["metadata"], "namespace": "nowhere"}}
    world.events.recorder("c").event(nowhere, NORMAL, "R", "x")
    world.settle()
    assert world.all(EVENTS) == []


def test_a_deleted_event_that_repeats_is_created_anew() -> None:
    world, about = subject()
    recorder = world.events.recorder("c")
    recorder.event(about, NORMAL, "R", "x")
    world.settle()
    world.delete(EVENTS, world.names(EVENTS)[0])
    recorder.event(about, NORMAL, "R", "x")
    world.settle()
    assert [one["count"] for one in world.all(EVENTS)] == [2]


def test_with_an_action_it_has_the_form_of_the_newer_api() -> None:
    world, about = subject()
    world.events.recorder("default-scheduler").event(
        about, NORMAL, "Scheduled", "ok", action="Binding")
    world.settle()
    (event,) = world.all(EVENTS)
    assert event["eventTime"] == "2026-01-01T00:00:00.000000Z"
    assert event["action"] == "Binding"
    assert event["reportingComponent"] == "default-scheduler"
    assert event["reportingInstance"] == "default-scheduler-minikube"
    assert event.get("source") in ({}, None)
    assert not event.get("firstTimestamp")
