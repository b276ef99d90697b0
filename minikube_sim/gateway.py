"""The LAN's gateway: it takes packets for the world and answers only DNS.

As the router of a laptop's virtual network does, it is the name server of the nodes. Nothing
outside the cluster has a name here, so it answers every question with NXDOMAIN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netsim import packet as pk
from netsim.link import Silence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netsim.link import Segment
    from netsim.packet import Packet

_PORT: Final = 53


class Gateway(Silence):
    """A station at the gateway's addresses, one a family."""

    def __init__(self, lan: Segment, addresses: Sequence[tuple[int, int]],
                 inward: Sequence[tuple[int, int]]) -> None:
        """`inward`: whom answers to others than the LAN's own hosts are handed to (a node)."""
        super().__init__(*addresses)
        self._lan = lan
        self._inward = dict(inward)

    def receive(self, packet: Packet, next_hop: int) -> None:
        """See Station: questions are answered, everything else is lost."""
        payload = packet.payload[0] if isinstance(packet.payload, tuple) else packet.payload
        if (packet.protocol != pk.UDP or packet.dport != _PORT or not isinstance(payload, bytes)
                or (packet.family, packet.dst) not in self.arp_addresses()):
            return
        answer = _no_such_name(payload)
        if answer is None:
            return
        reply = pk.udp(packet.family, packet.dst, packet.src, packet.dport, packet.sport)
        reply.length += len(answer)
        reply.payload, reply.trace = answer, packet.trace
        hop = packet.src if self._lan.resolve(packet.family, packet.src) else (
            self._inward[packet.family])
        station = self._lan.resolve(packet.family, hop)
        if station is not None:
            self._lan.wire.pending.append((station.receive, reply, hop))


def _no_such_name(data: bytes) -> bytes | None:
    """The answer to a question, by a server that recurses and has no authority."""
    from minikube_sim.dns import wire
    from minikube_sim.dns.zone import NXDOMAIN, Answer

    try:
        query = wire.read_query(data)
    except wire.Malformed:
        return None
    return wire.answer(query, Answer(NXDOMAIN), authoritative=False, recursion=True)
