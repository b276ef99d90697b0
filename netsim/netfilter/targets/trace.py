"""`-j TRACE`: every further rule that the packet passes is reported. Models xt_TRACE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.extension import Target

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given, Walk
    from netsim.netfilter.hooks import Verdict


@dataclass(frozen=True, slots=True)
class TraceTarget(Target):
    """No options."""

    name: ClassVar[str] = "TRACE"

    @classmethod
    def parse(cls, given: Given) -> Self:
        """No options."""
        return cls()

    def act(self, context: Context) -> Verdict | Walk | None:
        """The walk goes on."""
        context.volatile = True
        context.nftrace = True
        return None
