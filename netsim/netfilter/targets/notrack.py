"""`-j NOTRACK`: conntrack leaves the packet alone. Models the NOTRACK alias of xt_CT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.extension import Target

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given, Walk
    from netsim.netfilter.hooks import Verdict


@dataclass(frozen=True, slots=True)
class NoTrack(Target):
    """No options."""

    name: ClassVar[str] = "NOTRACK"
    listed_name: ClassVar[str] = "CT"
    tables: ClassVar[tuple[str, ...]] = ("raw",)

    @classmethod
    def parse(cls, given: Given) -> Self:
        """No options."""
        return cls()

    def listing(self, numeric: bool) -> str:
        """As an alias of CT."""
        return "NOTRACK"

    def act(self, context: Context) -> Verdict | Walk | None:
        """The walk goes on."""
        context.notrack()
        return None
