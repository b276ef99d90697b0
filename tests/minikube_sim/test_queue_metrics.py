"""workqueue_* of the controllers."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from apiserver.metrics.page import written
from controllers import CONTROLLERS
from controllers.workqueue import Item, WorkQueue
from minikube_sim.clock import VirtualClock
from minikube_sim.cluster import Cluster
from minikube_sim.queue_metrics import QUEUES, queue_families

ITEM = Item("deployment-controller", "default/web")


def values(queue: WorkQueue) -> dict[str, float]:
    text = written(queue_families(queue))[0].decode()
    return {sample.name.removeprefix("workqueue_"): sample.value
            for family in text_string_to_metric_families(text) for sample in family.samples
            if sample.labels == {"name": "deployment"}}


def test_an_item_is_counted_and_timed_on_its_way_through_the_queue() -> None:
    clock = VirtualClock()
    queue = WorkQueue(clock)
    queue.add(ITEM)
    queue.add(ITEM)
    clock.advance(2)
    assert values(queue)["depth"] == values(queue)["adds_total"] == 1
    assert queue.pop() == ITEM
    clock.advance(3)
    now = values(queue)
    assert now["depth"] == 0
    assert now["queue_duration_seconds_sum"] == 2
    assert now["unfinished_work_seconds"] == now["longest_running_processor_seconds"] == 3
    queue.done(ITEM)
    now = values(queue)
    assert (now["work_duration_seconds_sum"], now["work_duration_seconds_count"]) == (3, 1)
    assert now["unfinished_work_seconds"] == 0


def test_an_item_that_comes_again_while_it_is_worked_on_waits_from_then_on() -> None:
    clock = VirtualClock()
    queue = WorkQueue(clock)
    queue.add(ITEM)
    queue.pop()
    queue.add(ITEM)
    clock.advance(4)
    queue.done(ITEM)
    queue.pop()
    assert values(queue)["queue_duration_seconds_sum"] == 4
    assert values(queue)["adds_total"] == 2


def test_what_is_put_off_is_a_retry() -> None:
    clock = VirtualClock()
    queue = WorkQueue(clock)
    queue.add_rate_limited(ITEM)
    queue.add_after(ITEM, 0)
    assert values(queue)["retries_total"] == 2


def test_agents_of_nodes_have_no_work_queue() -> None:
    queue = WorkQueue(VirtualClock())
    queue.add(Item("kubelet-minikube", "node"))
    assert written(queue_families(queue))[0].count(b"name=") == 0


def test_a_queue_that_was_never_used_is_there_with_zeros() -> None:
    with Cluster() as cluster:
        text = written(queue_families(cluster.manager.queue))[0].decode()
    assert 'workqueue_adds_total{name="cronjob"} 0.0\n' in text


def test_every_name_is_that_of_a_controller() -> None:
    assert QUEUES.keys() <= CONTROLLERS.keys() | {"service-cidrs-controller"}
