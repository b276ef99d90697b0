"""SCTP as conntrack sees it. Models net/netfilter/nf_conntrack_proto_sctp.c (first chunk only)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from netsim.conntrack.connection import ASSURED
from netsim.conntrack.tcp import Result

if TYPE_CHECKING:
    from netsim.conntrack.connection import Connection
    from netsim.conntrack.timeouts import Timeouts
    from netsim.packet import Packet


class SctpState(IntEnum):
    """SCTP_CONNTRACK_*."""

    NONE = 0
    CLOSED = 1
    COOKIE_WAIT = 2
    COOKIE_ECHOED = 3
    ESTABLISHED = 4
    SHUTDOWN_SENT = 5
    SHUTDOWN_RECD = 6
    SHUTDOWN_ACK_SENT = 7
    HEARTBEAT_SENT = 8


NO, CL, CW, CE, ES, SS, SR, SA, HS = range(9)
IV: Final = 9

_NEVER_FIRST: Final = frozenset((0, 2, 3, 5, 6, 7, 9, 10, 11, 14))
"""Chunks that begin no flow: DATA, INIT ACK, SACK, HEARTBEAT ACK, ABORT, ..."""
_STATES: Final = (
    (  # original direction; columns NO CL CW CE ES SS SR SA HS
        (CL, CL, CW, CE, ES, SS, SR, SA, CW),  # init
        (CL, CL, CW, CE, ES, SS, SR, SA, CL),  # init_ack
        (CL, CL, CL, CL, CL, CL, CL, CL, CL),  # abort
        (CL, CL, CW, CE, SS, SS, SR, SA, SS),  # shutdown
        (SA, CL, CW, CE, ES, SA, SA, SA, HS),  # shutdown_ack
        (CL, CL, CW, CE, ES, SS, SR, SA, HS),  # error
        (CL, CL, CE, CE, ES, SS, SR, SA, CE),  # cookie_echo
        (CL, CL, CW, CE, ES, SS, SR, SA, HS),  # cookie_ack
        (CL, CL, CW, CE, ES, SS, SR, CL, HS),  # shutdown_complete
        (HS, CL, CW, CE, ES, SS, SR, SA, HS),  # heartbeat
        (CL, CL, CW, CE, ES, SS, SR, SA, HS),  # heartbeat_ack
    ),
    (
        (IV, CL, CW, CE, ES, SS, SR, SA, IV),
        (IV, CW, CW, CE, ES, SS, SR, SA, IV),
        (IV, CL, CL, CL, CL, CL, CL, CL, CL),
        (IV, CL, CW, CE, SR, SS, SR, SA, SR),
        (IV, CL, CW, CE, ES, SA, SA, SA, HS),
        (IV, CL, CW, CL, ES, SS, SR, SA, HS),
        (IV, CL, CW, CE, ES, SS, SR, SA, CE),
        (IV, CL, CW, ES, ES, SS, SR, SA, HS),
        (IV, CL, CW, CE, ES, SS, SR, CL, HS),
        (IV, CL, CW, CE, ES, SS, SR, SA, HS),
        (IV, CL, CW, CE, ES, SS, SR, SA, ES),
    ),
)
_ROW: Final = {1: 0, 2: 1, 6: 2, 7: 3, 8: 4, 9: 5, 10: 6, 11: 7, 14: 8, 4: 9, 5: 10}
_BEGIN: Final = {1: CL, 4: HS, 8: SA}
"""State of a flow that begins with this chunk: INIT, HEARTBEAT, SHUTDOWN ACK."""


def new(packet: Packet) -> int:
    """State after the first packet; IV if it cannot be the first."""
    if packet.chunk in _NEVER_FIRST:
        return IV
    return _BEGIN.get(packet.chunk, ES)


def track(connection: Connection, packet: Packet, reply: bool, now: float,
          timeouts: Timeouts) -> Result:
    """Move the association on."""
    old = connection.state
    row = _ROW.get(packet.chunk)
    state = old if row is None else _STATES[reply][row][old]
    if state == IV:
        return Result.INVALID
    connection.state = state
    if old == CE and state == ES and reply:
        connection.set_status(ASSURED)
    connection.expires = now + timeouts.sctp[state]
    return Result.ACCEPT
