"""The queue: each item once, in order, later, and after failures."""

from controllers.workqueue import ControllerQueue, Item, RateLimiter, WorkQueue
from minikube_sim.clock import VirtualClock

A, B = Item("c", "a"), Item("c", "b")


def drain(queue: WorkQueue) -> list[Item]:
    items = []
    while (item := queue.pop()) is not None:
        items.append(item)
        queue.done(item)
    return items


def test_an_item_waits_only_once_and_order_is_first_in_first_out() -> None:
    queue = WorkQueue(VirtualClock())
    for item in (B, A, B, A):
        queue.add(item)
    assert drain(queue) == [B, A]


def test_an_item_added_while_it_is_processed_comes_again_when_done() -> None:
    queue = WorkQueue(VirtualClock())
    queue.add(A)
    assert queue.pop() == A
    queue.add(A)
    assert queue.pop() is None
    queue.done(A)
    assert queue.pop() == A


def test_a_delayed_item_comes_when_its_time_has_come() -> None:
    clock = VirtualClock()
    queue = WorkQueue(clock)
    queue.add_after(A, 2.0)
    clock.advance(1.9)
    assert queue.pop() is None
    clock.advance(0.1)
    assert queue.pop() == A


def test_of_two_delays_the_earlier_counts() -> None:
    clock = VirtualClock()
    queue = WorkQueue(clock)
    queue.add_after(A, 5.0)
    queue.add_after(A, 1.0)
    queue.add_after(A, 9.0)
    clock.advance(1.0)
    assert drain(queue) == [A]
    clock.advance(20.0)
    assert drain(queue) == []


def test_back_off_doubles_from_five_milliseconds_and_is_forgotten_on_success() -> None:
    limiter = RateLimiter(VirtualClock())
    assert [limiter.when(A) for _ in range(4)] == [0.005, 0.01, 0.02, 0.04]
    limiter.forget(A)
    assert limiter.when(A) == 0.005


def test_back_off_ends_at_a_thousand_seconds() -> None:
    limiter = RateLimiter(VirtualClock())
    limiter.failures[A] = 50
    assert limiter.when(A) == 1000.0


def test_after_a_hundred_failures_at_once_ten_a_second_are_retried() -> None:
    limiter = RateLimiter(VirtualClock())
    waits = [limiter.when(Item("c", str(i))) for i in range(102)]
    assert waits[99] == 0.005
    assert [round(wait, 6) for wait in waits[100:]] == [0.1, 0.2]


def test_changes_of_something_big_wait_for_each_other() -> None:
    clock = VirtualClock()
    queue = WorkQueue(clock)
    own = ControllerQueue(queue, "c")
    own.add_batched("small", 100)
    own.add_batched("big", 5000)
    assert [item.key for item in drain(queue)] == ["small"]
    clock.advance(0.4)
    own.add_batched("big", 5000)
    assert drain(queue) == []
    clock.advance(0.1)
    assert [item.key for item in drain(queue)] == ["big"]
    own.add_batched("big", 1_000_000)
    clock.advance(1.0)
    assert [item.key for item in drain(queue)] == ["big"]


def test_close_forgets_timers() -> None:
    clock = VirtualClock()
    queue = WorkQueue(clock)
    queue.add_after(A, 1.0)
    queue.close()
    clock.advance(2.0)
    assert queue.pop() is None
