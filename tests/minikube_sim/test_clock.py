"""The two clocks."""

from __future__ import annotations

import pytest

from minikube_sim.clock import EPOCH, RealClock, VirtualClock


def test_virtual_time_stands_still_until_advanced():
    clock = VirtualClock()
    assert clock.now() == EPOCH
    clock.advance(30)
    assert clock.now() == EPOCH + 30


def test_due_calls_run_in_order_of_time_then_of_registration():
    clock = VirtualClock(0)
    seen = []
    clock.call_at(2, lambda: seen.append("b"))
    clock.call_at(1, lambda: seen.append("a"))
    clock.call_at(2, lambda: seen.append("c"))
    clock.advance(2)
    assert seen == ["a", "b", "c"]


def test_a_call_sees_the_time_it_was_due_at():
    clock = VirtualClock(0)
    seen = []
    clock.call_at(5, lambda: seen.append(clock.now()))
    clock.advance(100)
    assert seen == [5]
    assert clock.now() == 100


def test_a_call_may_register_another_that_is_due_in_the_same_advance():
    clock = VirtualClock(0)
    seen = []
    clock.call_at(1, lambda: clock.call_at(2, lambda: seen.append(clock.now())))
    clock.advance(3)
    assert seen == [2]


def test_a_cancelled_call_does_not_run():
    clock = VirtualClock(0)
    seen = []
    clock.call_at(1, lambda: seen.append(1)).cancel()
    clock.advance(2)
    assert seen == []
    assert clock.next_due() is None


def test_advance_settles_after_every_call():
    clock = VirtualClock(0)
    seen = []
    clock.call_at(1, lambda: seen.append("call"))
    clock.call_at(2, lambda: seen.append("call"))
    clock.advance(5, after_each=lambda: seen.append("settle"))
    assert seen == ["call", "settle", "call", "settle"]


@pytest.mark.parametrize("scale", [1.0, 60.0])
def test_real_time_goes_forward(scale):
    clock = RealClock(scale)
    assert clock.now() <= clock.now()
