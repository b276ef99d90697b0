"""What `iptables -L` and `iptables -S` print. Models nft_ipv4_print_rule() and xshared.c."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netsim.netfilter.addresses import listed_network
from netsim.netfilter.errors import IncompatibleChainError
from netsim.netfilter.names import protocol_text
from netsim.netfilter.rule_text import conditions_text, shown_matches, target_text
from netsim.netfilter.ruleset import Jump

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netsim.netfilter.ruleset import AddressTest, Chain, InterfaceTest, Rule, RuleSpec, Table


@dataclass(frozen=True, slots=True)
class Format:
    """How to list: -n, -v, -x, --line-numbers."""

    numeric: bool = False
    verbose: bool = False
    exact: bool = False
    line_numbers: bool = False


def listed_chains(table: Table, words: list[str]) -> list[Chain]:
    """The chains that a command names: one, or all. Raises IncompatibleChainError."""
    if not words:
        return table.ordered_chains()
    chain = table.chains.get(words[0])
    if chain is None:
        raise IncompatibleChainError(
            f"chain `{words[0]}' in table `{table.name}' is incompatible, use 'nft' tool.\n"
        )
    return [chain]


def list_table(table: Table, words: list[str], form: Format) -> str:
    """`iptables -L [chain [number]]`."""
    chains = listed_chains(table, words)
    if len(words) > 1:
        number = int(words[1])
        rules = chains[0].rules[number - 1 : number]
        return "".join(
            f"{_rule_line(table, rule, number, form)}\n" for rule in rules
        )
    return "\n".join("".join(f"{line}\n" for line in _chain_lines(chain, form)) for chain in chains)


def _chain_lines(chain: Chain, form: Format) -> Iterator[str]:
    yield f"Chain {chain.name} ({_chain_state(chain, form)})"
    yield _columns(form)
    for number, rule in enumerate(chain.rules, 1):
        yield _rule_line(chain.table, rule, number, form)


def _chain_state(chain: Chain, form: Format) -> str:
    if chain.policy is None:
        return f"{chain.references} references"
    state = f"policy {chain.policy.value}"
    if form.verbose:
        packets = _count(chain.packets, form, width=0)
        state += f" {packets} packets, {_count(chain.bytes, form, width=0)} bytes"
    return state


def _columns(form: Format) -> str:
    text = f"{'num':<4s} " if form.line_numbers else ""
    if form.verbose:
        text += f"{'pkts':>8s} {'bytes':>10s} " if form.exact else f"{'pkts':>5s} {'bytes':>5s} "
    text += f"{'target':<9s}  {'prot':<4s} {'opt':s} "
    if form.verbose:
        text += f"{'in':<6s} {'out':<6s}  "
    return f"{text}{'source':<19s}  {'destination':<19s} "


def _count(number: int, form: Format, width: int = 5) -> str:
    """A counter; large ones in thousands, millions, ... unless -x wants them exact."""
    if form.exact:
        return f"{number:{8 if width else 0}d}"
    if number <= 99999:
        return f"{number:{width}d}"
    for unit in "KMGT":
        number = (number + 500) // 1000
        if number <= 9999 or unit == "T":
            return f"{number:{max(width - 1, 0)}d}{unit}"
    raise AssertionError


def _rule_line(table: Table, rule: Rule, number: int, form: Format) -> str:
    front = f"{number:<4d} " if form.line_numbers else ""
    if form.verbose:
        front += f"{_count(rule.packets, form)} {_count(rule.bytes, form)} "
    return front + rule_columns(rule.spec, table.ruleset.family, form)


def rule_columns(spec: RuleSpec, family: int, form: Format) -> str:
    """A rule in columns: target, protocol, options, interfaces, addresses, details."""
    name = "" if spec.target is None else _target_name(spec)
    text = f"{name:<9s} {_protocol(spec, form)} {_fragment(spec)} "
    if form.verbose:
        nothing = "*" if form.numeric else "any"
        text += f" {_interface(spec.in_interface, nothing):<6s} "
        text += f"{_interface(spec.out_interface, nothing):<6s} "
    text += f"{_address(spec.source, family, form)} {_address(spec.destination, family, form)} "
    return text + details(spec, form.numeric)


def _target_name(spec: RuleSpec) -> str:
    target = spec.target
    assert target is not None
    return target.chain if isinstance(target, Jump) else target.listed_name or target.name


def _protocol(spec: RuleSpec, form: Format) -> str:
    test = spec.protocol
    number = test.protocol if test else 0
    shown = str(number) if form.numeric else protocol_text(number)
    return f"{'!' if test and test.inverted else ' '}{shown:<4s}"


def _fragment(spec: RuleSpec) -> str:
    if spec.fragment is None:
        return "--"
    return "-f" if spec.fragment else "!f"


def _interface(test: InterfaceTest | None, nothing: str) -> str:
    if test is None:
        return nothing
    return f"{'!' if test.inverted else ''}{test.name}"


def _address(test: AddressTest | None, family: int, form: Format) -> str:
    invert = "!" if test and test.inverted else " "
    return f"{invert}{listed_network(family, test, form.numeric):<19s}"


def details(spec: RuleSpec, numeric: bool) -> str:
    """Matches and the target's options, each after a blank."""
    parts = [match.listing(numeric) for match in shown_matches(spec)]
    if isinstance(spec.target, Jump):
        goto = ["[goto] "] if spec.target.goto else []
        return "".join(goto) + "".join(f" {part}" for part in parts)
    if spec.target is not None:
        parts.append(spec.target.listing(numeric))
    return "".join(f" {part}" for part in parts if part)


def list_rules(table: Table, words: list[str], *, counters: bool) -> str:
    """`iptables -S [chain [number]]`; `counters`: with -v."""
    chains = listed_chains(table, words)
    if len(words) > 1:
        number = int(words[1])
        rules = chains[0].rules[number - 1 : number]
        return "".join(f"{_appended(chains[0], rule, counters)}\n" for rule in rules)
    lines = [_declared(chain, counters) for chain in chains]
    lines += [_appended(chain, rule, counters) for chain in chains for rule in chain.rules]
    return "".join(f"{line}\n" for line in lines)


def _declared(chain: Chain, counters: bool) -> str:
    if chain.policy is None:
        return f"-N {chain.name}"
    tail = f" -c {chain.packets} {chain.bytes}" if counters else ""
    return f"-P {chain.name} {chain.policy.value}{tail}"


def _appended(chain: Chain, rule: Rule, counters: bool) -> str:
    middle = f" -c {rule.packets} {rule.bytes}" if counters else ""
    front = f"-A {chain.name}{conditions_text(rule.spec, chain.table.ruleset.family)}"
    return front + middle + target_text(rule.spec)


def verbose_rule(spec: RuleSpec, family: int) -> str:
    """What -A, -I, -D, -C with -v print about the rule."""
    name = "" if spec.target is None else _target_name(spec)
    test = spec.protocol
    invert = "!" if test and test.inverted else " "
    protocol = invert + protocol_text(test.protocol if test else 0)
    ends = [
        f"{'!' if each and each.inverted else ' '}{listed_network(family, each, numeric=True)}"
        for each in (spec.source, spec.destination)
    ]
    opt = f"opt {_fragment(spec)} "
    entry, leaving = _interface(spec.in_interface, "*"), _interface(spec.out_interface, "*")
    interfaces = f"in {entry} out {leaving} "
    tail = details(spec, numeric=True)
    return f"{name} {protocol} {opt}{interfaces}{ends[0]}  ->{ends[1]}  {tail}"
