"""kube-proxy's nftables mode: keeps the table kube-proxy, Service by Service.

Models pkg/proxy/nftables/proxier.go. Chains no longer used are emptied at once, and deleted
by a sync at least a second later: a packet may still be on its way through them.
"""

from __future__ import annotations

from bisect import insort
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from netsim.kubeproxy.current import PortView
from netsim.kubeproxy.nft_fixed import BASE_CHAINS, NODE_PORT_IPS, TABLE_COMMENT, fixed_rules, sets
from netsim.kubeproxy.nft_rules import ElementSpec, PortObjects, ip_word, port_objects
from netsim.kubeproxy.selection import select
from netsim.kubeproxy.values import Family
from netsim.nft.datatypes import ADDRESS
from netsim.nft.parse import parse_rule
from netsim.nft.ruleset import Rule, Ruleset, SetOrMap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netsim.kubeproxy.proxier import PortState
    from netsim.kubeproxy.values import Node, Options
    from netsim.nft.ruleset import Table
    from netsim.nft.statements import Statement

__all__ = ["NftablesWriter"]

_TABLE: Final = "kube-proxy"
_REJECT_COMMENT: Final = "helper for @no-endpoint-services / @no-endpoint-nodeports"
_GRACE: Final = 1.0
"""Seconds between the emptying of a chain and its deletion."""


