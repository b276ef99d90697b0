"""Statements: what a rule tests and does. Models nft_cmp, nft_lookup, nft_immediate, nft_nat, ...

A statement is a value that prints as nft prints it; `step(table)` makes the function that runs it:
None goes on with the next statement, `BREAK` with the next rule, an `Outcome` decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from netsim.netfilter.context import RejectWith
from netsim.netfilter.hooks import Verdict
from netsim.nft.datatypes import MARK
from netsim.nft.values import Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.netfilter.context import Context
    from netsim.nft.datatypes import Scalar
    from netsim.nft.expressions import Expression, Reader, Value
    from netsim.nft.ruleset import Table
    from netsim.nft.values import Right

__all__ = [
    "BREAK",
    "Compare",
    "Counter",
    "Go",
    "Outcome",
    "Reject",
    "SetMark",
    "Statement",
    "Step",
    "Update",
    "VerdictMap",
    "show_key",
]


class Break(Enum):
    """The one value of what ends a rule without a decision."""

    BREAK = "break"


BREAK: Final = Break.BREAK


@dataclass(frozen=True, slots=True)
class Go:
    """A verdict: accept, drop, return, continue, or jump and goto with a chain."""

    kind: str
    chain: str = ""

    def step(self, table: Table) -> Step:
        """Decides always."""
        del table
        outcome = self.outcome
        return lambda _: outcome

    @property
    def outcome(self) -> Outcome | None:
        """What the walk is told."""
        if self.kind in ("accept", "drop"):
            return Verdict[self.kind.upper()]
        return None if self.kind == "continue" else self

    def __str__(self) -> str:
        return f"{self.kind} {self.chain}" if self.chain else self.kind


Outcome: TypeAlias = Verdict | Go
Step: TypeAlias = "Callable[[Context], Outcome | Break | None]"


class Statement(Protocol):
    """One statement of a rule."""

    def step(self, table: Table) -> Step:
        """The function that runs it for a rule of `table`."""


@dataclass(frozen=True, slots=True)
class Compare:
    """`ip saddr != 10.0.0.0/8`, `ip daddr @cluster-ips`, `ct state new`."""

    left: Expression
    right: Right
    negated: bool = False

    def step(self, table: Table) -> Step:
        """Goes on when the comparison holds."""
        read, negated = self.left.reader(table), self.negated
        if isinstance(self.right, Literal):
            return _compare_literal(read, self.right.value, negated)
        holds = self.right.holder(table)

        def run(context: Context) -> Outcome | Break | None:
            value = read(context)
            if value is None or holds(context, value) == negated:
                return BREAK
            return None

        return run

    def __str__(self) -> str:
        return f"{self.left} {'!= ' if self.negated else ''}{self.right}"


def _compare_literal(read: Reader, wanted: Scalar, negated: bool) -> Step:
    """With one value, by far the most comparisons."""
    def run(context: Context) -> Outcome | Break | None:
        value = read(context)
        return BREAK if value is None or (value == wanted) == negated else None

    return run


@dataclass(frozen=True, slots=True)
class VerdictMap:
    """`ip daddr . meta l4proto . th dport vmap @service-ips`, or with the map in braces."""

    key: Expression
    name: str = ""
    elements: tuple[tuple[Value, Go], ...] = ()

    def step(self, table: Table) -> Step:
        """Does what the map says; with no element the next statement."""
        read = self.key.reader(table)
        if not self.name:
            verdicts = {value: go.outcome for value, go in self.elements}
            return lambda context: verdicts.get(read(context), BREAK)  # type: ignore[arg-type]
        sets, name = table.sets, self.name

        def run(context: Context) -> Outcome | Break | None:
            value = read(context)
            found = None if value is None else sets[name].lookup(value, context)
            return BREAK if found is None else found.verdict.outcome  # type: ignore[union-attr]

        return run

    def __str__(self) -> str:
        if self.name:
            return f"{self.key} vmap @{self.name}"
        types = self.key.types
        pairs = (f"{show_key(types, value)} : {go}" for value, go in self.elements)
        return f"{self.key} vmap {{ {', '.join(pairs)} }}"


def show_key(types: tuple[object, ...], value: Value) -> str:
    """A key or the data of a map as text."""
    values = value if isinstance(value, tuple) else (value,)
    return " . ".join(t.show(v) for t, v in zip(types, values, strict=True))  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class SetMark:
    """`meta mark set meta mark | 0x00004000`."""

    value: Expression | int

    def step(self, table: Table) -> Step:
        """Writes the packet's mark."""
        if isinstance(self.value, int):
            constant = self.value
            read = None
        else:
            read, constant = self.value.reader(table), 0

        def run(context: Context) -> Outcome | Break | None:
            value = constant if read is None else read(context)
            if not isinstance(value, int):
                return BREAK
            context.mark = value
            return None

        return run

    def __str__(self) -> str:
        value = MARK.show(self.value) if isinstance(self.value, int) else self.value
        return f"meta mark set {value}"


class Counter:
    """`counter packets 0 bytes 0`: counts what reaches it; the one statement with its own state."""

    __slots__ = ("bytes", "packets")

    def __init__(self, packets: int = 0, bytes_: int = 0) -> None:
        self.packets = packets
        self.bytes = bytes_

    def step(self, table: Table) -> Step:
        """Counts and goes on."""
        del table

        def run(context: Context) -> Outcome | Break | None:
            self.packets += 1
            self.bytes += context.packet.length
            if context.hits is not None:
                context.hits.append(self)
            return None

        return run

    def __str__(self) -> str:
        return f"counter packets {self.packets} bytes {self.bytes}"


@dataclass(frozen=True, slots=True)
class Update:
    """`update @affinity { ip saddr }`: put into a set, or start its time anew."""

    name: str
    key: Expression
    verb: str = "update"

    def step(self, table: Table) -> Step:
        """Writes the set; full sets end the rule."""
        sets, name, read = table.sets, self.name, self.key.reader(table)
        refresh = self.verb == "update"

        def run(context: Context) -> Outcome | Break | None:
            value = read(context)
            context.volatile = True
            if value is None or not sets[name].update(value, context, refresh=refresh):
                return BREAK
            return None

        return run

    def __str__(self) -> str:
        return f"{self.verb} @{self.name} {{ {self.key} }}"


_REJECT_TEXT: Final = {
    RejectWith.PORT_UNREACHABLE: "",
    RejectWith.PORT_UNREACHABLE6: "",
    RejectWith.TCP_RESET: "tcp reset",
}


@dataclass(frozen=True, slots=True)
class Reject:
    """`reject`: drop and answer; port-unreachable unless told."""

    answer: RejectWith | None = None

    def step(self, table: Table) -> Step:
        """Drops and leaves the answer with the packet."""
        usual = RejectWith.PORT_UNREACHABLE
        if table.family == "ip6":
            usual = RejectWith.PORT_UNREACHABLE6
        answer = self.answer or usual

        def run(context: Context) -> Outcome | Break | None:
            context.rejection = answer
            return Verdict.DROP

        return run

    def __str__(self) -> str:
        if self.answer is None or not (text := _REJECT_TEXT.get(self.answer, self.answer.value)):
            return "reject"
        for prefix, word in (("icmp6-", "icmpv6 "), ("icmp-", "icmp ")):
            text = word + text.removeprefix(prefix) if text.startswith(prefix) else text
        return f"reject with {text}"
