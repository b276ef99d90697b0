"""^C while a server is being started."""

from __future__ import annotations

import signal

import pytest

from minikube_sim.cli.start import interrupts_later


def test_an_interrupt_waits_until_what_was_begun_is_known():
    made = []

    def begin():
        with interrupts_later():
            signal.raise_signal(signal.SIGINT)
            made.append("a process")

    with pytest.raises(KeyboardInterrupt):
        begin()
    assert made == ["a process"]


def test_without_an_interrupt_nothing_happens():
    before = signal.getsignal(signal.SIGINT)
    with interrupts_later():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
