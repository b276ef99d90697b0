"""`-m nfacct`: counts in a named account; always true. Models xt_nfacct."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.extension import Match, Option

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Check, Given
    from netsim.netfilter.shared import Account, Shared


@dataclass(frozen=True, slots=True)
class NfAcct(Match):
    """The account's name."""

    name: ClassVar[str] = "nfacct"
    options: ClassVar[tuple[Option, ...]] = (Option("--nfacct-name", required=True),)

    account: str

    @classmethod
    def parse(cls, given: Given) -> Self:
        """Any name of up to 31 characters."""
        return cls(given.text("--nfacct-name"))

    def save(self) -> str:
        """With two blanks, as iptables does."""
        return f"--nfacct-name  {self.account}"

    def listing(self, numeric: bool) -> str:
        """With two blanks, as iptables does."""
        return f"nfacct-name  {self.account}"

    def check(self, shared: Shared) -> Check:
        """Bound to the account."""
        return partial(_count, shared.account(self.account))


def _count(account: Account, context: Context) -> bool:
    if context.hits is not None:
        context.hits.append(account)
    account.packets += 1
    account.bytes += context.packet.length
    return True
