"""How a working cluster holds Python's collector, and lets go of it."""

from __future__ import annotations

import gc
import weakref

from minikube_sim.garbage import seldom_collecting


class Loop:
    """Something that holds itself."""

    def __init__(self) -> None:
        self.me = self


def test_afterwards_all_is_as_it_was() -> None:
    before = gc.get_threshold()
    with seldom_collecting():
        assert gc.get_threshold()[0] > before[0]
    assert gc.get_threshold() == before


def test_what_comes_of_much_work_is_not_looked_through_and_still_found_when_it_is_garbage() -> None:
    looks = []
    gc.collect()
    gc.callbacks.append(lambda phase, info: looks.append(info["generation"]))
    try:
        with seldom_collecting():
            loop = Loop()
            kept = [[number] for number in range(210_000)]
        kept.append([0])
    finally:
        gc.callbacks.pop()
    assert not looks
    gone = weakref.ref(loop)
    del loop
    gc.collect()
    assert gone() is None


def test_who_has_switched_the_collector_off_keeps_it_off() -> None:
    before = gc.get_threshold()
    gc.set_threshold(0)
    try:
        with seldom_collecting():
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)
