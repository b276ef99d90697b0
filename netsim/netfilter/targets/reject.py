"""`-j REJECT`: drop the packet and tell the sender. Models ipt_REJECT and ip6t_REJECT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.context import RejectWith
from netsim.netfilter.errors import INVALID, RuleSyntaxError
from netsim.netfilter.extension import Option, Target
from netsim.netfilter.hooks import Hook, Verdict
from netsim.packet import TCP

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given, Walk

_ALIASES: Final = {
    4: {
        RejectWith.NET_UNREACHABLE: "net-unreach", RejectWith.HOST_UNREACHABLE: "host-unreach",
        RejectWith.PROTO_UNREACHABLE: "proto-unreach", RejectWith.PORT_UNREACHABLE: "port-unreach",
        RejectWith.NET_PROHIBITED: "net-prohib", RejectWith.HOST_PROHIBITED: "host-prohib",
        RejectWith.TCP_RESET: "tcp-rst", RejectWith.ADMIN_PROHIBITED: "admin-prohib",
    },
    6: {
        RejectWith.NO_ROUTE6: "no-route", RejectWith.ADM_PROHIBITED6: "adm-prohibited",
        RejectWith.ADDR_UNREACHABLE6: "addr-unreach", RejectWith.PORT_UNREACHABLE6: "port-unreach",
        RejectWith.TCP_RESET: "tcp-reset", RejectWith.POLICY_FAIL6: "policy-fail",
        RejectWith.REJECT_ROUTE6: "reject-route",
    },
}
_DEFAULT: Final = {4: RejectWith.PORT_UNREACHABLE, 6: RejectWith.PORT_UNREACHABLE6}


def _parse_type(family: int, text: str) -> RejectWith:
    wanted = text.lower()
    for kind, alias in _ALIASES[family].items():
        if kind.value.startswith(wanted) or alias.startswith(wanted):
            return kind
    raise RuleSyntaxError(f'unknown reject type "{text}"')


@dataclass(frozen=True, slots=True)
class Reject(Target):
    """How the sender learns of it."""

    name: ClassVar[str] = "REJECT"
    tables: ClassVar[tuple[str, ...]] = ("filter",)
    hooks: ClassVar[tuple[Hook, ...]] = (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)
    options: ClassVar[tuple[Option, ...]] = (Option("--reject-with"),)

    reject_with: RejectWith

    @classmethod
    def parse(cls, given: Given) -> Self:
        """A type or the beginning of one; port unreachable if none is given."""
        text = given.text("--reject-with")
        kind = _parse_type(given.family, text) if text else _DEFAULT[given.family]
        return cls(kind)

    def refusal(self, protocol: int | None) -> str:
        """A reset is TCP's."""
        resets = self.reject_with is RejectWith.TCP_RESET
        return INVALID if resets and protocol != TCP else ""

    def save(self) -> str:
        """Always with the type."""
        return f"--reject-with {self.reject_with.value}"

    def listing(self, numeric: bool) -> str:
        """Always with the type."""
        return f"reject-with {self.reject_with.value}"

    def act(self, context: Context) -> Verdict | Walk | None:
        """The stack sends the answer, after the drop."""
        context.rejection = self.reject_with
        return Verdict.DROP
