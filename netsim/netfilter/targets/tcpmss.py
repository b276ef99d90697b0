"""`-j TCPMSS`: change the segment size that a SYN offers. Models xt_TCPMSS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Option, Target
from netsim.packet import SYN, TCP

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given, Walk
    from netsim.netfilter.hooks import Verdict


@dataclass(frozen=True, slots=True)
class TcpMss(Target):
    """A size, or None to clamp it to the path MTU (which the stack does not know: no change)."""

    name: ClassVar[str] = "TCPMSS"
    protocols: ClassVar[tuple[int, ...]] = (TCP,)
    options: ClassVar[tuple[Option, ...]] = (
        Option("--set-mss", excludes=("--clamp-mss-to-pmtu",)),
        Option("--clamp-mss-to-pmtu", arguments=0, excludes=("--set-mss",)),
    )

    size: int | None

    @classmethod
    def parse(cls, given: Given) -> Self:
        """One of both."""
        if given.has("--set-mss"):
            return cls(given.number("--set-mss", 0, 65535 - 40))
        if given.has("--clamp-mss-to-pmtu"):
            return cls(None)
        raise RuleSyntaxError("TCPMSS target: At least one parameter is required")

    def save(self) -> str:
        """The size or the clamp."""
        return "--clamp-mss-to-pmtu" if self.size is None else f"--set-mss {self.size}"

    def listing(self, numeric: bool) -> str:
        """The size or the clamp."""
        return "TCPMSS " + ("clamp to PMTU" if self.size is None else f"set {self.size}")

    def act(self, context: Context) -> Verdict | Walk | None:
        """The walk goes on; a size is never raised."""
        context.volatile = True
        packet = context.packet
        if packet.flags & SYN and self.size is not None and packet.mss > self.size:
            packet.mss = self.size
        return None
