"""Types and codes of ICMP messages in rule text. Models libxt_icmp.h of iptables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from netsim.netfilter.errors import RuleSyntaxError

if TYPE_CHECKING:
    from netsim.packet import Packet

ANY: Final = 255
"""The type that stands for every type of ICMP (IPv4 only)."""

Names: TypeAlias = Mapping[str, tuple[int, int, int]]
"""Name to type, lowest and highest code; of two names for one type the first is printed."""


@dataclass(frozen=True, slots=True)
class IcmpTest:
    """`[!] type[/code]`."""

    type: int
    low: int = 0
    high: int = 255
    inverted: bool = False
    any: bool = False

    def accepts(self, packet: Packet) -> bool:
        """Whether the message passes."""
        same = self.any or (
            packet.icmp_type == self.type and self.low <= packet.icmp_code <= self.high
        )
        return same != self.inverted


def parse_icmp(text: str, inverted: bool, names: Names, family: str) -> IcmpTest:
    """A name, the beginning of one, `3` or `3/1`. Raises RuleSyntaxError."""
    found = [name for name in names if name.lower().startswith(text.lower())]
    exact = [name for name in found if name.lower() == text.lower()]
    if len(found) > 1 and not exact:
        raise RuleSyntaxError(
            f"Ambiguous {family} type `{text}': `{found[0]}' or `{found[1]}'?"
        )
    if found:
        number, low, high = names[(exact or found)[0]]
        return IcmpTest(number, low, high, inverted, number == ANY and family == "ICMP")
    type_text, slash, code_text = text.partition("/")
    number = _byte(type_text, f"Unknown {family} type `{type_text}'")
    if number == ANY and family == "ICMP":
        return IcmpTest(number, inverted=inverted, any=True)
    if not slash:
        return IcmpTest(number, inverted=inverted)
    code = _byte(code_text, f"Unknown {family} code `{text}'")
    return IcmpTest(number, code, code, inverted)


def _byte(text: str, complaint: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > 255:
        raise RuleSyntaxError(complaint)
    return int(text)


def save_icmp(option: str, test: IcmpTest) -> str:
    """`[!] --icmp-type 3/1`."""
    code = "" if (test.low, test.high) == (0, 255) else f"/{test.low}"
    text = "any" if test.any else f"{test.type}{code}"
    return f"{'! ' if test.inverted else ''}{option} {text}"


def list_icmp(word: str, test: IcmpTest, numeric: bool, names: Names) -> str:
    """`icmptype 3 code 1`, or the name if names are wanted."""
    wanted = (test.type, test.low, test.high)
    name = next((name for name, codes in names.items() if codes == wanted), None)
    if not numeric and name is not None:
        return f"{word} {'!' if test.inverted else ''}{name}"
    text = f"{word} !type {test.type}" if test.inverted else f"{word}type {test.type}"
    if (test.low, test.high) == (0, 255):
        return text
    if test.low == test.high:
        return f"{text} code {test.low}"
    return f"{text} codes {test.low}-{test.high}"
