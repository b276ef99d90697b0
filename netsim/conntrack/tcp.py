"""TCP as conntrack sees it: states and windows. Models net/netfilter/nf_conntrack_proto_tcp.c.

The state table is the kernel's; columns are the old states in the order of `TcpState`, rows what a
segment is (`_INDEX`), one table a direction. IG: ignored, IV: invalid.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from netsim.conntrack.connection import ASSURED, SEEN_REPLY
from netsim.packet import ACK, FIN, RST, SYN, URG

if TYPE_CHECKING:
    from netsim.conntrack.connection import Connection
    from netsim.conntrack.timeouts import Timeouts
    from netsim.packet import Packet


class TcpState(IntEnum):
    """TCP_CONNTRACK_*."""

    NONE = 0
    SYN_SENT = 1
    SYN_RECV = 2
    ESTABLISHED = 3
    FIN_WAIT = 4
    CLOSE_WAIT = 5
    LAST_ACK = 6
    TIME_WAIT = 7
    CLOSE = 8
    SYN_SENT2 = 9


class Result(IntEnum):
    """What a protocol's tracker says about a packet."""

    ACCEPT = 0
    INVALID = 1
    REPEAT = 2
    """The connection is over and was killed: look the packet up again."""
    KILL = 3
    """Accepted, and the connection ends with it."""
    EXCESS = 4
    """More than the window allows, but bearable: accepted, and an answer to it will be, too."""


NO, SS, SR, ES, FW, CW, LA, TW, CL, S2, IG, IV = range(12)
_SYN, _SYNACK, _FIN, _ACK, _RST, _NONE = range(6)
ESTABLISHED: Final = ES

_STATES: Final = (
    (  # original direction
        (SS, SS, IG, IG, IG, IG, IG, SS, SS, S2),  # SYN
        (IV, IV, SR, IV, IV, IV, IV, IV, IV, SR),  # SYN,ACK
        (IV, IV, FW, FW, LA, LA, LA, TW, CL, IV),  # FIN
        (ES, IV, ES, ES, CW, CW, TW, TW, CL, IV),  # ACK
        (IV, CL, CL, CL, CL, CL, CL, CL, CL, CL),  # RST
        (IV, IV, IV, IV, IV, IV, IV, IV, IV, IV),  # none of them
    ),
    (  # reply direction
        (IV, S2, IV, IV, IV, IV, IV, SS, IV, S2),
        (IV, SR, IG, IG, IG, IG, IG, IG, IG, SR),
        (IV, IV, FW, FW, LA, LA, LA, TW, CL, IV),
        (IV, IG, SR, ES, CW, CW, TW, TW, CL, IG),
        (IV, CL, CL, CL, CL, CL, CL, CL, CL, CL),
        (IV, IV, IV, IV, IV, IV, IV, IV, IV, IV),
    ),
)
_CARE: Final = SYN | ACK | FIN | RST | URG
_VALID: Final = frozenset((
    SYN, SYN | URG, SYN | ACK, RST, RST | ACK, FIN | ACK, FIN | ACK | URG, ACK, ACK | URG,
))


_CLOSING: Final = frozenset((FW, CW, LA, TW, CL))
"""States in which an RST is believed whatever its numbers: the tuple may be in use anew."""


def _index(flags: int) -> int:
    """What kind of segment it is, if its flags are valid."""
    if flags & RST:
        return _RST
    if flags & SYN:
        return _SYNACK if flags & ACK else _SYN
    if flags & FIN:
        return _FIN
    return _ACK if flags & ACK else _NONE


_INDEX: Final = tuple(
    _index(flags) if flags & _CARE in _VALID else -1 for flags in range(64)
)
"""By flag bits: the row of the table, -1 for a combination that no TCP sends."""

M32: Final = 0xFFFFFFFF
_HALF: Final = 0x7FFFFFFF
_MAX_ACK_WINDOW: Final = 66000
_WORTH_SHORTENING: Final = 120.0
"""Seconds; entries that go sooner anyway keep their time."""

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
        self.last_index = _NONE
        self.last_reply = False
        self.last_seq = 0
        self.last_ack = 0
        self.last_end = 0
        self.last_window = -1
        self.last_flags = 0
        self.last_scale = 0
        self.retransmits = 0


def _segment_end(packet: Packet) -> int:
    """Sequence number after the segment."""
    end = packet.seq + packet.length - packet.options - (40 if packet.family == 4 else 60)
    if packet.flags & (SYN | FIN):
        end += 1 if not packet.flags & SYN or not packet.flags & FIN else 2
    return end & M32


