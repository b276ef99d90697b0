"""TCP as conntrack sees it: how a connection moves on with each segment.

Models net/netfilter/nf_conntrack_proto_tcp.c; the table of states is in `tcpstates`, what is known
of both sides in `tcpwindow`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netsim.conntrack.connection import ASSURED, SEEN_REPLY
from netsim.conntrack.tcpstates import (
    ACK_SET,
    CARE,
    CL,
    CLOSING,
    ES,
    ESTABLISHED,
    FIN_SET,
    FW,
    IG,
    INDEX,
    IV,
    LA,
    RST_SET,
    S2,
    SR,
    SS,
    STATES,
    SYN_SET,
    SYNACK_SET,
    TW,
    Result,
    TcpState,
)
from netsim.conntrack.tcpwindow import (
    CHALLENGE_ACK,
    CLOSE_INIT,
    HALF,
    LIBERAL,
    M32,
    MAXACK_SET,
    SIMULTANEOUS,
    UNACKNOWLEDGED,
    WINDOW_SCALE,
    TcpPeer,
    TcpTrack,
    init_sender,
    judge,
    note_ack,
    segment_end,
    update,
)
from netsim.packet import ACK, RST, SYN

if TYPE_CHECKING:
    from netsim.conntrack.connection import Connection
    from netsim.conntrack.timeouts import Timeouts
    from netsim.packet import Packet

__all__ = ["ESTABLISHED", "Result", "TcpState", "TcpTrack", "advance_established", "new", "track"]

_WORTH_SHORTENING: Final = 120.0
"""Seconds; entries that go sooner anyway keep their time."""


def new(connection: Connection, packet: Packet, now: float, timeouts: Timeouts) -> Result:
    """Begin to track with this first segment; INVALID if it cannot be the first."""
    index = INDEX[packet.flags]
    if index != SYN_SET and (index != ACK_SET or not timeouts.tcp_loose):
        return Result.INVALID
    tcp = connection.tcp = TcpTrack()
    sender, receiver = tcp.peers
    sender.end = segment_end(packet)
    sender.max_window = packet.window or 1
    if index == SYN_SET:
        sender.max_end = sender.end
        receiver.max_end = packet.window
        sender.options(packet)
        tcp.last_index = SYN_SET
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
    index = INDEX[packet.flags]
    if index < 0:
        return Result.INVALID
    tcp = connection.tcp
    assert tcp is not None
    old = connection.state
    state = STATES[reply][index][old]
    if state == ES and old == ES:
        return _in_window(connection, tcp, packet, reply, now, timeouts, index, ES)
    if state == IV:
        return Result.INVALID
    if state == IG or (state == SS and old >= TW):
        return _ignore(connection, tcp, packet, reply, now, timeouts, index, state)
    if state == CL and index == RST_SET:
        return _reset(connection, tcp, packet, reply, now, timeouts)
    if state == TW and _challenged(tcp, reply, index, old):
        return Result.ACCEPT
    if state == S2:
        tcp.last_flags |= SIMULTANEOUS
    elif state == SR and reply and index == ACK_SET and tcp.last_flags & SIMULTANEOUS:
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
    if (connection.state != ES or packet.flags & CARE != ACK or tcp is None
            or not connection.status & ASSURED):
        return False
    sender, receiver = tcp.peers if not reply else tcp.peers[::-1]
    if not sender.max_window:
        return False
    seq, ack = packet.seq, packet.ack
    end = seq + packet.length - packet.options - (40 if packet.family == 4 else 60) & M32
    if judge(sender, receiver, seq, ack, end) is not None:
        return False
    update(sender, receiver, packet, ack, end)
    note_ack(tcp, packet, reply, end)
    tcp.last_index, tcp.last_reply = ACK_SET, reply
    connection.expires = now + _timeout(tcp, ACK_SET, ES, timeouts)
    return True


def _may_reopen(tcp: TcpTrack, reply: bool) -> bool:
    """A SYN for a closed or aborted connection begins a new one."""
    closing = tcp.peers[0].flags | tcp.peers[1].flags
    return bool(closing & CLOSE_INIT) or (tcp.last_reply == reply and tcp.last_index == RST_SET)


def _adopt_ignored(tcp: TcpTrack, packet: Packet, reply: bool, index: int) -> bool:
    """A SYN,ACK that answers a SYN which we ignored: the ends know better than we do."""
    if not (index == SYNACK_SET and tcp.last_index == SYN_SET and tcp.last_reply != reply
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
    tcp.last_end = segment_end(packet)
    if index == SYN_SET and not reply:
        tcp.last_flags = tcp.last_scale = 0
        if packet.wscale >= 0:
            tcp.last_flags, tcp.last_scale = WINDOW_SCALE, packet.wscale
        if old == LA:
            tcp.last_flags |= CHALLENGE_ACK
    if old == SS and index == ACK_SET and reply:
        tcp.last_ack = packet.ack


def _challenged(tcp: TcpTrack, reply: bool, index: int, old: int) -> bool:
    """An ACK in LAST_ACK that only challenges a SYN that was let through."""
    if (old == LA and index == ACK_SET and tcp.last_reply != reply and tcp.last_index == SYN_SET
            and tcp.last_flags & CHALLENGE_ACK):
        tcp.last_flags &= ~CHALLENGE_ACK
        return True
    return False


def _reset(connection: Connection, tcp: TcpTrack, packet: Packet, reply: bool, now: float,
           timeouts: Timeouts) -> Result:
    """RST: believe it only if it fits what the other side has acknowledged."""
    state = CL
    established = connection.state == ES and bool(connection.status & ASSURED)
    if connection.state in CLOSING:
        return _accepted(connection, tcp, packet, reply, now, timeouts, RST_SET, state)
    other = tcp.peers[not reply]
    if other.flags & MAXACK_SET and tcp.last_index != SYN_SET:
        seq = packet.seq
        if seq == 0 and not established:
            return _in_window(connection, tcp, packet, reply, now, timeouts, RST_SET, state)
        if seq - other.max_ack & M32 > HALF:
            return Result.INVALID
        exact = seq == other.max_ack or (
            tcp.last_index == ACK_SET and tcp.last_reply == reply and seq == tcp.last_end)
        if established and not exact:
            state = ES
    status = connection.status
    ignored = (status & SEEN_REPLY and tcp.last_index == SYN_SET) or (
        not status & ASSURED and tcp.last_index == ACK_SET)
    if state == CL and ignored and packet.ack == tcp.last_end:
        return _accepted(connection, tcp, packet, reply, now, timeouts, RST_SET, state)
    return _in_window(connection, tcp, packet, reply, now, timeouts, RST_SET, state)


def _in_window(connection: Connection, tcp: TcpTrack, packet: Packet, reply: bool, now: float,
               timeouts: Timeouts, index: int, state: int) -> Result:
    """Check the segment against the windows and update them (tcp_in_window)."""
    sender, receiver = tcp.peers[reply], tcp.peers[not reply]
    seq, ack, flags = packet.seq, packet.ack, packet.flags
    end = segment_end(packet)
    old = connection.state
    if sender.max_window == 0:
        init_sender(tcp, packet, reply, end)
    elif flags & SYN and old in (SS, SR) and sender.end - end & M32 > HALF:
        init_sender(tcp, packet, reply, end)
        if reply and not flags & ACK:
            return _accepted(connection, tcp, packet, reply, now, timeouts, index, state)
    if not flags & ACK or (flags & RST and ack == 0):
        ack = receiver.end
    if flags & RST and seq == 0 and old == SS:
        seq = end = sender.end
    verdict = judge(sender, receiver, seq, ack, end)
    if verdict is None:
        update(sender, receiver, packet, ack, end)
        if index == ACK_SET:
            note_ack(tcp, packet, reply, end)
    else:
        if verdict is Result.EXCESS:
            verdict = _overshoot(sender, end)
        if not sender.flags & LIBERAL:
            _note_invalid_end(connection, tcp, verdict, reply, now, timeouts, index)
            return verdict
    return _accepted(connection, tcp, packet, reply, now, timeouts, index, state)


def _overshoot(sender: TcpPeer, end: int) -> Result:
    """Data beyond the window that may be acknowledged all the same."""
    sender.end = end
    sender.flags |= UNACKNOWLEDGED
    return Result.ACCEPT


def _note_invalid_end(connection: Connection, tcp: TcpTrack, verdict: Result, reply: bool,
                      now: float, timeouts: Timeouts, index: int) -> None:
    """A FIN or RST outside the window: after one from either side the entry shall not stay for
    days (nf_tcp_handle_invalid).
    """
    if (verdict is not Result.INVALID or index not in (RST_SET, FIN_SET)
            or not connection.status & ASSURED):
        return
    if tcp.last_reply == reply or tcp.last_index not in (FIN_SET, RST_SET):
        tcp.last_index, tcp.last_reply = index, reply
    elif connection.expires - now >= _WORTH_SHORTENING:
        connection.expires = min(connection.expires, now + timeouts.unacknowledged)


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
        if index == SYN_SET and old == SS:
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
    if index == RST_SET:
        return timeouts.tcp[CL]
    if (tcp.peers[0].flags | tcp.peers[1].flags) & UNACKNOWLEDGED:
        return min(timeout, timeouts.unacknowledged)
    return timeout
