"""Connection states in rule text: shared by the matches `conntrack` and `state`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netsim.conntrack import DST_NAT, SRC_NAT
from netsim.netfilter.context import CtState

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.netfilter.context import Context

INVALID: Final = 1
ESTABLISHED: Final = 2
RELATED: Final = 4
NEW: Final = 8
SNAT: Final = 1 << 6
DNAT: Final = 1 << 7
UNTRACKED: Final = 1 << 8

BITS: Final = {
    "INVALID": INVALID, "NEW": NEW, "RELATED": RELATED, "ESTABLISHED": ESTABLISHED,
    "UNTRACKED": UNTRACKED, "SNAT": SNAT, "DNAT": DNAT,
}
"""In the order in which iptables-save prints them."""

STATE_BIT: Final = {
    CtState.INVALID: INVALID, CtState.NEW: NEW, CtState.RELATED: RELATED,
    CtState.ESTABLISHED: ESTABLISHED, CtState.UNTRACKED: UNTRACKED,
}


def parse_states(text: str, allowed: frozenset[str]) -> int | str:
    """`NEW,ESTABLISHED` (any case) as bits; a wrong word is handed back."""
    bits = 0
    for word in text.split(","):
        if word.upper() not in allowed:
            return word
        bits |= BITS[word.upper()]
    return bits


def states_text(bits: int) -> str:
    """Bits as `NEW,ESTABLISHED`."""
    return ",".join(word for word, bit in BITS.items() if bits & bit)


def state_bits(context: Context) -> int:
    """What holds for the packet: its state, and how its connection is translated."""
    bits = STATE_BIT[context.state]
    connection = context.connection
    if connection is not None and bits & (NEW | ESTABLISHED | RELATED):
        if connection.status & SRC_NAT:
            bits |= SNAT
        if connection.status & DST_NAT:
            bits |= DNAT
    return bits


def inline_states(
    bits: int, inverted: bool, constant: Callable[[object], str]
) -> str | None:
    """`[!] --ctstate` as an expression of `c`; states are compared by identity. None: it needs more
    than the state.
    """
    if bits & (SNAT | DNAT):
        return None
    wanted = [state for state, bit in STATE_BIT.items() if bool(bits & bit) != inverted]
    return f"({' or '.join(f'c.state is {constant(state)}' for state in wanted) or None})"
