"""Expressions: what a rule can read of a packet. Models nft_payload, nft_meta, nft_ct, nft_fib, ...

Each is a value that prints as nft prints it; `reader(table)` makes the function that reads it, with
state of its own if it needs any (numgen). A reader answers None when the packet has no such field:
then the rule does not match.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import and_, or_, xor
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from netsim.nft.datatypes import (
    ADDRESS,
    ADDRESS_TYPE,
    CT_STATE,
    CT_STATE_BITS,
    CT_STATUS,
    INTEGER,
    INTERFACE,
    MARK,
    PROTOCOL,
    SERVICE,
)
from netsim.packet import SCTP, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.netfilter.context import Context
    from netsim.nft.datatypes import DataType, Scalar
    from netsim.nft.ruleset import Table

__all__ = [
    "Address",
    "Binary",
    "Concat",
    "Ct",
    "Expression",
    "Fib",
    "Meta",
    "Numgen",
    "Port",
    "Reader",
    "Value",
]

Value: TypeAlias = "Scalar | tuple[Scalar, ...]"
"""One value, or those of a concatenation."""
Reader: TypeAlias = "Callable[[Context], Value | None]"


class Expression(Protocol):
    """Something to read."""

    @property
    def types(self) -> tuple[DataType, ...]:
        """The types of its values: one, or several of a concatenation."""

    def reader(self, table: Table) -> Reader:
        """The function that reads it for rules of `table`."""


@dataclass(frozen=True, slots=True)
class Address:
    """`ip saddr`, `ip6 daddr`."""

    family: str
    end: str

    @property
    def types(self) -> tuple[DataType, ...]:
        """An address of the family."""
        return (ADDRESS[self.family],)

    def reader(self, table: Table) -> Reader:
        """Reads the header of the packet as it is now."""
        del table
        version = 4 if self.family == "ip" else 6
        if self.end == "saddr":
            return lambda c: c.packet.src if c.packet.family == version else None
        return lambda c: c.packet.dst if c.packet.family == version else None

    def __str__(self) -> str:
        return f"{self.family} {self.end}"


_TRANSPORTS: Final = {
    "th": frozenset((TCP, UDP, SCTP)),
    "tcp": frozenset((TCP,)),
    "udp": frozenset((UDP,)),
    "sctp": frozenset((SCTP,)),
}


@dataclass(frozen=True, slots=True)
class Port:
    """`th dport`, `tcp sport`."""

    protocol: str
    end: str

    @property
    def types(self) -> tuple[DataType, ...]:
        """A port."""
        return (SERVICE,)

    def reader(self, table: Table) -> Reader:
        """Reads the transport header; None for other protocols."""
        del table
        protocols, source = _TRANSPORTS[self.protocol], self.end == "sport"

        def read(context: Context) -> Value | None:
            packet = context.packet
            if packet.protocol not in protocols:
                return None
            return packet.sport if source else packet.dport

        return read

    def __str__(self) -> str:
        return f"{self.protocol} {self.end}"


def _length(context: Context) -> Value | None:
    context.volatile = True
    return context.packet.length


_META: Final[dict[str, tuple[DataType, Reader]]] = {
    "l4proto": (PROTOCOL, lambda c: c.packet.protocol),
    "mark": (MARK, lambda c: c.mark),
    "iifname": (INTERFACE, lambda c: c.in_interface),
    "oifname": (INTERFACE, lambda c: c.out_interface),
    "length": (INTEGER, _length),
}


@dataclass(frozen=True, slots=True)
class Meta:
    """`meta mark`, `meta l4proto`, `iifname`."""

    key: str

    @property
    def types(self) -> tuple[DataType, ...]:
        """The type of that key."""
        return (_META[self.key][0],)

    def reader(self, table: Table) -> Reader:
        """Reads what the stack knows about the packet."""
        del table
        return _META[self.key][1]

    def __str__(self) -> str:
        return self.key if self.key in ("iifname", "oifname") else f"meta {self.key}"


def _ct_status(context: Context) -> Value | None:
    return context.connection.status if context.connection is not None else None


def _ct_mark(context: Context) -> Value | None:
    return context.connection.mark if context.connection is not None else None


_CT: Final[dict[str, tuple[DataType, Reader]]] = {
    "state": (CT_STATE, lambda c: CT_STATE_BITS[c.state]),
    "status": (CT_STATUS, _ct_status),
    "mark": (MARK, _ct_mark),
}


@dataclass(frozen=True, slots=True)
class Ct:
    """`ct state`, `ct status`, `ct mark`."""

    key: str

    @property
    def types(self) -> tuple[DataType, ...]:
        """The type of that key."""
        return (_CT[self.key][0],)

    def reader(self, table: Table) -> Reader:
        """Reads the connection that the packet belongs to."""
        del table
        return _CT[self.key][1]

    def __str__(self) -> str:
        return f"ct {self.key}"


@dataclass(frozen=True, slots=True)
class Fib:
    """`fib saddr type`, `fib daddr type`: what routing says about an address."""

    end: str

    @property
    def types(self) -> tuple[DataType, ...]:
        """A type of address."""
        return (ADDRESS_TYPE,)

    def reader(self, table: Table) -> Reader:
        """Asks the namespace."""
        del table
        source = self.end == "saddr"

        def read(context: Context) -> Value | None:
            packet = context.packet
            address = packet.src if source else packet.dst
            return int(context.stack.address_type(packet.family, address))

        return read

    def __str__(self) -> str:
        return f"fib {self.end} type"


@dataclass(frozen=True, slots=True)
class Numgen:
    """`numgen inc mod n` counts 0, 1, ..., n-1, 0, ...; `numgen random mod n` is chance."""

    mode: str
    modulus: int
    offset: int = 0

    @property
    def types(self) -> tuple[DataType, ...]:
        """A number."""
        return (INTEGER,)

    def reader(self, table: Table) -> Reader:
        """A counter of its own, or the namespace's chance."""
        del table
        return self._chance() if self.mode == "random" else self._counter()

    def _chance(self) -> Reader:
        def read(context: Context) -> Value | None:
            context.volatile = True
            return self.offset + context.stack.random.randrange(self.modulus)

        return read

    def _counter(self) -> Reader:
        last = self.modulus - 1

        def read(context: Context) -> Value | None:
            nonlocal last
            context.volatile = True
            last = (last + 1) % self.modulus
            return self.offset + last

        return read

    def __str__(self) -> str:
        offset = f" offset {self.offset}" if self.offset else ""
        return f"numgen {self.mode} mod {self.modulus}{offset}"


