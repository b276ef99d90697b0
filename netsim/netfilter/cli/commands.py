"""What each iptables command does to a table: -A, -D, -N, ... Models nft_cmd.c and nft.c.

Each command changes the table at once and notes in a `Journal` how to take it back, so that a
transaction of iptables-restore can fail as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from netsim.netfilter.errors import (
    BAD_BUILTIN,
    BAD_POLICY,
    BAD_RULE,
    DELETE_INDEX,
    INSERT_INDEX,
    NO_CHAIN,
    KernelError,
    RefusedError,
    RuleSyntaxError,
)
from netsim.netfilter.hooks import Hook, Verdict
from netsim.netfilter.ruleset import Rule
from netsim.netfilter.targets import TARGETS
from netsim.netfilter.validate import placement_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netsim.netfilter.arguments import Arguments
    from netsim.netfilter.ruleset import Chain, RuleSpec, Table

LONGEST_CHAIN: Final = 28
_BUSY: Final = "Device or resource busy"
_TAKES_RULE: Final = "AIRDC"
_TAKES: Final[dict[str, str]] = {
    **dict.fromkeys(_TAKES_RULE, "psdijofmcv"), "L": "nvx0c", "S": "v", "Z": "v",
    **dict.fromkeys("FNXEP", "v"),
}
"""Which options each command takes besides -t and -w."""
_ALWAYS: Final = frozenset("twWM46")


@dataclass(slots=True)
class _Saved:
    """A chain as it was."""

    chain: Chain
    rules: list[tuple[Rule, RuleSpec]]
    policy: Verdict | None
    packets: int
    bytes: int
    counting: bool


class Journal:
    """What to do to take back the changes made since it was begun."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._present = table.present
        self._chains = dict(table.chains)
        self._saved: dict[str, _Saved] = {}

    def saving(self, chain: Chain) -> Chain:
        """Remember a chain as it is now, once; to be called before it changes."""
        if chain.name not in self._saved and chain.name in self._chains:
            rules = [(rule, rule.spec) for rule in chain.rules]
            self._saved[chain.name] = _Saved(
                chain, rules, chain.policy, chain.packets, chain.bytes, chain.counting
            )
        return chain

    def save_all(self) -> None:
        """Remember every chain."""
        for chain in self.table.chains.values():
            self.saving(chain)

    def roll_back(self) -> None:
        """Make the table what it was."""
        for name, saved in self._saved.items():
            chain = saved.chain
            chain.name = name
            chain.rules = [rule for rule, _ in saved.rules]
            for rule, spec in saved.rules:
                rule.spec = spec
            chain.policy, chain.packets, chain.bytes = saved.policy, saved.packets, saved.bytes
            chain.counting = saved.counting
        self.table.chains = self._chains
        self.table.recount()
        self.table.present = self._present


def check_options(arguments: Arguments) -> None:
    """Refuse what does not go with the command or its table. Raises RuleSyntaxError."""
    _check_letters(arguments)
    _check_words(arguments)
    target = arguments.target.kind.name if arguments.target else ""
    if arguments.table == "nat" and "DROP" in (target, *arguments.words[1:]):
        raise RuleSyntaxError(
            '\nThe "nat" table is not intended for filtering, '
            "the use of DROP is therefore inhibited.\n\n"
        )


def _check_letters(arguments: Arguments) -> None:
    command = arguments.command
    for letter in arguments.flags - _ALWAYS - {"Z"}:
        if letter not in _TAKES[command]:
            raise RuleSyntaxError(f"Illegal option `-{letter}' with this command")


def _check_words(arguments: Arguments) -> None:
    command, words = arguments.command, arguments.words
    if command == "P" and len(words) < 2:
        raise RuleSyntaxError("-P requires a chain and a policy")
    if command == "E" and len(words) < 2:
        raise RuleSyntaxError("-E requires old-chain-name and new-chain-name")
    if command == "R" and len(words) < 2:
        raise RuleSyntaxError("-R requires a rule number")
    if command in "NE":
        check_chain_name(words[-1])
    if command == "N" and words[0] in TARGETS:
        raise RuleSyntaxError("chain name may not clash with target name")
    if command in "DRILSZ" and len(words) > 1:
        _rule_number(words[1])


def check_chain_name(name: str) -> None:
    """Refuse what cannot be a chain's name. Raises RuleSyntaxError."""
    if name.startswith(("-", "!")):
        raise RuleSyntaxError(f"chain name not allowed to start with `{name[0]}'")
    if len(name) > LONGEST_CHAIN:
        raise RuleSyntaxError(
            f"chain name `{name}' too long (must be under {LONGEST_CHAIN + 1} chars)"
        )
    if any(letter.isspace() for letter in name):
        raise RuleSyntaxError(f"Invalid chain name `{name}'")