def new(connection: Connection, packet: Packet, now: float, timeouts: Timeouts) -> Result:
    """Begin to track with this first segment; INVALID if it cannot be the first."""
    index = _INDEX[packet.flags]
    if index != _SYN and (index != _ACK or not timeouts.tcp_loose):
        return Result.INVALID
    tcp = connection.tcp = TcpTrack()
    sender, receiver = tcp.peers
    sender.end = _segment_end(packet)
    sender.max_window = packet.window or 1
    if index == _SYN:
        sender.max_end = sender.end
        receiver.max_end = packet.window
        sender.options(packet)
        tcp.last_index = _SYN
        connection.state = SS
        connection.expires = now + timeouts.tcp[SS]
        return Result.ACCEPT
    # picked up in the middle: its history is lost
    sender.max_end = sender.end + sender.max_window & M32
    sender.flags = receiver.flags = LIBERAL
    return track(connection, packet, False, now, timeouts)


def track(connection: Connection, packet: Packet, reply: bool, now: float,
          timeouts: Timeouts) -> Result:
    """Move the connection on with a segment."""
    index = _INDEX[packet.flags]
    if index < 0:
        return Result.INVALID
    tcp = connection.tcp
    assert tcp is not None
    old = connection.state
    state = _STATES[reply][index][old]
    if state == ES and old == ES:
        return _in_window(connection, tcp, packet, reply, now, timeouts, index, ES)
    if state == IV:
        return Result.INVALID
    if state == IG or (state == SS and old >= TW):
        return _ignore(connection, tcp, packet, reply, now, timeouts, index, state)
    if state == CL and index == _RST:
        return _reset(connection, tcp, packet, reply, now, timeouts)
    if state == TW and _challenged(tcp, reply, index, old):
        return Result.ACCEPT
    if state == S2:
        tcp.last_flags |= SIMULTANEOUS
    elif state == SR and reply and index == _ACK and tcp.last_flags & SIMULTANEOUS:
        state = ES
    return _in_window(connection, tcp, packet, reply, now, timeouts, index, state)


def _ignore(connection: Connection, tcp: TcpTrack, packet: Packet, reply: bool, now: float,
            timeouts: Timeouts, index: int, state: int) -> Result:
    """A segment that does not fit: the ends may know better, so it passes and is remembered."""
    if state == SS and _may_reopen(tcp, reply):
        return Result.REPEAT
    if _adopt_ignored(tcp, packet, reply, index):
        connection.state = SS
        return _in_window(connection, tcp, packet, reply, now, timeouts, index, SR)
    _remember_ignored(tcp, packet, reply, index, connection.state)
    return Result.ACCEPT


def advance_established(connection: Connection, packet: Packet, reply: bool, now: float,
                        timeouts: Timeouts) -> bool:
    """The short form of `track` for an ACK in the window of an established connection. False: it
    is something else, and nothing was changed.
    """
    tcp = connection.tcp
    if (connection.state != ES or packet.flags & _CARE != ACK or tcp is None
            or not connection.status & ASSURED):
        return False
    sender, receiver = tcp.peers if not reply else tcp.peers[::-1]
    if not sender.max_window:
        return False
    seq, ack = packet.seq, packet.ack
    end = seq + packet.length - packet.options - (40 if packet.family == 4 else 60) & M32
    if _judge(sender, receiver, seq, ack, end) is not None:
        return False
    _update(sender, receiver, packet, ack, end)
    _note_ack(tcp, packet, reply, end)
    tcp.last_index, tcp.last_reply = _ACK, reply
    connection.expires = now + _timeout(tcp, _ACK, ES, timeouts)
    return True


def _note_ack(tcp: TcpTrack, packet: Packet, reply: bool, end: int) -> None:
    """Count retransmissions."""
    seq, ack, window = packet.seq, packet.ack, packet.window
    same = (tcp.last_seq == seq and tcp.last_ack == ack and tcp.last_end == end
            and tcp.last_window == window and tcp.last_reply == reply)
    tcp.retransmits = tcp.retransmits + 1 if same else 0
    tcp.last_seq, tcp.last_ack, tcp.last_end, tcp.last_window = seq, ack, end, window


def _may_reopen(tcp: TcpTrack, reply: bool) -> bool:
    """A SYN for a closed or aborted connection begins a new one."""
    closing = tcp.peers[0].flags | tcp.peers[1].flags
    return bool(closing & CLOSE_INIT) or (tcp.last_reply == reply and tcp.last_index == _RST)


