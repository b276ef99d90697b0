"""Pod addresses and their wires. Models the host-local IPAM plugin and the bridge plugin of CNI.

Each node has a range. Its first address is docker0's; pods get the next ones in turn, and an
address that was given back is not given out again until the range has gone round.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from controllers.node.record import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netsim.fabric import Node


class NoAddress(Exception):
    """The node's range is used up; the text is the plugin's own."""


@lru_cache(maxsize=1024)
def _network(cidr: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(cidr)


@dataclass(slots=True)
class AddressRange:
    """The addresses of a node's pods, given out in turn."""

    cidr: str
    held: int = 0
    """How many after the first (docker0's own) are never given out."""
    _used: set[int] = field(default_factory=set)
    _last: int = 0

    @property
    def gateway(self) -> str:
        """The first address: docker0's own."""
        return str(next(_network(self.cidr).hosts()))

    def take(self, wanted: str = "") -> str:
        """The next free address, or the wanted one if it is free. Raises NoAddress."""
        network = _network(self.cidr)
        first = int(network.network_address) + 2 + self.held
        size = int(network.broadcast_address) - first
        if wanted and self._is_free(wanted, network):
            number = int(ipaddress.ip_address(wanted))
            self._last = max(self._last, number)
        else:
            number = self._next(first, size)
        self._used.add(number)
        return str(type(network.network_address)(number))

    def release(self, address: str) -> None:
        """Give an address back; harmless twice."""
        self._used.discard(int(ipaddress.ip_address(address)))

    def _is_free(self, wanted: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
        address = ipaddress.ip_address(wanted)
        return (address.version == network.version and address in network
                and int(address) not in self._used and wanted != self.gateway)

    def _next(self, first: int, size: int) -> int:
        start = self._last - first + 1 if self._last >= first else 0
        for step in range(size):
            number = first + (start + step) % size
            if number not in self._used:
                self._last = number
                return number
        raise NoAddress(f"failed to allocate for range 0: no IP addresses available in range set: "
                        f"{self.gateway}-{_network(self.cidr)[-2]}")


class Cni:
    """Sets up and tears down the networks of one node's pods."""

    def __init__(self, node: Node, ranges: Sequence[AddressRange]) -> None:
        """`ranges`: one a family, in the order of a pod's addresses."""
        self.host = node
        """The node's own stack."""
        self._ranges = ranges

    def add(self, name: str, wanted: Sequence[str] = ()) -> Sandbox:
        """A network for a pod, at the wanted addresses where they are free. Raises NoAddress."""
        addresses: list[str] = []
        try:
            for one in self._ranges:
                addresses.append(one.take(_of_family(one, wanted)))
        except NoAddress:
            self._release(addresses)
            raise
        return Sandbox(self.host.attach_pod(name, *addresses), tuple(addresses),
                       host_network=False)

    def remove(self, sandbox: Sandbox) -> None:
        """Tear it down and give its addresses back."""
        if not sandbox.host_network:
            self.host.detach_pod(sandbox.network.name)
            self._release(sandbox.addresses)

    def _release(self, addresses: Sequence[str]) -> None:
        for one, address in zip(self._ranges, addresses, strict=False):
            one.release(address)


def _of_family(one: AddressRange, wanted: Sequence[str]) -> str:
    """The wanted address of a range's family, or ''."""
    return next((text for text in wanted if (":" in text) == (":" in one.cidr)), "")
