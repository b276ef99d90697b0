"""Routes of one namespace and family: longest prefix first. Models net/ipv4/fib_trie.c."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from netsim.netfilter.context import AddressType
from netsim.packet import address_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netsim.link import Interface

BITS: Final = {4: 32, 6: 128}
_CACHE_LIMIT: Final = 65536


class RouteKind(Enum):
    """What becomes of a packet that takes the route; values as `ip route` prints them."""

    UNICAST = "unicast"
    LOCAL = "local"
    BROADCAST = "broadcast"
    BLACKHOLE = "blackhole"
    UNREACHABLE = "unreachable"
    PROHIBIT = "prohibit"


ADDRESS_TYPES: Final = {
    RouteKind.UNICAST: AddressType.UNICAST,
    RouteKind.LOCAL: AddressType.LOCAL,
    RouteKind.BROADCAST: AddressType.BROADCAST,
    RouteKind.BLACKHOLE: AddressType.BLACKHOLE,
    RouteKind.UNREACHABLE: AddressType.UNREACHABLE,
    RouteKind.PROHIBIT: AddressType.PROHIBIT,
}


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One route. Compared by identity."""

    family: int
    network: int
    length: int
    kind: RouteKind
    interface: Interface | None = None
    gateway: int | None = None
    """None: the destination is on the link."""
    source: int | None = None
    """Preferred source address of packets made here."""
    metric: int = 0
    protocol: str = ""
    """Who made it: kernel, static, ...; for `ip route`."""

    def __str__(self) -> str:
        """As `ip route` prints it."""
        text = f"{address_text(self.family, self.network)}/{self.length}"
        if self.length == 0:
            text = "default"
        elif self.length == BITS[self.family]:
            text = address_text(self.family, self.network)
        words = [] if self.kind is RouteKind.UNICAST else [self.kind.value]
        words.append(text)
        if self.gateway is not None:
            words.append(f"via {address_text(self.family, self.gateway)}")
        if self.interface is not None:
            words.append(f"dev {self.interface.name}")
        if self.protocol:
            words.append(f"proto {self.protocol}")
        if self.source is not None:
            words.append(f"scope link src {address_text(self.family, self.source)}")
        return " ".join(words)


class RoutingTable:
    """All routes of one family, the host's own addresses included."""

    def __init__(self, family: int) -> None:
        self.family = family
        self._routes: dict[tuple[int, int], tuple[Route, ...]] = {}
        """By prefix length and network; of several the one to take first."""
        self._lengths: tuple[int, ...] = ()
        """The prefix lengths that occur, longest first."""
        self.cache: dict[int, Route | None] = {}

    def add(self, route: Route) -> None:
        """Add a route; among equal prefixes the lowest metric, then the oldest wins."""
        rivals = (*self._routes.get((route.length, route.network), ()), route)
        if len(rivals) > 1:
            rivals = tuple(sorted(rivals, key=lambda r: r.metric))
        self._routes[route.length, route.network] = rivals
        if route.length not in self._lengths:
            self._lengths = tuple(sorted((*self._lengths, route.length), reverse=True))
        self.cache.clear()

    def remove(self, route: Route) -> None:
        """Take that very route out. Raises ValueError if it is not there."""
        key = (route.length, route.network)
        rivals = self._routes.get(key, ())
        left = tuple(rival for rival in rivals if rival is not route)
        if len(left) == len(rivals):
            raise ValueError(f"no route {route}")
        if left:
            self._routes[key] = left
        else:
            del self._routes[key]
        self.cache.clear()

    def remove_interface(self, interface: Interface, keep: RouteKind | None = None) -> None:
        """Take all routes through an interface out, but those of a kind to `keep`."""
        for route in [r for r in self if r.interface is interface and r.kind is not keep]:
            self.remove(route)

    def find(self, network: int, length: int) -> Route | None:
        """The route to exactly this network."""
        rivals = self._routes.get((length, network))
        return rivals[0] if rivals else None

    def lookup(self, address: int) -> Route | None:
        """The route that a packet to `address` takes; None: there is none."""
        try:
            return self.cache[address]
        except KeyError:
            return self._search(address)

    def __iter__(self) -> Iterator[Route]:
        """All routes, shortest prefix first, then by network."""
        for _, rivals in sorted(self._routes.items()):
            yield from rivals

    def _search(self, address: int) -> Route | None:
        if len(self.cache) >= _CACHE_LIMIT:
            self.cache.clear()
        bits = BITS[self.family]
        found = None
        for length in self._lengths:
            rest = bits - length
            rivals = self._routes.get((length, address >> rest << rest))
            if rivals:
                found = rivals[0]
                break
        self.cache[address] = found
        return found


@lru_cache(maxsize=8192)
def parse_network(text: str) -> tuple[int, int, int]:
    """'10.0.0.0/8', '10.0.0.1' -> (family, network, prefix length). Raises ValueError."""
    network = ipaddress.ip_network(text, strict=False)
    return network.version, int(network.network_address), network.prefixlen