def _adopt_ignored(tcp: TcpTrack, packet: Packet, reply: bool, index: int) -> bool:
    """A SYN,ACK that answers a SYN which we ignored: the ends know better than we do."""
    if not (index == _SYNACK and tcp.last_index == _SYN and tcp.last_reply != reply
            and packet.ack == tcp.last_end):
        return False
    sender, other = tcp.peers[tcp.last_reply], tcp.peers[reply]
    sender.end = sender.max_end = tcp.last_end
    sender.max_window = tcp.last_window or 1
    sender.scale = tcp.last_scale
    tcp.last_flags &= ~CHALLENGE_ACK
    sender.flags = tcp.last_flags
    other.end = other.max_end = other.max_window = other.scale = other.flags = 0
    return True


def _remember_ignored(tcp: TcpTrack, packet: Packet, reply: bool, index: int, old: int) -> None:
    """Let the segment pass and keep what we need if it turns out to be the truth."""
    tcp.last_index, tcp.last_reply = index, reply
    tcp.last_seq, tcp.last_window = packet.seq, packet.window
    tcp.last_end = _segment_end(packet)
    if index == _SYN and not reply:
        tcp.last_flags = tcp.last_scale = 0
        if packet.wscale >= 0:
            tcp.last_flags, tcp.last_scale = WINDOW_SCALE, packet.wscale
        if old == LA:
            tcp.last_flags |= CHALLENGE_ACK
    if old == SS and index == _ACK and reply:
        tcp.last_ack = packet.ack


def _challenged(tcp: TcpTrack, reply: bool, index: int, old: int) -> bool:
    """An ACK in LAST_ACK that only challenges a SYN that was let through."""
    if (old == LA and index == _ACK and tcp.last_reply != reply and tcp.last_index == _SYN
            and tcp.last_flags & CHALLENGE_ACK):
        tcp.last_flags &= ~CHALLENGE_ACK
        return True
    return False


def _reset(connection: Connection, tcp: TcpTrack, packet: Packet, reply: bool, now: float,
           timeouts: Timeouts) -> Result:
    """RST: believe it only if it fits what the other side has acknowledged."""
    state = CL
    established = connection.state == ES and bool(connection.status & ASSURED)
    if connection.state in _CLOSING:
        return _accepted(connection, tcp, packet, reply, now, timeouts, _RST, state)
    other = tcp.peers[not reply]
    if other.flags & MAXACK_SET and tcp.last_index != _SYN:
        seq = packet.seq
        if seq == 0 and not established:
            return _in_window(connection, tcp, packet, reply, now, timeouts, _RST, state)
        if seq - other.max_ack & M32 > _HALF:
            return Result.INVALID
        exact = seq == other.max_ack or (
            tcp.last_index == _ACK and tcp.last_reply == reply and seq == tcp.last_end)
        if established and not exact:
            state = ES
    status = connection.status
    ignored = (status & SEEN_REPLY and tcp.last_index == _SYN) or (
        not status & ASSURED and tcp.last_index == _ACK)
    if state == CL and ignored and packet.ack == tcp.last_end:
        return _accepted(connection, tcp, packet, reply, now, timeouts, _RST, state)
    return _in_window(connection, tcp, packet, reply, now, timeouts, _RST, state)


def _init_sender(tcp: TcpTrack, packet: Packet, reply: bool, end: int) -> None:
    """First segment of a direction."""
    sender, receiver = tcp.peers[reply], tcp.peers[not reply]
    sender.end = sender.max_end = end
    sender.max_window = packet.window or 1
    sender.options(packet)
    if reply and not sender.flags & receiver.flags & WINDOW_SCALE:
        sender.scale = receiver.scale = 0


def _in_window(connection: Connection, tcp: TcpTrack, packet: Packet, reply: bool, now: float,
               timeouts: Timeouts, index: int, state: int) -> Result:
    """Check the segment against the windows and update them (tcp_in_window)."""
    sender, receiver = tcp.peers[reply], tcp.peers[not reply]
    seq, ack, flags = packet.seq, packet.ack, packet.flags
    end = _segment_end(packet)
    old = connection.state
    if sender.max_window == 0:
        _init_sender(tcp, packet, reply, end)
    elif flags & SYN and old in (SS, SR) and sender.end - end & M32 > _HALF:
        _init_sender(tcp, packet, reply, end)
        if reply and not flags & ACK:
            return _accepted(connection, tcp, packet, reply, now, timeouts, index, state)
    if not flags & ACK or (flags & RST and ack == 0):
        ack = receiver.end
    if flags & RST and seq == 0 and old == SS:
        seq = end = sender.end
    verdict = _judge(sender, receiver, seq, ack, end)
    if verdict is not None:
        if verdict is Result.EXCESS:
            sender.end, verdict = end, Result.ACCEPT
            sender.flags |= UNACKNOWLEDGED
        if sender.flags & LIBERAL:
            return _accepted(connection, tcp, packet, reply, now, timeouts, index, state)
        if verdict is Result.INVALID and index in (_RST, _FIN) and connection.status & ASSURED:
            _note_invalid_end(connection, tcp, reply, now, timeouts, index)
        return verdict
    _update(sender, receiver, packet, ack, end)
    if index == _ACK:
        _note_ack(tcp, packet, reply, end)
    return _accepted(connection, tcp, packet, reply, now, timeouts, index, state)


