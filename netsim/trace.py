"""Why a packet went where it went: each step of its way, as data and as text.

A `Trace` is handed to `connect`, `send_datagram` or `ping`; every stack that the packet and its
answers pass adds steps. Without one nothing is recorded and nothing is paid.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from netsim.packet import Packet


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened to a packet."""

    time: float
    node: str
    """Name of the namespace (host or Pod)."""
    kind: str
    """receive, send, hook, rule, policy, nat, route, conntrack, deliver, drop, answer, ..."""
    packet: str
    """The packet as text, as it was when the step began."""
    text: str
    """The step in words."""
    hook: str = ""
    table: str = ""
    chain: str = ""
    number: int = 0
    """Rule number from 1."""
    rule: str = ""
    """The rule as iptables-save (or nft) writes it."""
    verdict: str = ""
    """ACCEPT, DROP, REJECT, jump CHAIN, goto CHAIN, RETURN, continue, DNAT to ..."""
    counters: tuple[int, int] | None = None
    """Packets and bytes of the rule or policy, this packet counted; None: it counts nothing."""


@dataclass(slots=True)
class Trace:
    """The recorder; `steps` in order. The stack sets `time`, `node`, `hook` and `packet` as the
    packet moves on, so that rules need only say what is theirs.
    """

    steps: list[Step] = field(default_factory=list)
    time: float = 0.0
    node: str = ""
    hook: str = ""
    packet: str = ""

    def at(self, time: float, node: str, hook: str, packet: Packet) -> None:
        """The packet has come to a hook of a node."""
        self.time, self.node, self.hook, self.packet = time, node, hook, str(packet)
        self.add("hook", hook)

    def add(self, kind: str, text: str, *, verdict: str = "") -> None:
        """A step that is not a rule's."""
        self.steps.append(
            Step(time=self.time, node=self.node, hook=self.hook, packet=self.packet, kind=kind,
                 text=text, verdict=verdict)
        )

    def rule(
        self, table: str, chain: str, number: int, rule: str, verdict: str,
        counters: tuple[int, int] | None = None,
    ) -> None:
        """Rule `number` (from 1) of a chain matched; what came of it."""
        text = f"{table} {chain} {number}: {rule} => {verdict}"
        self.steps.append(
            Step(time=self.time, node=self.node, hook=self.hook, packet=self.packet, kind="rule",
                 text=text, table=table, chain=chain, number=number, rule=rule, verdict=verdict,
                 counters=counters)
        )

    def policy(
        self, table: str, chain: str, verdict: str, counters: tuple[int, int] | None = None,
    ) -> None:
        """The end of a built-in chain was reached."""
        self.steps.append(
            Step(time=self.time, node=self.node, hook=self.hook, packet=self.packet, kind="policy",
                 text=f"{table} {chain} policy => {verdict}", table=table, chain=chain,
                 verdict=verdict, counters=counters)
        )

    def __str__(self) -> str:
        return format_steps(self.steps)


_INDENT: Final = {"rule": 4, "policy": 4, "nat": 4, "conntrack": 4}
"""By kind of step; 2 for the others."""


def format_steps(steps: list[Step]) -> str:
    """The steps as lines, under a heading whenever the packet comes to another node:

        minikube
          PREROUTING   tcp 172.17.0.100:40001 > 10.96.0.10:80 S seq=1 ack=0 ttl=64
            state NEW
            nat PREROUTING 1: -A PREROUTING -j KUBE-SERVICES => jump KUBE-SERVICES
    """
    lines: list[str] = []
    node = ""
    for step in steps:
        if step.node != node:
            node = step.node
            lines.append(node)
        if step.kind == "hook":
            lines.append(f"  {step.hook:<12} {step.packet}")
        else:
            lines.append(" " * _INDENT.get(step.kind, 2) + step.text)
    return "\n".join(lines)
