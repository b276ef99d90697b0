"""Hooks, priorities and verdicts. Models include/uapi/linux/netfilter_ipv4.h.

      in -> PREROUTING -> [routing] -> FORWARD -> POSTROUTING -> out
                              |                       ^
                              v                       |
                            INPUT -> local process -> OUTPUT -> [routing]
"""

from __future__ import annotations

from enum import Enum, IntEnum


class Hook(IntEnum):
    """Where in the stack a packet meets the rules (NF_INET_*)."""

    PREROUTING = 0
    INPUT = 1
    FORWARD = 2
    OUTPUT = 3
    POSTROUTING = 4


class Priority(IntEnum):
    """The order of what is registered at one hook: lowest first (NF_IP_PRI_*)."""

    RAW = -300
    CONNTRACK = -200
    MANGLE = -150
    NAT_DST = -100
    FILTER = 0
    SECURITY = 50
    NAT_SRC = 100
    CONNTRACK_CONFIRM = 2**31 - 1


class Verdict(Enum):
    """What a table's chains decided about a packet at one hook."""

    ACCEPT = "ACCEPT"
    DROP = "DROP"
