"""Which Pods each selection takes, and what therefore has to stand in a node's rules and sets.

Told of policies, Pods and namespaces one by one; a change costs what it concerns: label tests of
one Pod against the selections, never a look at all Pods. `plan` says what must be there; the same
objects give the same plan, in whatever order they came.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from netsim.policy.rules import (
    DIRECTIONS,
    SetSpec,
    allowances,
    chain_name,
    last_rule,
    policy_rules,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netsim.policy.rules import Direction, Rules
    from netsim.policy.values import Key, Pod, Policy, Selection

Element = tuple[str, str]
"""An address, and for named ports `tcp:8080`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What must stand on a node, for one family."""

    chains: dict[str, tuple[str, ...]]
    """Rules of the chains of policies, by chain."""
    dispatch: dict[str, dict[Key, tuple[str, ...]]]
    """Rules of the dispatch chains, by chain and Pod."""
    sets: frozenset[SetSpec]


@dataclass(slots=True)
class _Compiled:
    """A policy, its rules by direction and family, and the selections that it needs."""

    policy: Policy
    rules: dict[tuple[str, int], Rules]
    selections: frozenset[Selection]


@dataclass(frozen=True, slots=True)
class _Group:
    """The chain of the Pods that the same policies select."""

    name: str
    lines: tuple[str, ...]
    sets: frozenset[SetSpec]


@dataclass(slots=True)
class Tracker:
    """All policies of a cluster as one node sees them."""

    node: str
    families: tuple[int, ...] = (4, 6)
    policies: dict[Key, _Compiled] = field(default_factory=dict)
    pods: dict[Key, Pod] = field(default_factory=dict)
    namespaces: dict[str, Mapping[str, str]] = field(default_factory=dict)
    members: dict[Selection, dict[Key, Pod]] = field(default_factory=dict)
    """The Pods that each selection takes, for every selection that some policy needs."""
    changed: set[Selection] = field(default_factory=set)
    """Selections whose members are not what they were when this was last emptied."""
    _groups: dict[tuple[str, int, tuple[Key, ...]], _Group] = field(default_factory=dict)
    _users: Counter[Selection] = field(default_factory=Counter)

    # ------------------------------------------------------------ what happens

    def set_policy(self, policy: Policy) -> None:
        """A policy as it is now."""
        known = self.policies.get(policy.key)
        if known is not None and known.policy == policy:
            return
        rules = {(d.name, family): policy_rules(policy, d, family)
                 for d in DIRECTIONS for family in self.families}
        needed = {one.selection for r in rules.values() for one in r.sets}
        selections = frozenset(s for s in (policy.target, *needed) if s is not None)
        for selection in selections:
            self._need(selection)
        self.remove_policy(policy.key)
        self.policies[policy.key] = _Compiled(policy, rules, selections)

    def remove_policy(self, key: Key) -> None:
        """A policy is gone; harmless twice."""
        gone = self.policies.pop(key, None)
        self._groups = {name: one for name, one in self._groups.items() if key not in name[2]}
        for selection in gone.selections if gone is not None else ():
            self._users[selection] -= 1
            if not self._users[selection]:
                del self._users[selection], self.members[selection]
                self.changed.add(selection)

    def set_pod(self, key: Key, pod: Pod | None) -> None:
        """A Pod as it is now; None: it is gone, or policies are not about it."""
        if self.pods.get(key) == pod:
            return
        if pod is None:
            del self.pods[key]
        else:
            self.pods[key] = pod
        for selection in self.members:
            if selection.namespace is None or selection.namespace == key[0]:
                self._judge(selection, key, pod)

    def set_namespace(self, name: str, labels: Mapping[str, str] | None) -> None:
        """The labels of a namespace; None: it is gone."""
        if self.namespaces.get(name) == labels:
            return
        if labels is None:
            del self.namespaces[name]
        else:
            self.namespaces[name] = labels
        concerned = [s for s in self.members if s.namespace is None and s.namespaces]
        pods = [pod for pod in self.pods.values() if pod.key[0] == name] if concerned else []
        for selection in concerned:
            for pod in pods:
                self._judge(selection, pod.key, pod)

    def _need(self, selection: Selection) -> None:
        self._users[selection] += 1
        if selection not in self.members:
            self.members[selection] = {
                key: pod for key, pod in self.pods.items() if selection.takes(pod, self.namespaces)}
            self.changed.add(selection)

    def _judge(self, selection: Selection, key: Key, pod: Pod | None) -> None:
        members = self.members[selection]
        inside = pod is not None and selection.takes(pod, self.namespaces)
        if inside and pod is not None:
            members[key] = pod
            self.changed.add(selection)
        elif members.pop(key, None) is not None:
            self.changed.add(selection)

    # ------------------------------------------------------------ what must be there

    def plan(self, family: int) -> Plan:
        """Chains, dispatch and sets for one family."""
        chains: dict[str, tuple[str, ...]] = {}
        dispatch: dict[str, dict[Key, tuple[str, ...]]] = {d.dispatch: {} for d in DIRECTIONS}
        sets: set[SetSpec] = set()
        for direction in DIRECTIONS:
            for key, policies in self._isolated(direction).items():
                addresses = tuple(_addresses((self.pods[key],), family))
                if not addresses:
                    continue
                group = self._group(direction, policies, family)
                if group.name not in chains:
                    chains[group.name] = group.lines
                    sets |= group.sets
                dispatch[direction.dispatch][key] = _dispatch(
                    key, addresses, direction, group.name)
        return Plan(chains, dispatch, frozenset(sets))

    def _isolated(self, direction: Direction) -> dict[Key, tuple[Key, ...]]:
        """The policies of each Pod of this node that has any in that direction."""
        found: dict[Key, list[Key]] = {}
        for policy_key in sorted(self.policies):
            policy = self.policies[policy_key].policy
            if allowances(policy, direction) is None:
                continue
            for key, pod in self.members[policy.target].items():
                if pod.node == self.node:
                    found.setdefault(key, []).append(policy_key)
        return {key: tuple(found[key]) for key in sorted(found)}

    def _group(self, direction: Direction, keys: tuple[Key, ...], family: int) -> _Group:
        """The chain of the Pods that these policies select; kept until one of them changes."""
        known = self._groups.get((direction.name, family, keys))
        if known is None:
            policies = [self.policies[key].policy for key in keys]
            rules = [self.policies[key].rules[direction.name, family] for key in keys]
            lines = (*(line for one in rules for line in one.lines),
                     last_rule(policies, direction))
            known = _Group(chain_name(direction, policies), lines,
                           frozenset(spec for one in rules for spec in one.sets))
            self._groups[direction.name, family, keys] = known
        return known

    def elements(self, spec: SetSpec, family: int) -> set[Element]:
        """What a set holds now."""
        if spec.selection is None:
            return {(network, "") for network in spec.networks
                    if ipaddress.ip_network(network).version == family}
        pods = self.members[spec.selection].values()
        if spec.port is None:
            return {(address, "") for address in _addresses(pods, family)}
        name, protocol = spec.port
        return {(address, f"{protocol.lower()}:{number}")
                for pod in pods for found, kind, number in pod.ports
                if (found, kind) == (name, protocol) for address in _addresses((pod,), family)}


def _addresses(pods: Iterable[Pod], family: int) -> Iterable[str]:
    colon = family == 6
    return (address for pod in pods for address in pod.addresses if (":" in address) is colon)


@lru_cache(maxsize=16384)
def _dispatch(key: Key, addresses: tuple[str, ...], direction: Direction,
              chain: str) -> tuple[str, ...]:
    """A Pod may always talk to itself, by way of a Service too; the policies judge the rest."""
    note = f'-m comment --comment "{key[0]}/{key[1]}"'
    return tuple(line for address in addresses for line in (
        f"-s {address} -d {address} {note} -j RETURN",
        f"{direction.own} {address} {note} -j {chain}"))