@dataclass(frozen=True, slots=True)
class Concat:
    """`ip daddr . meta l4proto . th dport`: several values as one key."""

    parts: tuple[Expression, ...]

    @property
    def types(self) -> tuple[DataType, ...]:
        """The types of the parts."""
        return tuple(t for part in self.parts for t in part.types)

    def reader(self, table: Table) -> Reader:
        """Reads the parts from left to right; None when one has no value."""
        readers = [part.reader(table) for part in self.parts]
        if len(readers) == 3:
            return _three(*readers)

        def read(context: Context) -> Value | None:
            values = []
            for reader in readers:
                value = reader(context)
                if value is None:
                    return None
                values.append(value)
            return tuple(values)  # type: ignore[arg-type]

        return read

    def __str__(self) -> str:
        return " . ".join(map(str, self.parts))


def _three(first: Reader, second: Reader, third: Reader) -> Reader:
    """The concatenation of every packet to a Service, without a loop."""
    def read(context: Context) -> Value | None:
        a, b, c = first(context), second(context), third(context)
        if a is None or b is None or c is None:
            return None
        return (a, b, c)  # type: ignore[return-value]

    return read


_OPERATORS: Final = {"&": and_, "|": or_, "^": xor}


@dataclass(frozen=True, slots=True)
class Binary:
    """`meta mark & 0x00004000`, also with | and ^."""

    left: Expression
    operator: str
    right: int

    @property
    def types(self) -> tuple[DataType, ...]:
        """The type of the left side."""
        return self.left.types

    def reader(self, table: Table) -> Reader:
        """Applies the operator to what the left side reads."""
        left, apply, right = self.left.reader(table), _OPERATORS[self.operator], self.right

        def read(context: Context) -> Value | None:
            value = left(context)
            return apply(value, right) if isinstance(value, int) else None

        return read

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.types[0].show(self.right)}"
