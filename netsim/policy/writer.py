"""Puts a plan into a node's rule set and sets, changing only what differs.

Where no policy isolates a Pod of the node nothing of ours is left: a cluster without policies has
the rules that kube-proxy writes, and no others.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from netsim.ipset.sets import IpSet
from netsim.netfilter.rule_text import parse_rule
from netsim.netfilter.ruleset import Rule
from netsim.packet import SCTP, TCP, UDP
from netsim.policy.rules import DIRECTIONS, JUMP, TOP, TOP_RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netsim.namespace import Namespace
    from netsim.netfilter.ruleset import Ruleset, RuleSpec, Table
    from netsim.policy.rules import SetSpec
    from netsim.policy.tracker import Element, Plan, Tracker
    from netsim.policy.values import Key

_PROTOCOLS: Final = {"tcp": TCP, "udp": UDP, "sctp": SCTP}
_PREFIXES: Final = tuple(direction.prefix for direction in DIRECTIONS)
_spec = lru_cache(maxsize=4096)(parse_rule)


class PolicyWriter:
    """Keeps one family's rules and sets on one node."""

    def __init__(self, stack: Namespace, ruleset: Ruleset) -> None:
        self._stack = stack
        self._ruleset = ruleset
        self._family = ruleset.family
        self._texts: dict[str, tuple[str, ...]] = {}
        """What we wrote into each chain of policies."""
        self._pods: dict[tuple[str, Key], tuple[tuple[str, ...], list[Rule]]] = {}
        """What we wrote into the dispatch chains: text and rules by chain and Pod."""
        self._sets: dict[SetSpec, set[Element]] = {}
        self._generation = -1
        """Of the rule set after our last word."""

    @property
    def _table(self) -> Table:
        return self._ruleset.tables["filter"]

    def write(self, plan: Plan, tracker: Tracker) -> None:
        """Make the node's rules what the plan says."""
        if self._generation != self._ruleset.generation and not self._intact():
            self._forget()
        self._fill_sets(plan.sets, tracker)
        if any(plan.dispatch.values()):
            self._ensure_frame()
        for name, lines in plan.chains.items():
            self._write_chain(name, lines)
        for chain, pods in plan.dispatch.items():
            self._write_dispatch(chain, pods)
        self._delete_chains(name for name in list(self._texts) if name not in plan.chains)
        if not any(plan.dispatch.values()):
            self._remove_frame()
        self._drop_sets(plan.sets)
        self._generation = self._ruleset.generation

    # ------------------------------------------------------------ what others did

    def _intact(self) -> bool:
        """Whether all chains still hold what we wrote; a flush by hand ends that."""
        chains = self._table.chains
        wanted = dict(self._texts)
        if self._pods:
            wanted[TOP] = TOP_RULES
        rules = {name: [rule.spec for rule in chains[name].rules]
                 for name in wanted if name in chains}
        if any(rules.get(name) != [self._read(t) for t in texts]
               for name, texts in wanted.items()):
            return False
        return all(self._stands(chain, known) for (chain, _), (_, known) in self._pods.items())

    def _stands(self, chain: str, rules: list[Rule]) -> bool:
        found = self._table.chains.get(chain)
        try:
            return found is not None and all(found.index(rule) >= 0 for rule in rules)
        except ValueError:
            return False

    def _forget(self) -> None:
        """Others changed our chains: empty them and begin anew."""
        ours = [chain for name, chain in self._table.chains.items()
                if name.startswith(_PREFIXES) or name in (TOP, *(d.dispatch for d in DIRECTIONS))]
        for chain in ours:
            chain.flush()
        self._texts = dict.fromkeys(
            (chain.name for chain in ours if chain.name.startswith(_PREFIXES)), ())
        self._pods.clear()

    # ------------------------------------------------------------ chains

    def _read(self, text: str) -> RuleSpec:
        return _spec(text, self._family)

    def _rules(self, lines: Iterable[str]) -> list[Rule]:
        return [Rule(self._read(line)) for line in lines]

    def _ensure_frame(self) -> None:
        """The chains that lead to policies, asked before kube-proxy's, which accept."""
        for direction in DIRECTIONS:
            self._table.ensure_chain(direction.dispatch)
        top = self._table.ensure_chain(TOP)
        if [rule.spec for rule in top.rules] != [self._read(line) for line in TOP_RULES]:
            top.replace(self._rules(TOP_RULES))
        forward, jump = self._table.chains["FORWARD"], self._read(JUMP)
        if not forward.rules or forward.rules[0].spec != jump:
            self._remove_jump()
            forward.insert(0, Rule(jump))

    def _remove_jump(self) -> None:
        forward, jump = self._table.chains["FORWARD"], self._read(JUMP)
        for rule in [rule for rule in forward.rules if rule.spec == jump]:
            forward.remove(rule)

    def _remove_frame(self) -> None:
        if TOP not in self._table.chains:
            return
        self._remove_jump()
        self._table.chains[TOP].flush()
        for name in (TOP, *(direction.dispatch for direction in DIRECTIONS)):
            chain = self._table.chains.get(name)
            if chain is not None and not chain.references:
                self._table.delete_chain(name)

    def _write_chain(self, name: str, lines: tuple[str, ...]) -> None:
        if self._texts.get(name) != lines:
            self._table.ensure_chain(name).replace(self._rules(lines))
            self._texts[name] = lines

    def _write_dispatch(self, name: str, wanted: dict[Key, tuple[str, ...]]) -> None:
        chain = self._table.chains.get(name)
        if chain is None:
            return
        for place in [p for p in self._pods if p[0] == name]:
            lines, rules = self._pods[place]
            if wanted.get(place[1]) != lines:
                for rule in rules:
                    chain.remove(rule)
                del self._pods[place]
        for key, lines in wanted.items():
            if (name, key) not in self._pods:
                rules = self._rules(lines)
                for rule in rules:
                    chain.append(rule)
                self._pods[name, key] = lines, rules

    def _delete_chains(self, names: Iterable[str]) -> None:
        for name in names:
            chain = self._table.chains.get(name)
            if chain is not None and chain.references:
                continue
            if chain is not None:
                self._table.delete_chain(name)
            del self._texts[name]

    # ------------------------------------------------------------ sets

    def _fill_sets(self, specs: Iterable[SetSpec], tracker: Tracker) -> None:
        """New sets, in the order of their names, and those whose selections changed."""
        named = sorted(((spec.name(self._family), spec) for spec in specs), key=itemgetter(0))
        for name, spec in named:
            known = self._sets.get(spec)
            there = self._stack.ipsets.get(name)
            if (known is not None and there is not None
                    and spec.selection not in tracker.changed):
                continue
            if there is None:
                there = IpSet(name, spec.kind, self._family)
                self._stack.ipsets[name] = there
                known = set()
            wanted = tracker.elements(spec, self._family)
            self._change(there, known or set(), wanted)
            self._sets[spec] = wanted

    def _change(self, ipset: IpSet, known: set[Element], wanted: set[Element]) -> None:
        for element in known - wanted:
            parsed, _ = _parse(element)
            if parsed in ipset.elements:
                ipset.remove(parsed)
        for element in sorted(wanted - known):
            parsed, text = _parse(element)
            if parsed not in ipset.elements:
                ipset.add(parsed, text)

    def _drop_sets(self, wanted: frozenset[SetSpec]) -> None:
        for spec in [spec for spec in self._sets if spec not in wanted]:
            self._stack.ipsets.pop(spec.name(self._family), None)
            del self._sets[spec]


def _parse(element: Element) -> tuple[tuple[tuple[int, int], ...], str]:
    """An element as IpSet keeps it, and as `ipset list` prints it."""
    address, port = element
    network = ipaddress.ip_network(address)
    end = int(network.network_address), network.prefixlen
    if not port:
        return (end,), address
    protocol, _, number = port.partition(":")
    return (end, (_PROTOCOLS[protocol], int(number))), f"{address},{port}"
