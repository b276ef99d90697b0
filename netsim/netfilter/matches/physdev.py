"""`-m physdev`: the bridge ports of a bridged packet. Models xt_physdev."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Match, Option
from netsim.netfilter.hooks import Hook
from netsim.netfilter.names import check_interface_name
from netsim.netfilter.ruleset import InterfaceTest

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given


def _interface(given: Given, option: str) -> InterfaceTest | None:
    value = given.get(option)
    if value is None:
        return None
    check_interface_name(value.text)
    return InterfaceTest(value.text, value.inverted)


def _flag(given: Given, option: str) -> bool | None:
    value = given.get(option)
    return None if value is None else not value.inverted


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysDev(Match):
    """Ports by name, and whether there are any; routed packets have none."""

    name: ClassVar[str] = "physdev"
    options: ClassVar[tuple[Option, ...]] = (
        Option("--physdev-in", invertible=True),
        Option("--physdev-out", invertible=True),
        Option("--physdev-is-in", arguments=0, invertible=True),
        Option("--physdev-is-out", arguments=0, invertible=True),
        Option("--physdev-is-bridged", arguments=0, invertible=True),
    )

    port_in: InterfaceTest | None = None
    is_in: bool | None = None
    port_out: InterfaceTest | None = None
    is_out: bool | None = None
    is_bridged: bool | None = None

    @classmethod
    def parse(cls, given: Given) -> Self:
        """At least one of them."""
        if not given.values:
            raise RuleSyntaxError("PHYSDEV: no physdev option specified")
        return cls(
            port_in=_interface(given, "--physdev-in"), port_out=_interface(given, "--physdev-out"),
            is_in=_flag(given, "--physdev-is-in"), is_out=_flag(given, "--physdev-is-out"),
            is_bridged=_flag(given, "--physdev-is-bridged"),
        )

    def forbidden_hooks(self) -> tuple[Hook, ...]:
        """The kernel does not know the outgoing port of what it makes itself."""
        asks_out = self.port_out is not None or self.is_out is not None
        return (Hook.OUTPUT,) if asks_out and not self.is_bridged else ()

    @property
    def pure(self) -> bool:
        """Yes."""
        return True

    def save(self) -> str:
        """In the kernel's order."""
        parts = []
        for wanted, option in (
            (self.is_in, "--physdev-is-in"), (self.port_in, "--physdev-in"),
            (self.is_out, "--physdev-is-out"), (self.port_out, "--physdev-out"),
            (self.is_bridged, "--physdev-is-bridged"),
        ):
            if isinstance(wanted, InterfaceTest):
                parts.append(f"{'! ' if wanted.inverted else ''}{option} {wanted.name}")
            elif wanted is not None:
                parts.append(f"{'' if wanted else '! '}{option}")
        return " ".join(parts)

    def listing(self, numeric: bool) -> str:
        """As save."""
        return f"PHYSDEV match {self.save()}"

    def matches(self, context: Context) -> bool:
        """All that was asked for."""
        port_in, port_out = context.physdev_in, context.physdev_out
        if not port_in:
            return not (
                self.is_in or self.is_out or self.is_bridged
                or (self.port_in and not self.port_in.inverted)
                or (self.port_out and not self.port_out.inverted)
            )
        if self.is_bridged is not None and bool(port_out) != self.is_bridged:
            return False
        if self.is_in is False or (self.is_out is not None and bool(port_out) != self.is_out):
            return False
        if self.port_in and not self.port_in.accepts(port_in):
            return False
        return self.port_out is None or self.port_out.accepts(port_out)