class NftablesWriter:
    """A RuleWriter for nftables."""

    def __init__(
        self,
        ruleset: Ruleset,
        now: Callable[[], float],
        *,
        node: Node,
        options: Options,
        family: Family = Family.IPV4,
    ) -> None:
        self._ruleset = ruleset
        self._now = now
        self._node = node
        self._options = options
        self._family = family
        self._key = (ip_word(family), _TABLE)
        self._contested: dict[tuple[str, object], list[ElementSpec]] = {}
        """The elements that several Services want, in order; the first is in the set."""
        self._stale: dict[str, float] = {}
        """Emptied chains and when that was."""
        self._check_affinity = False

    @property
    def _table(self) -> Table:
        return self._ruleset.tables[self._key]

    def intact(self) -> bool:
        """Whether the table is there."""
        return self._key in self._ruleset.tables

    def canaries_gone(self) -> bool:
        """nftables mode has none; a table that is gone is found at the next sync."""
        return False

    def setup(self, node: Node) -> None:
        """Write the fixed part, empty sets, maps and service chains; affinity is kept."""
        self._node = node
        self._contested.clear()
        self._check_affinity = True
        table = self._ruleset.ensure_table(*self._key, comment=TABLE_COMMENT)
        self._setup_sets(table)
        for name, base in BASE_CHAINS.items():
            table.ensure_chain(name, base)
        table.ensure_chain("reject-chain", comment=_REJECT_COMMENT)
        rules = list(fixed_rules(self._options, node, self._family))
        for name in dict.fromkeys([*BASE_CHAINS, *(chain for chain, _ in rules)]):
            chain = table.ensure_chain(name)
            chain.replace(_fixed_rule(table, text) for c, text in rules if c == name)
        for name in table.chains:
            if "/" in name:
                self._empty(name)

    def _setup_sets(self, table: Table) -> None:
        specs = {spec.name: spec for spec in sets(self._options, self._node, self._family)}
        for name in (*specs, NODE_PORT_IPS):
            if name in table.sets:
                table.delete_set(name)
        for spec in specs.values():
            item = SetOrMap(table, spec.name, spec.types, verdicts=spec.verdicts)
            item.comment = spec.comment
            table.add_set(item)
        for address in self._options.node_port_ips(self._node, self._family) or ():
            table.sets[NODE_PORT_IPS].add(ADDRESS[table.family].parse(address))

    def write(self, states: Sequence[PortState], old: Sequence[PortState], comments: bool) -> None:
        """Put the objects of one Service's ports in the place of those it had."""
        del comments
        before, after = self._objects(old), self._objects(states)
        self._write_affinity_sets(after)
        for name in after.chains:
            self._table.ensure_chain(name)
            self._stale.pop(name, None)
        for name, rules in after.chains.items():
            self._table.chain(name).replace(parse_rule(self._table, text) for text in rules)
        self._exchange_elements(before, after)
        for name in before.chains.keys() - after.chains.keys():
            self._empty(name)
        for name in before.affinity_sets.keys() - after.affinity_sets.keys():
            self._table.delete_set(name)

    def _objects(self, states: Sequence[PortState]) -> PortObjects:
        together = PortObjects()
        for state in states:
            view = PortView(
                port=state.port,
                selection=select(state.port, state.endpoints, self._node),
                node=self._node,
                options=self._options,
                family=self._family,
            )
            objects = port_objects(view)
            together.elements += objects.elements
            together.chains |= objects.chains
            together.affinity_sets |= objects.affinity_sets
        together.elements = list(dict.fromkeys(together.elements))
        return together

    def _write_affinity_sets(self, objects: PortObjects) -> None:
        table = self._table
        for name, seconds in objects.affinity_sets.items():
            known = table.sets.get(name)
            if known is not None and known.timeout == seconds:
                continue
            if known is not None:
                table.delete_set(name)
            item = SetOrMap(table, name, (ADDRESS[table.family],))
            item.size = self._options.affinity_set_size
            item.flags, item.timeout = ("dynamic", "timeout"), float(seconds)
            table.add_set(item)

    def _exchange_elements(self, before: PortObjects, after: PortObjects) -> None:
        kept = set(before.elements) & set(after.elements)
        for spec in before.elements:
            if spec not in kept:
                self._release(spec)
        for spec in after.elements:
            if spec not in kept:
                self._claim(spec)

    def _claim(self, spec: ElementSpec) -> None:
        """Put an element in; of several that are wanted with one key the first in order is."""
        item = self._table.sets[spec.set]
        there = item.elements.get(spec.key)
        if there is None:
            item.add(spec.key, spec.verdict, spec.comment)
            return
        known = ElementSpec(spec.set, spec.key, there.verdict, there.comment)
        claims = self._contested.setdefault((spec.set, spec.key), [known])
        insort(claims, spec, key=_rank)
        self._settle(claims[0])

    def _release(self, spec: ElementSpec) -> None:
        """Take an element out, or leave it to the others that want it."""
        place = (spec.set, spec.key)
        claims = self._contested.get(place)
        if claims is None:
            self._table.sets[spec.set].delete(spec.key)
            return
        claims.remove(spec)
        self._settle(claims[0])
        if len(claims) == 1:
            del self._contested[place]

    def _settle(self, spec: ElementSpec) -> None:
        self._table.sets[spec.set].add(spec.key, spec.verdict, spec.comment)

    def _empty(self, name: str) -> None:
        self._table.chain(name).flush()
        self._stale.setdefault(name, self._now())

    def finish(self) -> None:
        """Delete the chains that were emptied long enough ago."""
        due = [name for name, when in self._stale.items() if self._now() - when >= _GRACE]
        for name in due:
            del self._stale[name]
            if name in self._table.chains:
                self._table.delete_chain(name)
        if self._check_affinity:
            self._check_affinity = False
            self._drop_unused_affinity_sets()

    def _drop_unused_affinity_sets(self) -> None:
        """Sets that a full sync found no endpoint for."""
        chains = self._table.chains.keys() - self._stale.keys()
        used = {name.replace("endpoint-", "affinity-", 1) for name in chains}
        for name in [n for n in self._table.sets if n.startswith("affinity-") and n not in used]:
            self._table.delete_set(name)


def _rank(spec: ElementSpec) -> tuple[str, str]:
    return str(spec.verdict), spec.comment


@lru_cache(maxsize=256)
def _fixed_statements(text: str, family: str) -> tuple[tuple[Statement, ...], str]:
    """Every cluster of a process has the same fixed rules, and statements are values."""
    rule = parse_rule(Ruleset().ensure_table(family, _TABLE), text)
    return rule.statements, rule.comment


def _fixed_rule(table: Table, text: str) -> Rule:
    return Rule(table, *_fixed_statements(text, table.family))
