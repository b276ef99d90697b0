"""Statements that translate addresses: dnat, snat, masquerade, redirect. Models nft_nat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from netsim.netfilter.context import NatRange
from netsim.netfilter.hooks import Verdict
from netsim.nft.statements import BREAK, show_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.netfilter.context import Context
    from netsim.nft.expressions import Expression, Value
    from netsim.nft.ruleset import Table
    from netsim.nft.statements import Break, Outcome, Step

__all__ = ["Destination", "MapLookup", "Masquerade", "Picked", "Redirect", "Translate"]


@dataclass(frozen=True, slots=True)
class Destination:
    """An address and perhaps a port to translate to."""

    address: int
    port: int | None
    text: str
    """`10.0.0.1:80`, `[fd00::1]:80`, `10.0.0.1`."""

    def picker(self, table: Table) -> Picker:
        """Always this one."""
        del table
        picked = (self.address, self.port)
        return lambda _: picked

    def __str__(self) -> str:
        return self.text


Picked: TypeAlias = tuple[int, int | None]
"""An address and perhaps a port."""
Picker: TypeAlias = "Callable[[Context], Picked | None]"


@dataclass(frozen=True, slots=True)
class MapLookup:
    """`numgen inc mod 2 map { 0 : 10.0.0.1 . 80, 1 : 10.0.0.2 . 80 }`."""

    key: Expression
    elements: tuple[tuple[Value, tuple[int, ...]], ...]
    types: tuple[object, ...]

    def picker(self, table: Table) -> Picker:
        """What the map has for the key."""
        read = self.key.reader(table)
        picks = {
            value: (data[0], data[1] if len(data) > 1 else None) for value, data in self.elements
        }
        return lambda context: picks.get(read(context))  # type: ignore[arg-type]

    def __str__(self) -> str:
        keys = self.key.types
        pairs = (f"{show_key(keys, k)} : {show_key(self.types, data)}" for k, data in self.elements)
        return f"{self.key} map {{ {', '.join(pairs)} }}"


@dataclass(frozen=True, slots=True)
class Translate:
    """`dnat to 10.0.0.1:80`, `dnat ip to numgen ... map { ... }`, `snat to ...`."""

    kind: str
    to: Destination | MapLookup
    family: str = ""
    flags: tuple[str, ...] = ()

    def step(self, table: Table) -> Step:
        """Binds the flow and accepts; drops when no tuple is free."""
        pick, flags = self.to.picker(table), _nat_flags(self.flags)

        def run(context: Context) -> Outcome | Break | None:
            picked = pick(context)
            if picked is None:
                return BREAK
            address, port = picked
            return _bind(
                context,
                NatRange(
                    min_address=address, max_address=address, min_port=port, max_port=port, **flags
                ),
            )

        return run

    def __str__(self) -> str:
        family = f" {self.family}" if self.family else ""
        return " ".join([f"{self.kind}{family} to {self.to}", *self.flags])


def _nat_flags(words: tuple[str, ...]) -> dict[str, bool]:
    return {word.replace("-", "_"): True for word in words}


def _bind(context: Context, nat_range: NatRange) -> Verdict:
    return Verdict.ACCEPT if context.setup_nat(nat_range) else Verdict.DROP


@dataclass(frozen=True, slots=True)
class Masquerade:
    """`masquerade fully-random`: the source becomes the outgoing interface's first address."""

    flags: tuple[str, ...] = ()

    def step(self, table: Table) -> Step:
        """Binds the flow and accepts; drops without an address or a free tuple."""
        del table
        flags = _nat_flags(self.flags)

        def run(context: Context) -> Outcome | Break | None:
            family = context.packet.family
            address = context.stack.interface_address(family, context.out_interface)
            if address is None:
                return Verdict.DROP
            return _bind(context, NatRange(min_address=address, max_address=address, **flags))

        return run

    def __str__(self) -> str:
        return " ".join(["masquerade", *self.flags])


_LOOPBACK: Final = {4: 0x7F000001, 6: 1}


@dataclass(frozen=True, slots=True)
class Redirect:
    """`redirect to :8080`: the destination becomes this host."""

    port: int | None = None

    def step(self, table: Table) -> Step:
        """Binds the flow and accepts; drops without an address or a free tuple."""
        del table
        port = self.port

        def run(context: Context) -> Outcome | Break | None:
            family, interface = context.packet.family, context.in_interface
            address: int | None = _LOOPBACK[family]
            if interface:
                address = context.stack.interface_address(family, interface)
            if address is None:
                return Verdict.DROP
            return _bind(
                context,
                NatRange(min_address=address, max_address=address, min_port=port, max_port=port),
            )

        return run

    def __str__(self) -> str:
        return f"redirect to :{self.port}" if self.port else "redirect"
