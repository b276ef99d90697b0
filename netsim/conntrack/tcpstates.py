"""The states of TCP in conntrack, and what a segment does to them: the kernel's table.

Columns are the old states in the order of `TcpState`, rows what a segment is (`INDEX`), one table a
direction. IG: ignored, IV: invalid. Models net/netfilter/nf_conntrack_proto_tcp.c.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from netsim.packet import ACK, FIN, RST, SYN, URG


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
SYN_SET, SYNACK_SET, FIN_SET, ACK_SET, RST_SET, NONE_SET = range(6)
ESTABLISHED: Final = ES

STATES: Final = (
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
CARE: Final = SYN | ACK | FIN | RST | URG
_VALID: Final = frozenset((
    SYN, SYN | URG, SYN | ACK, RST, RST | ACK, FIN | ACK, FIN | ACK | URG, ACK, ACK | URG,
))


CLOSING: Final = frozenset((FW, CW, LA, TW, CL))
"""States in which an RST is believed whatever its numbers: the tuple may be in use anew."""


def _index(flags: int) -> int:
    """What kind of segment it is, if its flags are valid."""
    if flags & RST:
        return RST_SET
    if flags & SYN:
        return SYNACK_SET if flags & ACK else SYN_SET
    if flags & FIN:
        return FIN_SET
    return ACK_SET if flags & ACK else NONE_SET


INDEX: Final = tuple(
    _index(flags) if flags & CARE in _VALID else -1 for flags in range(64)
)
"""By flag bits: the row of the table, -1 for a combination that no TCP sends."""
