"""What expressions are held against: literals, ranges, braces, and named sets by reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from netsim.nft.datatypes import INTERFACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from netsim.netfilter.context import Context
    from netsim.nft.datatypes import DataType, Scalar
    from netsim.nft.expressions import Value
    from netsim.nft.ruleset import Table

__all__ = ["Bits", "Braces", "Literal", "NamedSet", "Range", "Right", "Wildcard", "merged"]

Holder: TypeAlias = "Callable[[Context, Value], bool]"


class Right(Protocol):
    """The right side of a comparison."""

    def holder(self, table: Table) -> Holder:
        """The function that says whether a value is it, or in it."""


@dataclass(frozen=True, slots=True)
class Literal:
    """One value."""

    value: Scalar
    type: DataType

    def holder(self, table: Table) -> Holder:
        """Equal to it."""
        del table
        wanted = self.value
        return lambda _, value: value == wanted

    def __str__(self) -> str:
        return self.type.show(self.value)


@dataclass(frozen=True, slots=True)
class Bits:
    """`established,related`: one bit in common is enough."""

    value: int
    type: DataType

    def holder(self, table: Table) -> Holder:
        """A bit of it is set."""
        del table
        wanted = self.value
        return lambda _, value: isinstance(value, int) and bool(value & wanted)

    def __str__(self) -> str:
        return self.type.show(self.value)


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`"veth*"`: a name that begins so."""

    prefix: str

    def holder(self, table: Table) -> Holder:
        """Begins with it."""
        del table
        prefix = self.prefix
        return lambda _, value: isinstance(value, str) and value.startswith(prefix)

    def __str__(self) -> str:
        return INTERFACE.show(f"{self.prefix}*")


@dataclass(frozen=True, slots=True)
class Range:
    """`10.0.0.0/8`, `192.168.0.1-192.168.0.3`, or one value; both ends are inside."""

    low: int
    high: int
    type: DataType

    def holder(self, table: Table) -> Holder:
        """Between the ends."""
        del table
        low, high = self.low, self.high
        return lambda _, value: isinstance(value, int) and low <= value <= high

    def __str__(self) -> str:
        size = self.high - self.low + 1
        if size == 1:
            return self.type.show(self.low)
        if size & (size - 1) == 0 and self.low % size == 0:
            return f"{self.type.show(self.low)}/{self.type.bits - size.bit_length() + 1}"
        return f"{self.type.show(self.low)}-{self.type.show(self.high)}"


def merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The ranges in order, neighbours and overlapping ones joined as the kernel's interval sets."""
    result: list[Range] = []
    for item in sorted(ranges, key=lambda r: (r.low, r.high)):
        if result and item.low <= result[-1].high + 1:
            last = result.pop()
            item = Range(last.low, max(last.high, item.high), item.type)
        result.append(item)
    return tuple(result)


@dataclass(frozen=True, slots=True)
class Braces:
    """`{ 10.0.0.0/8, 192.168.0.1 }`: a set without a name."""

    ranges: tuple[Range, ...]

    def holder(self, table: Table) -> Holder:
        """In one of the ranges."""
        del table
        bounds = [(r.low, r.high) for r in self.ranges]
        return lambda _, value: (
            isinstance(value, int) and any(low <= value <= high for low, high in bounds)
        )

    def __str__(self) -> str:
        return "{ " + ", ".join(map(str, self.ranges)) + " }"


@dataclass(frozen=True, slots=True)
class NamedSet:
    """`@cluster-ips`: a set of the same table."""

    name: str

    def holder(self, table: Table) -> Holder:
        """An element of it now."""
        sets, name = table.sets, self.name

        def holds(context: Context, value: Value) -> bool:
            found = sets[name]
            if found.dynamic:
                context.volatile = True
            return found.lookup(value, context) is not None

        return holds

    def __str__(self) -> str:
        return f"@{self.name}"
