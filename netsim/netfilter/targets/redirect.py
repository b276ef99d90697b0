"""`-j REDIRECT`: to this host itself. Models xt_REDIRECT."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.context import NatRange
from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Option, Target
from netsim.netfilter.hooks import Hook, Verdict
from netsim.netfilter.natrange import flags_text, parse_ports, ports_text

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given, Walk

_LOOPBACK: Final = {4: 0x7F000001, 6: 1}


@dataclass(frozen=True, slots=True)
class Redirect(Target):
    """Ports, and how they are picked."""

    name: ClassVar[str] = "REDIRECT"
    tables: ClassVar[tuple[str, ...]] = ("nat",)
    hooks: ClassVar[tuple[Hook, ...]] = (Hook.PREROUTING, Hook.OUTPUT)
    options: ClassVar[tuple[Option, ...]] = (
        Option("--to-ports"),
        Option("--random", arguments=0),
    )

    range: NatRange

    @classmethod
    def parse(cls, given: Given) -> Self:
        """`port[-port]`."""
        low = high = base = None
        if given.has("--to-ports"):
            low, high, base = parse_ports(given, given.text("--to-ports"))
        if base is not None:
            raise RuleSyntaxError("Shifted portmap ranges not supported with this kernel")
        return cls(NatRange(min_port=low, max_port=high, random=given.has("--random")))

    def save(self) -> str:
        """Ports and flags."""
        ports = "" if self.range.min_port is None else f" --to-ports {ports_text(self.range)}"
        return (ports + flags_text(self.range, "--"))[1:]

    def listing(self, numeric: bool) -> str:
        """Ports and flags."""
        ports = "" if self.range.min_port is None else f" redir ports {ports_text(self.range)}"
        return (ports + flags_text(self.range, ""))[1:]

    def act(self, context: Context) -> Verdict | Walk | None:
        """Bind the flow to the incoming interface's first address; in OUTPUT to loopback."""
        family = context.packet.family
        address: int | None = _LOOPBACK[family]
        if context.hook != Hook.OUTPUT:
            address = context.stack.interface_address(family, context.in_interface)
        if address is None:
            return Verdict.DROP
        bound = replace(self.range, min_address=address, max_address=address)
        return Verdict.ACCEPT if context.setup_nat(bound) else Verdict.DROP
