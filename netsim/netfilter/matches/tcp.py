"""`-m tcp`: ports, flags and options of a TCP segment. Models xt_tcpudp's tcp match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Match, Option
from netsim.netfilter.integers import parse_integer
from netsim.netfilter.ports import (
    PortTest,
    inline_ports,
    list_ports,
    parse_both_ports,
    ports_pass,
    save_ports,
)
from netsim.packet import TCP, TcpFlags

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given

_SYN_MASK: Final = TcpFlags.FIN | TcpFlags.SYN | TcpFlags.RST | TcpFlags.ACK
_ALL: Final = 0x3F
_WORDS: Final = {flag.name or "": int(flag) for flag in TcpFlags}
_ALSO: Final = {"ALL": _ALL, "NONE": 0}
_FLAGS_ONCE: Final = "Only one of `--syn' or `--tcp-flags'  allowed"


@dataclass(frozen=True, slots=True)
class FlagsTest:
    """`[!] --tcp-flags mask compare`; iptables-nft writes no test for an empty mask."""

    mask: int
    compare: int
    inverted: bool


def _parse_flags(text: str) -> int:
    bits = 0
    for word in filter(None, text.split(",")):
        bit = _WORDS.get(word.upper(), _ALSO.get(word.upper()))
        if bit is None:
            raise RuleSyntaxError(f"Unknown TCP flag `{word}'")
        bits |= bit
    return bits


def _parse_option(text: str) -> int:
    number = parse_integer(text)
    if number is None or not 1 <= number <= 255:
        raise RuleSyntaxError(f'Bad TCP option "{text}"')
    return number


def _flags_text(bits: int) -> str:
    return ",".join(word for word, bit in _WORDS.items() if bits & bit) or "NONE"


@dataclass(frozen=True, slots=True)
class Tcp(Match):
    """Ports, flags, the presence of a TCP option."""

    name: ClassVar[str] = "tcp"
    protocols: ClassVar[tuple[int, ...]] = (TCP,)
    options: ClassVar[tuple[Option, ...]] = (
        Option("--source-port", "--sport", invertible=True,
               repeated="Only one `--source-port' allowed"),
        Option("--destination-port", "--dport", invertible=True,
               repeated="Only one `--destination-port' allowed"),
        Option("--syn", arguments=0, invertible=True, repeated=_FLAGS_ONCE),
        Option("--tcp-flags", arguments=2, invertible=True, repeated=_FLAGS_ONCE,
               incomplete="--tcp-flags requires two args."),
        Option("--tcp-option", invertible=True, repeated="Only one `--tcp-option' allowed"),
    )

    sport: PortTest | None = None
    dport: PortTest | None = None
    flags: FlagsTest | None = None
    option: tuple[int, bool] | None = None
    """Kind and whether inverted."""

    @classmethod
    def parse(cls, given: Given) -> Self:
        """Ports as numbers, names or ranges."""
        ports = parse_both_ports(given, TCP)
        option = None
        if given.has("--tcp-option"):
            option = _parse_option(given.text("--tcp-option")), given.inverted("--tcp-option")
        return cls(ports[0], ports[1], cls._parse_flags(given), option)

    @staticmethod
    def _parse_flags(given: Given) -> FlagsTest | None:
        syn, flags = given.get("--syn"), given.get("--tcp-flags")
        if syn and flags:
            raise RuleSyntaxError(_FLAGS_ONCE)
        if syn:
            return FlagsTest(int(_SYN_MASK), int(TcpFlags.SYN), syn.inverted)
        if flags:
            return FlagsTest(_parse_flags(flags.text), _parse_flags(flags.second), flags.inverted)
        return None

    @property
    def exact_dport(self) -> int | None:
        """--dport with one port."""
        return self.dport.exact if self.dport else None

    @property
    def only_dport(self) -> bool:
        """--dport alone."""
        return not (self.sport or self.flags or self.option)

    @property
    def native(self) -> bool:  # type: ignore[override]
        """Unless it tests nothing, or a TCP option."""
        return self.option is None and any((self.sport, self.dport, self.flags))

    def shown_after(self, earlier: Self) -> Self:
        """One match with the tests of both; of two tests of one port the later is shown."""
        return type(self)(
            self.sport or earlier.sport, self.dport or earlier.dport, self.flags or earlier.flags
        )

    @property
    def pure(self) -> bool:
        """If it looks at the ports alone."""
        return self.flags is None and self.option is None

    @property
    def always(self) -> bool:  # type: ignore[override]
        """If it tests nothing: -p does."""
        return self.pure and not (self.sport or self.dport)

    def inline(self, constant: Callable[[object], str]) -> str | None:
        """The ports, if there is nothing else."""
        if not self.pure:
            return None
        return inline_ports(self.sport, self.dport, constant)

    def save(self) -> str:
        """Ports, option, flags."""
        text = save_ports("--sport", self.sport) + save_ports("--dport", self.dport)
        if self.option:
            text += f"{' !' if self.option[1] else ''} --tcp-option {self.option[0]}"
        if self.flags and self.flags.mask:
            text += f"{' !' if self.flags.inverted else ''} --tcp-flags "
            text += f"{_flags_text(self.flags.mask)} {_flags_text(self.flags.compare)}"
        return text[1:]

    def listing(self, numeric: bool) -> str:
        """Flags are bits when numbers are wanted."""
        text = "tcp" + list_ports("spt", self.sport, numeric, TCP)
        text += list_ports("dpt", self.dport, numeric, TCP)
        if self.option:
            text += f" option={'!' if self.option[1] else ''}{self.option[0]}"
        if self.flags and self.flags.mask:
            shown = [
                f"0x{bits:02X}" if numeric else _flags_text(bits)
                for bits in (self.flags.mask, self.flags.compare)
            ]
            text += f" flags:{'!' if self.flags.inverted else ''}{'/'.join(shown)}"
        return text

    def matches(self, context: Context) -> bool:
        """All that was asked for; TCP options other than MSS and window scale are never there."""
        packet = context.packet
        if not ports_pass(self.sport, self.dport, packet):
            return False
        if self.flags and self.flags.mask:
            context.volatile = True
            found = packet.flags & self.flags.mask == self.flags.compare
            if found == self.flags.inverted:
                return False
        if self.option:
            context.volatile = True
            kind, inverted = self.option
            present = (kind == 2 and packet.mss > 0) or (kind == 3 and packet.wscale >= 0)
            return present != inverted
        return True
