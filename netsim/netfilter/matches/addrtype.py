"""`-m addrtype`: what routing says about the addresses. Models xt_addrtype."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Match, Option
from netsim.netfilter.hooks import Hook
from netsim.packet import is_multicast

if TYPE_CHECKING:
    from netsim.netfilter.context import AddressType, Context
    from netsim.netfilter.extension import Given

_NAMES: Final = (
    "UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE",
    "PROHIBIT", "THROW", "NAT", "XRESOLVE",
)
_UNSPEC, _UNICAST, _LOCAL, _ANYCAST, _MULTICAST, _UNREACHABLE, _PROHIBIT = (
    1 << place for place in (0, 1, 2, 4, 5, 7, 8)
)
_BY_ROUTE: Final = _LOCAL | _ANYCAST | _UNREACHABLE | _PROHIBIT


@dataclass(frozen=True, slots=True)
class Types:
    """`[!] LOCAL,UNICAST`: a set of RTN_* bits."""

    bits: int
    inverted: bool

    def accepts(self, family: int, address: int, kind: AddressType) -> bool:
        """Whether an address passes, whose type is `kind` by its route."""
        if family == 6:
            return _in_ipv6(self.bits, address, kind) != self.inverted
        return bool(self.bits >> kind & 1) != self.inverted

    def __str__(self) -> str:
        return ",".join(name for place, name in enumerate(_NAMES) if self.bits >> place & 1)


def _in_ipv6(bits: int, address: int, kind: AddressType) -> bool:
    """Some types are the address's own form, and all of those must hold (match_type6)."""
    multicast = is_multicast(6, address)
    if bits & _MULTICAST and not multicast:
        return False
    if bits & _UNICAST and (multicast or not address):
        return False
    if bits & _UNSPEC and address:
        return False
    return not bits & _BY_ROUTE or bool(bits >> kind & 1)


def _parse_types(given: Given, option: str) -> Types | None:
    if (value := given.get(option)) is None:
        return None
    bits = 0
    for word in value.text.split(","):
        if word.upper() not in _NAMES:
            raise RuleSyntaxError(f'addrtype: bad type "{word}"')
        bits |= 1 << _NAMES.index(word.upper())
    return Types(bits, value.inverted)


@dataclass(frozen=True, slots=True)
class AddrType(Match):
    """The types of source and destination, perhaps as seen on one interface."""

    name: ClassVar[str] = "addrtype"
    options: ClassVar[tuple[Option, ...]] = (
        Option("--src-type", invertible=True),
        Option("--dst-type", invertible=True),
        Option("--limit-iface-in", arguments=0, excludes=("--limit-iface-out",)),
        Option("--limit-iface-out", arguments=0, excludes=("--limit-iface-in",)),
    )

    source: Types | None
    destination: Types | None
    limit: str = ""
    """'', in or out."""

    @classmethod
    def parse(cls, given: Given) -> Self:
        """At least one of source and destination."""
        source, destination = _parse_types(given, "--src-type"), _parse_types(given, "--dst-type")
        if source is None and destination is None:
            raise RuleSyntaxError("addrtype: you must specify --src-type or --dst-type")
        limits = [word for word in ("in", "out") if given.has(f"--limit-iface-{word}")]
        return cls(source, destination, limits[0] if limits else "")

    def forbidden_hooks(self) -> tuple[Hook, ...]:
        """Where the kernel does not take the rule: there is no such interface."""
        if self.limit == "in":
            return (Hook.OUTPUT, Hook.POSTROUTING)
        return (Hook.PREROUTING, Hook.INPUT) if self.limit == "out" else ()

    @property
    def pure(self) -> bool:
        """Yes."""
        return True

    def save(self) -> str:
        """Source, destination, interface."""
        parts = [
            f"{'! ' if types.inverted else ''}{option} {types}"
            for option, types in (("--src-type", self.source), ("--dst-type", self.destination))
            if types
        ]
        return " ".join(parts + ([f"--limit-iface-{self.limit}"] if self.limit else []))

    def listing(self, numeric: bool) -> str:
        """Source, destination, interface."""
        parts = [
            f"{word} {'!' if types.inverted else ''}{types}"
            for word, types in (("src-type", self.source), ("dst-type", self.destination))
            if types
        ]
        limit = [f"limit-{self.limit}"] if self.limit else []
        return " ".join(["ADDRTYPE match", *parts, *limit])

    def matches(self, context: Context) -> bool:
        """Both, where asked for."""
        interface = None
        if self.limit:
            interface = context.in_interface if self.limit == "in" else context.out_interface
        packet = context.packet
        family, src, dst = packet.family, packet.src, packet.dst
        ask = context.stack.address_type
        if self.source and not self.source.accepts(family, src, ask(family, src, interface)):
            return False
        if self.destination is None:
            return True
        return self.destination.accepts(family, dst, ask(family, dst, interface))
