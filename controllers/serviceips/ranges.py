"""Ranges of values of which each is held at most once: cluster IPs and node ports.

Models pkg/registry/core/service/ipallocator and portallocator: dynamic values come from the upper
part of the range, so that the lower part (the static band, KEP-3070 and KEP-3668) stays free for
requests.
"""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class RangeFull(Exception):
    """Every value of the range is held."""

    def __init__(self) -> None:
        super().__init__("range is full")


@dataclass(slots=True)
class ValueRange:
    """The integers from `first` to `last`; `band` is the size of the static band at its start."""

    first: int
    last: int
    band: int
    chance: random.Random
    _held: set[int] = field(default_factory=set)

    def __contains__(self, value: int) -> bool:
        return self.first <= value <= self.last

    def holds(self, value: int) -> bool:
        """Whether the value is taken."""
        return value in self._held

    def take(self, value: int) -> bool:
        """Hold a value; False when it is held already."""
        if value in self._held:
            return False
        self._held.add(value)
        return True

    def release(self, value: int) -> None:
        """Make a value free again; harmless when it is free."""
        self._held.discard(value)

    def take_next(self) -> int:
        """Hold a random free value of the upper part, else of the band. Raises RangeFull."""
        middle = self.first + self.band
        value = self._free_between(middle, self.last)
        if value is None and self.band:
            value = self._free_between(self.first, middle - 1)
        if value is None:
            raise RangeFull
        self._held.add(value)
        return value

    def _free_between(self, first: int, last: int) -> int | None:
        """The first free value from a random start on, going round once."""
        size = last - first + 1
        if size <= 0:
            return None
        start = self.chance.randrange(size)
        candidates = (first + (start + step) % size for step in range(size))
        return next((value for value in candidates if value not in self._held), None)


class AddressPool:
    """All service ranges of one family: the configured one, then those of further ServiceCIDRs, in
    the order in which they came (upstream: in any). An address is held once, however many have it.
    """

    def __init__(self, network: Network, chance: random.Random) -> None:
        self.network = network
        """The configured one."""
        self._chance = chance
        self._held: set[int] = set()
        self._ranges = {"": address_range(network, chance, self._held)}

    def __contains__(self, value: int) -> bool:
        return any(value in one for one in self._ranges.values())

    def offer(self, name: str, network: Network) -> None:
        """A further range, by any name but ''."""
        self._ranges[name] = address_range(network, self._chance, self._held)

    def withdraw(self, name: str) -> None:
        """No further addresses from that range; harmless twice."""
        self._ranges.pop(name, None)

    def holds(self, value: int) -> bool:
        """Whether the address is taken."""
        return value in self._held

    def take(self, value: int) -> bool:
        """Hold an address; False when it is held already."""
        return self._ranges[""].take(value)

    def release(self, value: int) -> None:
        """Make an address free again; harmless when it is free."""
        self._held.discard(value)

    def take_next(self) -> int:
        """Hold a free address of the first range that has one. Raises RangeFull."""
        for one in self._ranges.values():
            with suppress(RangeFull):
                return one.take_next()
        raise RangeFull


def address_range(network: Network, chance: random.Random, held: set[int]) -> ValueRange:
    """The usable addresses of a service range: neither the network's own nor IPv4's broadcast."""
    first = int(network.network_address) + 1
    last = int(network.broadcast_address) - (1 if network.version == 4 else 0)
    return ValueRange(first, last, static_band(last - first + 1, 16, 256), chance, held)


def port_range(first: int, last: int, chance: random.Random) -> ValueRange:
    """Node ports from `first` to `last`."""
    return ValueRange(first, last, static_band(last - first + 1, 32, 128), chance)


def static_band(size: int, step: int, most: int) -> int:
    """How many values are kept for requests: size/step, at least 16 and at most `most`.

    A range of 16 values or fewer has no band.
    """
    if size <= 16:
        return 0
    return min(max(16, size // step), most)
