"""What conntrack knows of a TCP connection's two sides, and whether a segment is in the window.

Models tcp_in_window() of net/netfilter/nf_conntrack_proto_tcp.c. Numbers are of 32 bits and wrap:
`a - b & M32 > HALF` says that a is before b.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netsim.conntrack.tcpstates import NONE_SET, Result
from netsim.packet import ACK, FIN, SYN

if TYPE_CHECKING:
    from netsim.packet import Packet

M32: Final = 0xFFFFFFFF
HALF: Final = 0x7FFFFFFF
_MAX_ACK_WINDOW: Final = 66000

WINDOW_SCALE: Final = 1
CLOSE_INIT: Final = 4
LIBERAL: Final = 8
UNACKNOWLEDGED: Final = 0x10
MAXACK_SET: Final = 0x20
CHALLENGE_ACK: Final = 0x40
SIMULTANEOUS: Final = 0x80


class TcpPeer:
    """What one side has sent and may send (struct ip_ct_tcp_state)."""

    __slots__ = ("end", "flags", "max_ack", "max_end", "max_window", "scale")

    def __init__(self) -> None:
        self.end = 0
        self.max_end = 0
        self.max_window = 0
        self.max_ack = 0
        self.scale = 0
        self.flags = 0

    def options(self, packet: Packet) -> None:
        """Take the window scale that a SYN offers."""
        self.scale = 0
        self.flags &= LIBERAL
        if packet.wscale >= 0:
            self.scale = min(packet.wscale, 14)
            self.flags |= WINDOW_SCALE


class TcpTrack:
    """Both sides and the last segment (struct ip_ct_tcp)."""

    __slots__ = ("last_ack", "last_end", "last_flags", "last_index", "last_reply", "last_scale",
                 "last_seq", "last_window", "peers", "retransmits")

    def __init__(self) -> None:
        self.peers = (TcpPeer(), TcpPeer())
        self.last_index = NONE_SET
        self.last_reply = False
        self.last_seq = 0
        self.last_ack = 0
        self.last_end = 0
        self.last_window = -1
        self.last_flags = 0
        self.last_scale = 0
        self.retransmits = 0


def segment_end(packet: Packet) -> int:
    """Sequence number after the segment."""
    end = packet.seq + packet.length - packet.options - (40 if packet.family == 4 else 60)
    if packet.flags & (SYN | FIN):
        end += 1 if not packet.flags & SYN or not packet.flags & FIN else 2
    return end & M32


def note_ack(tcp: TcpTrack, packet: Packet, reply: bool, end: int) -> None:
    """Count retransmissions."""
    seq, ack, window = packet.seq, packet.ack, packet.window
    same = (tcp.last_seq == seq and tcp.last_ack == ack and tcp.last_end == end
            and tcp.last_window == window and tcp.last_reply == reply)
    tcp.retransmits = tcp.retransmits + 1 if same else 0
    tcp.last_seq, tcp.last_ack, tcp.last_end, tcp.last_window = seq, ack, end, window


def init_sender(tcp: TcpTrack, packet: Packet, reply: bool, end: int) -> None:
    """First segment of a direction."""
    sender, receiver = tcp.peers[reply], tcp.peers[not reply]
    sender.end = sender.max_end = end
    sender.max_window = packet.window or 1
    sender.options(packet)
    if reply and not sender.flags & receiver.flags & WINDOW_SCALE:
        sender.scale = receiver.scale = 0


def judge(sender: TcpPeer, receiver: TcpPeer, seq: int, ack: int, end: int) -> Result | None:
    """None: in the window. ACCEPT: passes, but teaches nothing. INVALID: outside. Or EXCESS."""
    receiver_ahead = receiver.end - ack & M32 <= HALF  # ack <= receiver.end
    floor = receiver.end - max(sender.max_window, _MAX_ACK_WINDOW) - 1
    fresh_ack = floor - ack & M32 > HALF
    in_receive_window = sender.end - receiver.max_window - 1 - end & M32 > HALF
    if sender.max_end - seq & M32 > HALF:  # seq > max_end
        over = end - sender.max_end + 1 & M32
        bearable = (receiver.max_window and in_receive_window and fresh_ack and receiver_ahead
                    and over <= receiver.max_window)
        return Result.EXCESS if bearable else Result.INVALID
    if not receiver_ahead:
        return Result.INVALID
    if (receiver.max_window and not in_receive_window) or not fresh_ack:
        return Result.ACCEPT
    return None


def update(sender: TcpPeer, receiver: TcpPeer, packet: Packet, ack: int, end: int) -> None:
    """Learn from a segment in the window."""
    flags = packet.flags
    window = packet.window if flags & SYN else packet.window << sender.scale
    if sender.max_window < window:
        sender.max_window = window
    if sender.end - end & M32 > HALF:
        sender.end = end
        sender.flags |= UNACKNOWLEDGED
    if flags & ACK:
        if not sender.flags & MAXACK_SET:
            sender.max_ack = ack
            sender.flags |= MAXACK_SET
        elif sender.max_ack - ack & M32 > HALF:
            sender.max_ack = ack
    if receiver.max_window and sender.max_end - end & M32 > HALF:
        receiver.max_window += end - sender.max_end & M32
    limit = ack + window & M32
    if receiver.max_end - 1 - limit & M32 > HALF:
        receiver.max_end = limit + (window == 0) & M32
    if ack == receiver.end:
        receiver.flags &= ~UNACKNOWLEDGED