def _note_invalid_end(connection: Connection, tcp: TcpTrack, reply: bool, now: float,
                      timeouts: Timeouts, index: int) -> None:
    """A FIN or RST outside the window: after one from either side the entry shall not stay for
    days (nf_tcp_handle_invalid).
    """
    if tcp.last_reply == reply or tcp.last_index not in (_FIN, _RST):
        tcp.last_index, tcp.last_reply = index, reply
    elif connection.expires - now >= _WORTH_SHORTENING:
        connection.expires = min(connection.expires, now + timeouts.unacknowledged)


def _judge(sender: TcpPeer, receiver: TcpPeer, seq: int, ack: int, end: int) -> Result | None:
    """None: in the window. ACCEPT: passes, but teaches nothing. INVALID: outside. Or EXCESS."""
    receiver_ahead = receiver.end - ack & M32 <= _HALF  # ack <= receiver.end
    floor = receiver.end - max(sender.max_window, _MAX_ACK_WINDOW) - 1
    fresh_ack = floor - ack & M32 > _HALF
    in_receive_window = sender.end - receiver.max_window - 1 - end & M32 > _HALF
    if sender.max_end - seq & M32 > _HALF:  # seq > max_end
        over = end - sender.max_end + 1 & M32
        bearable = (receiver.max_window and in_receive_window and fresh_ack and receiver_ahead
                    and over <= receiver.max_window)
        return Result.EXCESS if bearable else Result.INVALID
    if not receiver_ahead:
        return Result.INVALID
    if (receiver.max_window and not in_receive_window) or not fresh_ack:
        return Result.ACCEPT
    return None


def _update(sender: TcpPeer, receiver: TcpPeer, packet: Packet, ack: int, end: int) -> None:
    """Learn from a segment in the window."""
    flags = packet.flags
    window = packet.window if flags & SYN else packet.window << sender.scale
    if sender.max_window < window:
        sender.max_window = window
    if sender.end - end & M32 > _HALF:
        sender.end = end
        sender.flags |= UNACKNOWLEDGED
    if flags & ACK:
        if not sender.flags & MAXACK_SET:
            sender.max_ack = ack
            sender.flags |= MAXACK_SET
        elif sender.max_ack - ack & M32 > _HALF:
            sender.max_ack = ack
    if receiver.max_window and sender.max_end - end & M32 > _HALF:
        receiver.max_window += end - sender.max_end & M32
    limit = ack + window & M32
    if receiver.max_end - 1 - limit & M32 > _HALF:
        receiver.max_end = limit + (window == 0) & M32
    if ack == receiver.end:
        receiver.flags &= ~UNACKNOWLEDGED


def _accepted(connection: Connection, tcp: TcpTrack, packet: Packet, reply: bool, now: float,
              timeouts: Timeouts, index: int, state: int) -> Result:
    """Take the new state and refresh the timeout."""
    tcp.last_index, tcp.last_reply = index, reply
    old = connection.state
    if old != state:
        connection.state = state
        if state == FW:
            tcp.peers[reply].flags |= CLOSE_INIT
    timeout = _timeout(tcp, index, state, timeouts)
    status = connection.status
    if not status & SEEN_REPLY:
        if packet.flags & RST:
            return Result.KILL
        if index == _SYN and old == SS:
            return Result.ACCEPT
        if state == ES:
            timeout = min(timeout, timeouts.unacknowledged)
    elif not status & ASSURED and state == ES and old in (SR, ES):
        connection.set_status(ASSURED)
    connection.expires = now + timeout
    return Result.ACCEPT


def _timeout(tcp: TcpTrack, index: int, state: int, timeouts: Timeouts) -> float:
    """Seconds until the entry goes unless something comes."""
    timeout = timeouts.tcp[state]
    if tcp.retransmits >= timeouts.max_retransmits or tcp.last_window == 0:
        return min(timeout, timeouts.retransmitted)
    if index == _RST:
        return timeouts.tcp[CL]
    if (tcp.peers[0].flags | tcp.peers[1].flags) & UNACKNOWLEDGED:
        return min(timeout, timeouts.unacknowledged)
    return timeout