def _rule_number(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise RuleSyntaxError(f"Invalid rule number `{text}'")
    return int(text)


def execute(
    arguments: Arguments, journal: Journal, *, checked: bool = True
) -> Sequence[RuleSpec]:
    """Do a command that changes a table; returns the rules that it wrote.

    `checked`: the kernel looks at each rule at once. Raises RefusedError, KernelError,
    RuleSyntaxError.
    """
    journal.table.make_present()
    return _COMMANDS[arguments.command](arguments, journal, checked) or ()


def _rule(spec: RuleSpec, arguments: Arguments) -> Rule:
    return Rule(spec, *arguments.counters)


def _verify(chain: Chain, spec: RuleSpec, step: str, journal: Journal) -> None:
    problem = placement_problem(chain.table, chain, spec)
    if problem is not None:
        journal.roll_back()
        raise KernelError(step, problem, f"rule in chain {chain.name}")


def _append(arguments: Arguments, journal: Journal, checked: bool) -> Sequence[RuleSpec]:
    specs = arguments.specs()
    chain = journal.saving(journal.table.chain(arguments.words[0]))
    for spec in specs:
        chain.append(_rule(spec, arguments))
        if checked:
            _verify(chain, spec, "RULE_APPEND", journal)
    return specs


def _insert(arguments: Arguments, journal: Journal, checked: bool) -> Sequence[RuleSpec]:
    specs = arguments.specs()
    chain = journal.saving(journal.table.chain(arguments.words[0]))
    place = _rule_number(arguments.words[1]) - 1 if len(arguments.words) > 1 else 0
    if place > len(chain.rules):
        raise RefusedError(INSERT_INDEX)
    for spec in specs:
        chain.insert(place, _rule(spec, arguments))
        if checked:
            _verify(chain, spec, "RULE_INSERT", journal)
    return specs


def _replace(arguments: Arguments, journal: Journal, checked: bool) -> Sequence[RuleSpec]:
    specs = arguments.specs()
    if len(specs) > 1:
        raise RuleSyntaxError(
            "Replacement rule does not specify a unique address"
        )
    chain = journal.saving(journal.table.chain(arguments.words[0]))
    place = _rule_number(arguments.words[1]) - 1
    if place >= len(chain.rules):
        raise RefusedError(NO_CHAIN)
    chain.replace_at(place, _rule(specs[0], arguments))
    if checked:
        _verify(chain, specs[0], "RULE_REPLACE", journal)
    return specs


def find_rule(table: Table, name: str, spec: RuleSpec) -> int:
    """Place of the first rule in a chain that says the same. Raises RefusedError."""
    chain = table.chains.get(name)
    for place, rule in enumerate(chain.rules if chain else ()):
        if rule.spec == spec:
            return place
    raise RefusedError(BAD_RULE)


def _delete(arguments: Arguments, journal: Journal, checked: bool) -> None:
    table, name = journal.table, arguments.words[0]
    if len(arguments.words) > 1:
        place = _rule_number(arguments.words[1]) - 1
        chain = journal.saving(table.chain(name))
        if place >= len(chain.rules):
            raise RefusedError(DELETE_INDEX)
        chain.delete(place)
        return
    for spec in arguments.specs():
        place = find_rule(table, name, spec)
        journal.saving(table.chain(name)).delete(place)


def _check(arguments: Arguments, journal: Journal, checked: bool) -> None:
    for spec in arguments.specs():
        find_rule(journal.table, arguments.words[0], spec)


def _flush(arguments: Arguments, journal: Journal, checked: bool) -> None:
    for chain in _named_chains(arguments, journal.table):
        journal.saving(chain).flush()


def _zero(arguments: Arguments, journal: Journal, checked: bool) -> None:
    zero(arguments, journal.table)


def zero(arguments: Arguments, table: Table) -> None:
    """-Z: the counters of all chains, of one, or of one rule. Raises RefusedError."""
    if len(arguments.words) > 1:
        chain = table.chain(arguments.words[0])
        place = _rule_number(arguments.words[1]) - 1
        for rule in chain.rules[place : place + 1]:
            rule.zero()
        return
    for chain in _named_chains(arguments, table):
        chain.zero()


def _named_chains(arguments: Arguments, table: Table) -> list[Chain]:
    if arguments.words:
        return [table.chain(arguments.words[0])]
    return table.ordered_chains()


def _new_chain(arguments: Arguments, journal: Journal, checked: bool) -> None:
    journal.table.new_chain(arguments.words[0])


def _delete_chain(arguments: Arguments, journal: Journal, checked: bool) -> None:
    table = journal.table
    if arguments.words:
        chain = table.chain(arguments.words[0])
        if chain.policy is not None and not chain.rules:
            raise RefusedError(NO_CHAIN)
        names = [chain.name]
    else:
        names = [chain.name for chain in table.ordered_chains() if chain.policy is None]
    for name in names:
        chain = table.chains[name]
        if chain.rules or chain.references:
            raise KernelError("CHAIN_DEL", _BUSY, f"chain {name}")
    for name in names:
        journal.saving(table.chains[name])
        table.delete_chain(name)


def _rename_chain(arguments: Arguments, journal: Journal, checked: bool) -> None:
    old, new = arguments.words
    table = journal.table
    if new in table.chains:
        raise RefusedError("File exists.")
    if table.chain(old).policy is not None:
        raise RefusedError(NO_CHAIN)
    journal.save_all()
    table.rename_chain(old, new)


def _policy(arguments: Arguments, journal: Journal, checked: bool) -> None:
    name, policy = arguments.words
    table = journal.table
    if name not in Hook.__members__ or Hook[name] not in table.builtin:
        raise RefusedError(BAD_BUILTIN)
    if policy not in Verdict.__members__:
        raise RefusedError(BAD_POLICY)
    journal.saving(table.chains[name])
    table.set_policy(Hook[name], Verdict[policy])


_COMMANDS: Final[dict[str, Callable[[Arguments, Journal, bool], Sequence[RuleSpec] | None]]] = {
    "A": _append, "I": _insert, "R": _replace, "D": _delete, "C": _check, "F": _flush, "Z": _zero,
    "N": _new_chain, "X": _delete_chain, "E": _rename_chain, "P": _policy,
}
