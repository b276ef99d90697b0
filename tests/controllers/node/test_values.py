"""Back-off, durations, address ranges: values without a cluster."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.node import texts
from controllers.node.backoff import Backoff, go_duration
from controllers.node.cni import AddressRange, NoAddress


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "0s"), (10, "10s"), (80, "1m20s"), (300, "5m0s"), (3600, "1h0m0s"), (1.5, "1.5s"),
    (0.25, "250ms"), (0.0000025, "2.5µs"), (61.25, "1m1.25s"), (5025.5, "1h23m45.5s"),
])
def test_durations_are_printed_as_go_does(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


def test_backoff_doubles_up_to_five_minutes() -> None:
    backoff, now, delays = Backoff(), 0.0, []
    for _ in range(7):
        backoff.grow("k", now, now)
        delays.append(backoff.delay("k"))
        now += backoff.delay("k")
    assert delays == [10, 20, 40, 80, 160, 300, 300]


def test_backoff_counts_from_the_event() -> None:
    backoff = Backoff()
    backoff.grow("k", 100.0, 100.0)
    assert backoff.waits_until("k", 104.0, 105.0) == 114.0
    assert backoff.waits_until("k", 104.0, 114.0) is None
    assert backoff.waits_since_update("k", 105.0) == 110.0
    assert backoff.waits_until("other", 104.0, 105.0) is None


def test_backoff_is_forgotten_after_ten_minutes() -> None:
    backoff = Backoff()
    backoff.grow("k", 0.0, 0.0)
    backoff.grow("k", 601.0, 601.0)
    assert backoff.delay("k") == 10


def test_range_begins_after_the_bridge_and_what_is_held() -> None:
    addresses = AddressRange("172.17.0.0/16", held=4)
    assert addresses.gateway == "172.17.0.1"
    assert [addresses.take() for _ in range(2)] == ["172.17.0.6", "172.17.0.7"]


def test_full_range_says_so() -> None:
    addresses = AddressRange("10.0.0.0/30")
    assert addresses.take() == "10.0.0.2"
    with pytest.raises(NoAddress, match="no IP addresses available in range set"):
        addresses.take()
    addresses.release("10.0.0.2")
    assert addresses.take() == "10.0.0.2"


@pytest.mark.parametrize("wanted", ["10.0.0.1", "10.9.0.5", "fd00::5"])
def test_address_that_cannot_be_had_is_replaced(wanted: str) -> None:
    assert AddressRange("10.0.0.0/24").take(wanted) == "10.0.0.2"


@given(st.lists(st.integers(0, 12), max_size=60))
def test_addresses_are_unique_and_come_back_late(steps: list[int]) -> None:
    """Take when the step is even, else give back the oldest: none is out twice or back at once."""
    addresses = AddressRange("10.0.0.0/27")
    out: list[str] = []
    last_freed = ""
    for step in steps:
        if step % 2 and out:
            last_freed = out.pop(0)
            addresses.release(last_freed)
        elif len(out) < 28:
            got = addresses.take()
            assert got not in out
            assert got != last_freed
            out.append(got)


@pytest.mark.parametrize(("version", "said"), [
    ("v1.31.2", "Created container c"), ("v1.34.0", "Created container: c"),
    ("v1.36.0", "Container created"),
])
def test_words_of_different_versions(version: str, said: str) -> None:
    minor = texts.minor_of(version)
    assert texts.created(minor, "c") == said
    assert texts.started(minor, "c") == ("Container started" if minor > 34 else
                                         "Started container c")
    assert ("can be accessed" in texts.present(minor, "i")) is (minor > 34)
