"""`-m connlimit`: how many connections one address or network has. Models xt_connlimit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.conntrack import CONFIRMED
from netsim.conntrack.connection import DYING
from netsim.conntrack.tcp import TcpState
from netsim.netfilter.addresses import FULL_LENGTH, prefix_mask, resolve_host
from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import ALL_ONES, Match, Option
from netsim.netfilter.integers import parse_integer
from netsim.packet import TCP

if TYPE_CHECKING:
    from netsim.conntrack import Connection
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Check, Given
    from netsim.netfilter.shared import Shared

_ENDED: Final = (TcpState.TIME_WAIT.value, TcpState.CLOSE.value)
_Known = dict[int, list["Connection"]]
"""Connections that reached the rule, by masked address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnLimit(Match):
    """More (above) or at most (upto) so many connections."""

    name: ClassVar[str] = "connlimit"
    options: ClassVar[tuple[Option, ...]] = (
        Option("--connlimit-upto", invertible=True, excludes=("--connlimit-above",)),
        Option("--connlimit-above", invertible=True, excludes=("--connlimit-upto",)),
        Option("--connlimit-mask"),
        Option("--connlimit-saddr", arguments=0),
        Option("--connlimit-daddr", arguments=0),
    )

    family: int
    limit: int
    upto: bool
    length: int
    destination: bool

    @classmethod
    def parse(cls, given: Given) -> Self:
        """One of --connlimit-above and --connlimit-upto; either inverted is the other."""
        option = next((o for o in ("--connlimit-upto", "--connlimit-above") if given.has(o)), "")
        if not option:
            raise RuleSyntaxError('You must specify "--connlimit-above" or "--connlimit-upto".')
        return cls(
            family=given.family, limit=given.number(option, 0, ALL_ONES),
            upto=(option == "--connlimit-upto") != given.inverted(option),
            length=_length(given), destination=given.has("--connlimit-daddr"),
        )

    def save(self) -> str:
        """The limit, the mask, the end."""
        return (f"--connlimit-{'upto' if self.upto else 'above'} {self.limit} "
                f"--connlimit-mask {self.length} --connlimit-{self._end()}addr")

    def listing(self, numeric: bool) -> str:
        """`#conn src/32 > 3`."""
        end = "dst" if self.destination else "src"
        return f"#conn {end}/{self.length} {'<=' if self.upto else '>'} {self.limit}"

    def _end(self) -> str:
        return "d" if self.destination else "s"

    def check(self, shared: Shared) -> Check:
        """With connections of its own."""
        known: _Known = {}
        return partial(self._ask, known)

    def _ask(self, known: _Known, context: Context) -> bool:
        context.volatile = True
        packet, connection = context.packet, context.connection
        address = packet.dst if self.destination else packet.src
        key = address & prefix_mask(packet.family, self.length)
        now = context.stack.now()
        alive = [c for c in known.get(key, ()) if c is connection or _lives(c, now)]
        if connection is not None and connection not in alive:
            alive.append(connection)
        known[key] = alive
        count = len(alive) + (connection is None)
        return (count > self.limit) != self.upto


def _lives(connection: Connection, now: float) -> bool:
    """Whether a connection still counts: its first packet got through, and it did not end."""
    if not connection.status & CONFIRMED or connection.status & DYING or connection.expires <= now:
        return False
    return connection.original[1] != TCP or connection.state not in _ENDED


def _length(given: Given) -> int:
    """--connlimit-mask as a prefix length: a number, or a mask."""
    whole = FULL_LENGTH[given.family]
    if not given.has("--connlimit-mask"):
        return whole
    text = given.text("--connlimit-mask")
    number = parse_integer(text)
    if number is None:
        return resolve_host(given.family, text).bit_count()
    return min(number, whole)
