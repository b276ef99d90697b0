"""One rule as text and back: what follows `-A CHAIN` in iptables-save."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.netfilter.addresses import network_text
from netsim.netfilter.arguments import scan
from netsim.netfilter.names import protocol_text
from netsim.netfilter.ruleset import Jump
from netsim.netfilter.text import split_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netsim.netfilter.extension import Match
    from netsim.netfilter.ruleset import AddressTest, InterfaceTest, RuleSpec


def parse_rule(text: str | Sequence[str], family: int = 4) -> RuleSpec:
    """`-s 10.0.0.1 -p tcp --dport 80 -j ACCEPT` as a spec; chains it jumps to need not exist yet.

    Raises RuleSyntaxError, and ValueError if the text describes several rules.
    """
    argv = split_line(text) if isinstance(text, str) else text
    specs = scan(argv, family).specs()
    if len(specs) != 1:
        raise ValueError("one rule expected, several addresses given")
    return specs[0]


def conditions_text(spec: RuleSpec, family: int) -> str:
    """The rule without its target, each word after a blank."""
    text = _addresses(spec.source, "-s", family) + _addresses(spec.destination, "-d", family)
    text += _interface(spec.in_interface, "-i") + _interface(spec.out_interface, "-o")
    if spec.protocol is not None:
        invert = " !" if spec.protocol.inverted else ""
        text += f"{invert} -p {protocol_text(spec.protocol.protocol)}"
    if spec.fragment is not None:
        text += " -f" if spec.fragment else " ! -f"
    for match in shown_matches(spec):
        options = match.save()
        text += f" -m {match.name}" + (f" {options}" if options else "")
    return text


def shown_matches(spec: RuleSpec) -> list[Match]:
    """The matches as iptables-nft reads them back: several native ones of a kind are one, and one
    that tests nothing is none.
    """
    shown: list[Match] = []
    places: dict[str, int] = {}
    for match in spec.matches:
        if not match.native:
            shown.append(match)
        elif match.name in places:
            earlier = shown[places[match.name]]
            shown[places[match.name]] = match.shown_after(earlier)
        elif match.save():
            places[match.name] = len(shown)
            shown.append(match)
    return shown


def target_text(spec: RuleSpec) -> str:
    """The target, after a blank; nothing if there is none."""
    target = spec.target
    if target is None:
        return ""
    if isinstance(target, Jump):
        return f" {'-g' if target.goto else '-j'} {target.chain}"
    options = target.save()
    return f" -j {target.name}" + (f" {options}" if options else "")


def rule_text(spec: RuleSpec, family: int) -> str:
    """The rule as iptables-save prints it after `-A CHAIN`, each word after a blank."""
    return conditions_text(spec, family) + target_text(spec)


def _addresses(test: AddressTest | None, option: str, family: int) -> str:
    if test is None:
        return ""
    return f"{' !' if test.inverted else ''} {option} {network_text(family, test)}"


def _interface(test: InterfaceTest | None, option: str) -> str:
    if test is None:
        return ""
    return f"{' !' if test.inverted else ''} {option} {test.name}"
