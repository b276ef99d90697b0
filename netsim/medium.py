"""What happens on the wires between hosts: partitions, loss, latency, and who listens in.

A `Wire` has no medium until somebody asks for one, and asks it nothing then. With one, every frame
that goes from an interface to another passes `carry`. Loss is drawn from a seeded chance;
latency is added up in `elapsed`, and whoever waits for an answer lets that much time pass.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from netsim.packet import Packet


class End(NamedTuple):
    """One end of a link."""

    host: str
    """Name of the namespace; `gateway` for the LAN's silent one."""
    interface: str


@dataclass(slots=True)
class Fault:
    """What is wrong between two hosts."""

    partition: bool = False
    """Nothing gets through."""
    loss: float = 0.0
    """Share of frames that are lost, each way."""
    latency: float = 0.0
    """Seconds that a frame takes, one way."""

    def __bool__(self) -> bool:
        return self.partition or self.loss > 0 or self.latency > 0



@dataclass(slots=True)
class Medium:
    """All links of one fabric."""

    chance: random.Random
    faults: dict[frozenset[str], Fault] = field(default_factory=dict)
    """By the names of two hosts that are neighbours on a link: two nodes, or a Pod and its node."""
    taps: list[Callable[[End, End, Packet], None]] = field(default_factory=list)
    """Told of every frame, before it may get lost."""
    elapsed: float = 0.0
    """Seconds that frames spent on links."""
    waited: float = 0.0
    """Seconds that senders waited before they sent again what chance had lost."""
    unlucky: int = 0
    """Frames that chance lost: what is sent again may get through."""

    @property
    def idle(self) -> bool:
        """Whether nobody needs this medium."""
        return not self.faults and not self.taps

    def carry(self, sender: End, receiver: End, packet: Packet) -> bool:
        """Whether the frame arrives."""
        for tap in self.taps:
            tap(sender, receiver, packet)
        fault = self.faults.get(frozenset((sender.host, receiver.host)))
        if fault is None:
            return True
        self.elapsed += fault.latency
        if fault.partition:
            _note(packet, sender, receiver, "the link is cut")
            return False
        if fault.loss and self.chance.random() < fault.loss:
            self.unlucky += 1
            _note(packet, sender, receiver, f"the link loses {fault.loss:.0%}")
            return False
        return True


def _note(packet: Packet, sender: End, receiver: End, why: str) -> None:
    if packet.trace is not None:
        packet.trace.add(
            "drop", f"lost between {sender.host} and {receiver.host}: {why}", verdict="DROP")
