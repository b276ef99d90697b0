"""kube-proxy's iptables mode: keeps its chains in a node's rule set, Service by Service.

Models pkg/proxy/iptables/proxier.go. The chains that all service ports share hold one block of
rules for each, sorted by name; only what belongs to a Service that changed is written, so the
rules of all others keep their counters and their place in the round.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from netsim.kubeproxy.current import DISPATCH, SERVICES
from netsim.kubeproxy.fixed import CANARY, fixed_chains, fixed_rules, jumps, node_port_rules
from netsim.kubeproxy.names import PREFIXES
from netsim.kubeproxy.render import port_rules, sort_key
from netsim.kubeproxy.spec_reader import reader_of
from netsim.kubeproxy.values import Family
from netsim.netfilter.rule_text import parse_rule
from netsim.netfilter.ruleset import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netsim.kubeproxy.proxier import PortState
    from netsim.kubeproxy.rule_text import ChainId
    from netsim.kubeproxy.values import Node, Options
    from netsim.netfilter.ruleset import Chain, Ruleset, Table

__all__ = ["IptablesWriter"]

_fixed_spec = lru_cache(maxsize=256)(parse_rule)
"""Every cluster of a process has the same fixed rules, and specs are values."""

PortKey = tuple[str, str]
"""Name in comments and protocol: where a service port stands in shared chains."""


class _Dispatch:
    """One shared chain: a block of rules for each service port, and a tail."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.keys: list[PortKey] = []
        """Sorted."""
        self.blocks: dict[PortKey, list[Rule]] = {}
        self.tail: list[Rule] = []
        self._collecting = True
        """Blocks are kept back until `restore`, which puts all in at once."""

    def put(self, key: PortKey, rules: list[Rule]) -> None:
        """Put a block in the place of the one that the service port had."""
        if self._collecting:
            if rules:
                self.blocks[key] = rules
            return
        for rule in self.blocks.pop(key, ()):
            self.chain.remove(rule)
        place = bisect_left(self.keys, key)
        known = place < len(self.keys) and self.keys[place] == key
        if known and not rules:
            del self.keys[place]
        if not rules:
            return
        if not known:
            insort(self.keys, key)
        index = self._start_of(place + 1)
        for offset, rule in enumerate(rules):
            self.chain.insert(index + offset, rule)
        self.blocks[key] = rules

    def _start_of(self, place: int) -> int:
        """Where the block of the key at `place` begins; the tail when there is none."""
        if place < len(self.keys):
            return self.chain.index(self.blocks[self.keys[place]][0])
        return self.chain.index(self.tail[0]) if self.tail else len(self.chain.rules)

    def restore(self) -> None:
        """Make the chain hold exactly these rules; ours keep their counters."""
        if self._collecting:
            self.keys = sorted(self.blocks)
            self._collecting = False
        ours = [rule for key in self.keys for rule in self.blocks[key]] + self.tail
        if self.chain.rules != ours:
            self.chain.replace(ours)


