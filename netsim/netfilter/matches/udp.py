"""`-m udp`: ports of a UDP datagram. Models xt_tcpudp's udp match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.extension import Match, Option
from netsim.netfilter.ports import (
    PortTest,
    inline_ports,
    list_ports,
    parse_both_ports,
    ports_pass,
    save_ports,
)
from netsim.packet import UDP

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given


@dataclass(frozen=True, slots=True)
class Udp(Match):
    """Source and destination ports."""

    name: ClassVar[str] = "udp"
    protocols: ClassVar[tuple[int, ...]] = (UDP,)
    options: ClassVar[tuple[Option, ...]] = (
        Option("--source-port", "--sport", invertible=True),
        Option("--destination-port", "--dport", invertible=True),
    )

    sport: PortTest | None = None
    dport: PortTest | None = None

    @classmethod
    def parse(cls, given: Given) -> Self:
        """Ports as numbers, names or ranges."""
        ports = parse_both_ports(given, UDP)
        return cls(*ports)

    @property
    def exact_dport(self) -> int | None:
        """--dport with one port."""
        return self.dport.exact if self.dport else None

    @property
    def only_dport(self) -> bool:
        """--dport alone."""
        return self.sport is None

    @property
    def native(self) -> bool:  # type: ignore[override]
        """Unless it tests nothing."""
        return bool(self.sport or self.dport)

    def shown_after(self, earlier: Self) -> Self:
        """One match with the tests of both; of two tests of one port the later is shown."""
        return type(self)(self.sport or earlier.sport, self.dport or earlier.dport)

    @property
    def pure(self) -> bool:
        """Yes."""
        return True

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
        """Ports."""
        text = save_ports("--sport", self.sport) + save_ports("--dport", self.dport)
        return text[1:]

    def listing(self, numeric: bool) -> str:
        """Ports."""
        text = "udp" + list_ports("spt", self.sport, numeric, UDP)
        return text + list_ports("dpt", self.dport, numeric, UDP)

    def matches(self, context: Context) -> bool:
        """Both ports, where asked for."""
        return ports_pass(self.sport, self.dport, context.packet)
