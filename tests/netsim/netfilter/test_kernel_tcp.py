"""Random TCP segments of one connection, here and in a real kernel: which conntrack believes.

Sequence numbers, acknowledgements and windows are those that the ends expect, or a little or far
beside them; after every segment the rules that it met and the entry are compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsim.netfilter.save_restore import save
from netsim.packet import Packet, parse_packet
from tests.netsim.netfilter.asking import examples, kernel
from tests.netsim.router import Router, conntrack_lines

if TYPE_CHECKING:
    from tests.netsim.netfilter.asking import KernelRouter

__all__ = ["kernel"]

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

ENDS = ("10.1.0.2:4000", "10.2.0.2:80")
RULES = """*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -m conntrack --ctstate NEW
-A FORWARD -m conntrack --ctstate ESTABLISHED
COMMIT
"""
HANDSHAKE = ((0, "S", 1000, 0), (1, "SA", 5000, 1001), (0, "A", 1001, 5001))
FLAGS = ("A", "A", "A", "PA", "PA", "FA", "FA", "S", "SA", "R", "RA", "F")
BESIDE = (0, 0, 0, 0, -1, 1, -100, 100, 70000, -70000, 200000)


@dataclass
class Conversation:
    """Segments so far, and what each end would send next."""

    scaled: bool
    next: list[int] = field(default_factory=lambda: [1001, 5001])
    segments: list[tuple[str, Packet]] = field(default_factory=list)

    def add(self, side: int, flags: str, numbers: tuple[int, int], rest: tuple[int, int]) -> None:
        """A segment; `rest` is its window and the length of its data."""
        ends = " > ".join(ENDS if side == 0 else ENDS[::-1])
        packet = parse_packet(
            f"tcp {ends} {flags} seq={numbers[0]} ack={numbers[1]} window={rest[0]} len={rest[1]}"
        )
        if self.scaled and "S" in flags:
            packet.wscale, packet.options = 7, 4
            packet.length += 4
        self.segments.append((f"eth{side}", packet))


@st.composite
def conversations(draw: st.DrawFn) -> list[tuple[str, Packet]]:
    """Perhaps a handshake, and segments in both directions."""
    talk = Conversation(draw(st.booleans()))
    for side, flags, seq, ack in HANDSHAKE[: draw(st.sampled_from((0, 1, 2, 3, 3, 3)))]:
        talk.add(side, flags, (seq, ack), (65535, 0))
    for _ in range(draw(st.integers(3, 9))):
        side, flags = draw(st.integers(0, 1)), draw(st.sampled_from(FLAGS))
        length = 0 if "S" in flags else draw(st.sampled_from((0, 0, 1, 100)))
        seq = talk.next[side] + draw(st.sampled_from(BESIDE)) & 0xFFFFFFFF
        if flags == "S":
            seq = draw(st.sampled_from((1000, 5000, 90000, seq)))
        ack = talk.next[not side] + draw(st.sampled_from(BESIDE[:-1])) & 0xFFFFFFFF
        window = draw(st.sampled_from((65535, 65535, 1000, 0)))
        talk.add(side, flags, (seq, ack if "A" in flags else 0), (window, length))
        if abs(seq - talk.next[side]) < 2:
            talk.next[side] = seq + length + ("F" in flags) + ("S" in flags) & 0xFFFFFFFF
    return talk.segments


def counters(saved: str) -> list[str]:
    """The rules with what met them."""
    return re.findall(r"^\[.*-A FORWARD.*$", saved, re.MULTILINE)


@examples(25)
@given(conversations())
def test_a_real_kernel_believes_the_same_segments(
    kernel: KernelRouter, segments: list[tuple[str, Packet]]
) -> None:
    router = Router()
    router.restore(RULES)
    theirs = kernel.play(RULES, segments, watch=True)
    for (device, packet), left, seen in zip(segments, theirs.out, theirs.seen, strict=True):
        router.out = []
        router.stack.receive(packet.copy(), router.stack.interfaces[device])
        router.stack.wire.run()
        assert len(router.out) == len(left), packet
        assert counters(save(router.ruleset, counters=True)) == counters(seen.saved), packet
        assert conntrack_lines(router.stack) == seen.flows, packet
