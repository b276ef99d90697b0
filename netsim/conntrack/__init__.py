"""Connection tracking: tuples, states, timeouts, the table and its text.

Models net/netfilter/nf_conntrack_*.c and the conntrack command.
"""

from netsim.conntrack.connection import (
    ASSURED,
    CONFIRMED,
    DST_NAT,
    DST_NAT_DONE,
    DYING,
    EXPECTED,
    NAT_DONE_MASK,
    NAT_MASK,
    SEEN_REPLY,
    SRC_NAT,
    SRC_NAT_DONE,
    Connection,
    FlowTuple,
    invert,
    packet_tuple,
)
from netsim.conntrack.table import ConntrackTable
from netsim.conntrack.tcp import TcpState
from netsim.conntrack.timeouts import Timeouts

__all__ = [
    "ASSURED",
    "CONFIRMED",
    "DST_NAT",
    "DST_NAT_DONE",
    "DYING",
    "EXPECTED",
    "NAT_DONE_MASK",
    "NAT_MASK",
    "SEEN_REPLY",
    "SRC_NAT",
    "SRC_NAT_DONE",
    "Connection",
    "ConntrackTable",
    "FlowTuple",
    "TcpState",
    "Timeouts",
    "invert",
    "packet_tuple",
]
