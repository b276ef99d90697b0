"""`-m conntrack`: what is known about the packet's connection. Models xt_conntrack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.conntrack import ASSURED, CONFIRMED, EXPECTED, SEEN_REPLY
from netsim.netfilter.addresses import FULL_LENGTH, host_text, mask_length, parse_host
from netsim.netfilter.ctstate import BITS, inline_states, parse_states, state_bits, states_text
from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import ALL_ONES, Match, Option
from netsim.netfilter.integers import parse_integer
from netsim.netfilter.names import parse_protocol
from netsim.netfilter.ports import PortTest, resolve_port_range

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.conntrack import Connection
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given
    from netsim.netfilter.ruleset import AddressTest

_STATES: Final = frozenset(BITS)
_STATUS: Final = {
    "EXPECTED": EXPECTED, "SEEN_REPLY": SEEN_REPLY, "ASSURED": ASSURED, "CONFIRMED": CONFIRMED,
}
_ADDRESSES: Final = {
    "--ctorigsrc": (False, 2), "--ctorigdst": (False, 3),
    "--ctreplsrc": (True, 2), "--ctrepldst": (True, 3),
}
"""Option to whether the reply tuple is asked, and the place in a FlowTuple."""
_PORTS: Final = {
    "--ctorigsrcport": (False, 4), "--ctorigdstport": (False, 5),
    "--ctreplsrcport": (True, 4), "--ctrepldstport": (True, 5),
}
_DIRECTIONS: Final = {"ORIGINAL": False, "REPLY": True}


@dataclass(frozen=True, slots=True)
class Bits:
    """`[!] word,word` as bits."""

    bits: int
    inverted: bool


@dataclass(frozen=True, slots=True)
class Number:
    """`[!] low:high`."""

    low: int
    high: int
    inverted: bool

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}:{self.high}"


def _parse_expire(text: str, inverted: bool) -> Number:
    first, colon, second = text.partition(":")
    low = parse_integer(first or "0")
    high = parse_integer(second or "4294967295") if colon else low
    if low is None or high is None or max(low, high) > ALL_ONES:
        raise RuleSyntaxError(
            f'conntrack: bad value for option "--ctexpire" near "{text}", '
            "or out of range (0-4294967295).\n"
        )
    return Number(low, high, inverted)


def _status_text(bits: int) -> str:
    return ",".join(word for word, bit in _STATUS.items() if bits & bit) or "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conntrack(Match):
    """State, protocol, addresses and ports of both tuples, status, time left, direction."""

    name: ClassVar[str] = "conntrack"
    options: ClassVar[tuple[Option, ...]] = (
        Option("--ctstate", invertible=True),
        Option("--ctproto", invertible=True),
        *(Option(option, invertible=True) for option in _ADDRESSES),
        Option("--ctstatus", invertible=True),
        Option("--ctexpire", invertible=True),
        *(Option(option, invertible=True) for option in _PORTS),
        Option("--ctdir"),
    )

    family: int
    state: Bits | None = None
    protocol: Number | None = None
    addresses: tuple[tuple[str, AddressTest], ...] = ()
    ports: tuple[tuple[str, PortTest], ...] = ()
    status: Bits | None = None
    expire: Number | None = None
    reply: bool | None = None

    @classmethod
    def parse(cls, given: Given) -> Self:
        """At least one of them."""
        if not given.values:
            raise RuleSyntaxError("conntrack: At least one option is required")
        return cls(
            family=given.family, state=_parse_state(given), protocol=_parse_proto(given),
            addresses=tuple(
                (option, parse_host(given.family, value.text, value.inverted))
                for option in _ADDRESSES if (value := given.get(option))
            ),
            ports=tuple(
                (option, test) for option in _PORTS
                if (test := resolve_port_range(given, option)) is not None
            ),
            status=_parse_status(given), expire=_parse_expiry(given), reply=_parse_dir(given),
        )

    def _parts(self, dash: str, *, numeric: bool) -> list[tuple[bool, str]]:
        """Each condition: inverted, text; in the order in which they are printed."""
        parts: list[tuple[bool, str]] = []
        if self.state:
            parts.append((self.state.inverted, f"{dash}ctstate {states_text(self.state.bits)}"))
        if self.protocol:
            parts.append((self.protocol.inverted, f"{dash}ctproto {self.protocol}"))
        for option, address in self.addresses:
            shown = self._address(address, numeric=numeric)
            parts.append((address.inverted, f"{dash}{option[2:]} {shown}"))
        for option, port in self.ports:
            parts.append((port.inverted, f"{dash}{option[2:]} {port.range_text()}"))
        if self.status:
            parts.append((self.status.inverted, f"{dash}ctstatus {_status_text(self.status.bits)}"))
        if self.expire:
            parts.append((self.expire.inverted, f"{dash}ctexpire {self.expire}"))
        if self.reply is not None:
            parts.append((False, f"{dash}ctdir {'REPLY' if self.reply else 'ORIGINAL'}"))
        return parts

    def _address(self, test: AddressTest, *, numeric: bool) -> str:
        """A mask whose ones are not in front is not shown, as the real one does not."""
        if not numeric and not test.mask:
            return "anywhere"
        length = mask_length(self.family, test.mask)
        shown = "" if length in (None, FULL_LENGTH[self.family]) else f"/{length}"
        return host_text(self.family, test.address, numeric) + shown

    def _text(self, dash: str, *, numeric: bool) -> str:
        parts = self._parts(dash, numeric=numeric)
        return " ".join(("! " if inverted else "") + text for inverted, text in parts)

    def save(self) -> str:
        """In the kernel's order."""
        return self._text("--", numeric=True)

    def listing(self, numeric: bool) -> str:
        """As save, without the dashes."""
        return self._text("", numeric=numeric)

    @property
    def pure(self) -> bool:
        """Unless it asks for what changes in a flow's life."""
        return self.status is None and self.expire is None

    def inline(self, constant: Callable[[object], str]) -> str | None:
        """A lone --ctstate, which is the usual case."""
        alone = (self.protocol, self.status, self.expire, self.reply) == (None,) * 4
        if self.state is None or self.addresses or self.ports or not alone:
            return None
        return inline_states(self.state.bits, self.state.inverted, constant)

    def matches(self, context: Context) -> bool:
        """All conditions; without a connection only the state counts."""
        if self.state and bool(state_bits(context) & self.state.bits) == self.state.inverted:
            return False
        connection = context.connection
        if connection is None:
            return self.state is not None
        if self.reply is not None and context.reply != self.reply:
            return False
        return self._tuples_match(connection) and self._changing_match(context, connection)

    def _tuples_match(self, connection: Connection) -> bool:
        if self.protocol:
            within = self.protocol.low <= connection.original[1] <= self.protocol.high
            if within == self.protocol.inverted:
                return False
        for option, test in self.addresses:
            reply, place = _ADDRESSES[option]
            address = (connection.reply if reply else connection.original)[place]
            if (address & test.mask == test.address & test.mask) == test.inverted:
                return False
        for option, port in self.ports:
            reply, place = _PORTS[option]
            if not port.accepts((connection.reply if reply else connection.original)[place]):
                return False
        return True

    def _changing_match(self, context: Context, connection: Connection) -> bool:
        """What differs between packets of one flow."""
        if self.status:
            context.volatile = True
            if bool(connection.status & self.status.bits) == self.status.inverted:
                return False
        if self.expire:
            context.volatile = True
            confirmed = connection.status & CONFIRMED  # the timeout runs from then on
            left = max(0, int(connection.expires - context.stack.now())) if confirmed else 0
            return (self.expire.low <= left <= self.expire.high) != self.expire.inverted
        return True


