"""Ranges of values of which each is held at most once: cluster IPs and node ports.

Models pkg/registry/core/service/ipallocator and portallocator: dynamic values come from the upper
part of the range, so that the lower part (the static band, KEP-3070 and KEP-3668) stays free for
requests.
"""

from __future__ import annotations

import ipaddress
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


def address_range(network: Network, chance: random.Random) -> ValueRange:
    """The usable addresses of a service range: neither the network's own nor IPv4's broadcast."""
    first = int(network.network_address) + 1
    last = int(network.broadcast_address) - (1 if network.version == 4 else 0)
    return ValueRange(first, last, static_band(last - first + 1, 16, 256), chance)


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