class IptablesWriter:
    """A RuleWriter for iptables."""

    def __init__(
        self, ruleset: Ruleset, *, node: Node, options: Options, family: Family = Family.IPV4
    ) -> None:
        self._ruleset = ruleset
        self._node = node
        self._options = options
        self._family = family
        self._version = 4 if family is Family.IPV4 else 6
        self._reader = reader_of(self._version)
        self._dispatch: dict[ChainId, _Dispatch] = {}
        self._chains: dict[PortKey, tuple[str, ...]] = {}
        """The nat chains of each service port."""
        self._generation = -1
        """Of the rule set after our last word."""
        self._anew = False
        """Since `setup`, until `finish`."""

    @property
    def _nat(self) -> Table:
        return self._ruleset.tables["nat"]

    # ------------------------------------------------------------ what others did

    def intact(self) -> bool:
        """Whether what others did left enough to go on from; puts right the chains we share.

        Rules of others in kube-proxy's shared and fixed chains go, as do unknown chains with its
        prefixes. Without the canaries, or with a chain of ours gone, all must be written again.
        """
        if self._generation == self._ruleset.generation:
            return True
        if self._generation < 0 or not self._all_there():
            return False
        self._write_fixed_rules()
        for dispatch in self._dispatch.values():
            dispatch.restore()
        self._delete_leftovers()
        return True

    def canaries_gone(self) -> bool:
        """Whether none of the canary chains is left: then somebody flushed everything."""
        if self._generation == self._ruleset.generation:
            return False
        canaries = [c for c in fixed_chains(self._options.form) if c[1] == CANARY]
        left = any(name in self._ruleset.tables[table].chains for table, name in canaries)
        return bool(canaries) and not left

    def _all_there(self) -> bool:
        if self.canaries_gone():
            return False
        tables = self._ruleset.tables
        wanted = [c for c in fixed_chains(self._options.form) if c[1] != CANARY]
        wanted += [("nat", name) for names in self._chains.values() for name in names]
        there = all(name in tables[table].chains for table, name in wanted)
        return there and all(
            tables[table].chains[name] is dispatch.chain
            for (table, name), dispatch in self._dispatch.items()
        )

    def _delete_leftovers(self) -> None:
        """Chains with kube-proxy's prefixes that no service port has."""
        ours = {name for names in self._chains.values() for name in names}
        found = [n for n in self._nat.chains if n.startswith(PREFIXES) and n not in ours]
        self._delete_chains(found)

    # ------------------------------------------------------------ everything

    def setup(self, node: Node) -> None:
        """Begin anew: fixed chains and jumps, empty shared chains, no service chains."""
        self._node = node
        self._anew = True
        for table, name in fixed_chains(self._options.form):
            self._ruleset.tables[table].ensure_chain(name)
            self._ruleset.tables[table].make_present()
        self._ensure_jumps()
        self._write_fixed_rules()
        self._chains.clear()
        self._dispatch = {}
        for table, name in DISPATCH:
            chain = self._ruleset.tables[table].chains.get(name)
            if chain is not None:
                chain.flush()
                self._dispatch[table, name] = _Dispatch(chain)
        self._delete_leftovers()
        services = self._dispatch[SERVICES]
        services.tail = [
            self._fixed_rule(text) for _, text in node_port_rules(self._options, node, self._family)
        ]

    def _ensure_jumps(self) -> None:
        """Put each jump first in its chain unless it stands there somewhere."""
        for (table, name), text in reversed(jumps(self._options.form)):
            chain, rule = self._ruleset.tables[table].chain(name), self._fixed_rule(text)
            if all(other.spec != rule.spec for other in chain.rules):
                chain.insert(0, rule)

    def _write_fixed_rules(self) -> None:
        texts: dict[ChainId, list[str]] = {
            chain: [] for chain in fixed_chains(self._options.form) if chain not in _SHARED
        }
        for chain_id, text in fixed_rules(self._options, self._family):
            texts[chain_id].append(text)
        for (table, name), lines in texts.items():
            chain = self._ruleset.tables[table].chains.get(name)
            rules = [self._fixed_rule(line) for line in lines]
            if chain is not None and [r.spec for r in chain.rules] != [r.spec for r in rules]:
                chain.replace(rules)

    # ------------------------------------------------------------ one Service

    def write(self, states: Sequence[PortState], old: Sequence[PortState], comments: bool) -> None:
        """Put the rules of one Service's ports in the place of those it had."""
        now = {sort_key(state.port) for state in states}
        for state in states:
            self._write_port(state, comments)
        for state in old:
            if sort_key(state.port) not in now:
                self._remove_port(sort_key(state.port))

    def _write_port(self, state: PortState, comments: bool) -> None:
        rules = self._port_rules(state, comments)
        own = {name: lines for (_, name), lines in rules.items() if (_, name) not in _SHARED}
        key = sort_key(state.port)
        for name in own:
            self._nat.ensure_chain(name)
        for name, lines in own.items():
            self._nat.chains[name].replace(lines)
        for chain_id, dispatch in self._dispatch.items():
            dispatch.put(key, rules.get(chain_id, []))
        unneeded = [name for name in self._chains.get(key, ()) if name not in own]
        self._chains[key] = tuple(own)
        self._delete_chains(unneeded)

    def _port_rules(self, state: PortState, comments: bool) -> dict[ChainId, list[Rule]]:
        rules: dict[ChainId, list[Rule]] = {}
        for chain_id, text in port_rules(
            state.port,
            state.endpoints,
            node=self._node,
            options=self._options,
            comments=comments,
        ):
            rules.setdefault(chain_id, []).append(self._rule(text))
        return rules

    def _remove_port(self, key: PortKey) -> None:
        for dispatch in self._dispatch.values():
            dispatch.put(key, [])
        self._delete_chains(self._chains.pop(key, ()))

    def _delete_chains(self, names: Iterable[str]) -> None:
        """Empty them all, then delete those that no rule of others leads to."""
        chains = [self._nat.chains[name] for name in names if name in self._nat.chains]
        for chain in chains:
            chain.flush()
        for chain in chains:
            if not chain.references:
                self._nat.delete_chain(chain.name)

    def _rule(self, text: str) -> Rule:
        return Rule(self._reader.read(text))

    def _fixed_rule(self, text: str) -> Rule:
        return Rule(_fixed_spec(text, self._version))

    def finish(self) -> None:
        """Fill the shared chains if all was written anew; remember how the rule set was left."""
        for dispatch in self._dispatch.values() if self._anew else ():
            dispatch.restore()
        self._anew = False
        self._generation = self._ruleset.generation


_SHARED: Final = frozenset(DISPATCH)