def _parse_state(given: Given) -> Bits | None:
    if (value := given.get("--ctstate")) is None:
        return None
    states = parse_states(value.text, _STATES)
    if isinstance(states, str):
        raise RuleSyntaxError(f'Bad ctstate "{states}"')
    return Bits(states, value.inverted)


def _parse_status(given: Given) -> Bits | None:
    if (value := given.get("--ctstatus")) is None:
        return None
    bits = 0
    for word in value.text.split(","):
        if word.upper() not in _STATUS and word.upper() != "NONE":
            raise RuleSyntaxError(f'Bad ctstatus "{word}"')
        bits |= _STATUS.get(word.upper(), 0)
    return Bits(bits, value.inverted)


def _parse_proto(given: Given) -> Number | None:
    if (value := given.get("--ctproto")) is None:
        return None
    protocol = parse_protocol(value.text)
    return Number(protocol, protocol, value.inverted)


def _parse_expiry(given: Given) -> Number | None:
    value = given.get("--ctexpire")
    return _parse_expire(value.text, value.inverted) if value else None


def _parse_dir(given: Given) -> bool | None:
    if (value := given.get("--ctdir")) is None:
        return None
    if value.text.upper() not in _DIRECTIONS:
        raise RuleSyntaxError(f'conntrack: Bad value for "--ctdir" option: "{value.text}"')
    return _DIRECTIONS[value.text.upper()]
