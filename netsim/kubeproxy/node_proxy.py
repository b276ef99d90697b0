"""kube-proxy as it runs on a node: both families, the node's rule sets, its sysctls and conntrack.

Models cmd/kube-proxy and pkg/proxy/metaproxier. It is told of objects; `sync` does the rest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from netsim.kubeproxy.iptables_writer import IptablesWriter
from netsim.kubeproxy.nftables_writer import NftablesWriter
from netsim.kubeproxy.proxier import Proxier
from netsim.kubeproxy.values import Family, Mode
from netsim.netfilter.compiled import attach
from netsim.netfilter.ruleset import Ruleset
from netsim.nft.ruleset import Ruleset as NftRuleset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netsim.kubeproxy.health import HealthCheck
    from netsim.kubeproxy.proxier import Changes, RuleWriter
    from netsim.kubeproxy.service_map import Key
    from netsim.kubeproxy.values import Node, Options
    from netsim.namespace import Namespace

__all__ = ["NodeProxy", "iptables_of", "nftables_of"]

_VERSIONS = {Family.IPV4: 4, Family.IPV6: 6}


def iptables_of(stack: Namespace, family: Family) -> Ruleset:
    """The namespace's iptables rule set of a family, made and attached if need be."""
    version = _VERSIONS[family]
    ruleset = stack.rulesets.get(version)
    if ruleset is None:
        others = [other.shared for other in stack.rulesets.values()]
        ruleset = Ruleset(version, stack.rules_changed, others[0] if others else None)
        stack.rulesets[version] = ruleset
        attach(ruleset, stack)
    assert isinstance(ruleset, Ruleset)
    return ruleset


def nftables_of(stack: Namespace) -> NftRuleset:
    """The namespace's nftables rule set, made and attached if need be."""
    if stack.nft is None:
        stack.nft = NftRuleset(stack.rules_changed)
        stack.nft.attach(stack)
    assert isinstance(stack.nft, NftRuleset)
    return stack.nft


class NodeProxy:
    """kube-proxy on one node."""

    def __init__(self, stack: Namespace, *, node: Node, options: Options) -> None:
        self.stack = stack
        self.options = options
        self.proxiers = {
            family: Proxier(self._writer(node, family), node=node, options=options, family=family)
            for family in Family
        }
        self._syncing = False
        if options.localhost_node_ports_in_force(Family.IPV4):
            stack.route_localnet = True

    def _writer(self, node: Node, family: Family) -> RuleWriter:
        if self.options.mode is Mode.IPTABLES:
            ruleset = iptables_of(self.stack, family)
            return IptablesWriter(ruleset, node=node, options=self.options, family=family)
        return NftablesWriter(
            nftables_of(self.stack),
            self.stack.now,
            node=node,
            options=self.options,
            family=family,
        )

    def __iter__(self) -> Iterator[Proxier]:
        return iter(self.proxiers.values())

    def apply_service(self, service: dict[str, Any]) -> None:
        """A Service as it is now."""
        for proxier in self:
            proxier.services.apply_service(service)

    def remove_service(self, key: Key) -> None:
        """A Service (namespace, name) that is gone."""
        for proxier in self:
            proxier.services.remove_service(key)

    def apply_slice(self, endpoint_slice: dict[str, Any]) -> None:
        """An EndpointSlice as it is now."""
        for proxier in self:
            proxier.services.apply_slice(endpoint_slice)

    def remove_slice(self, key: Key) -> None:
        """An EndpointSlice (namespace, name) that is gone."""
        for proxier in self:
            proxier.services.remove_slice(key)

    def set_zone(self, zone: str) -> None:
        """The node's label topology.kubernetes.io/zone as it is now."""
        for proxier in self:
            proxier.set_node(replace(proxier.node, zone=zone))

    def sync(self) -> dict[Family, Changes]:
        """Write what changed, and delete the conntrack entries of UDP flows that it left stale."""
        self._syncing = True
        try:
            return self._sync()
        finally:
            self._syncing = False

    def _sync(self) -> dict[Family, Changes]:
        done: dict[Family, Changes] = {}
        for family, proxier in self.proxiers.items():
            done[family] = proxier.sync()
            if done[family].udp:
                for connection in proxier.stale_flows(list(self.stack.conntrack)):
                    self.stack.conntrack.delete(connection)
        return done

    def watch_rules(self, flushed: Callable[[], None]) -> None:
        """Call `flushed` when somebody else takes the canaries away. This costs nothing while
        nobody touches the rules; kube-proxy looks every `SYNC_PERIOD` seconds (iptables Monitor).
        """
        if self.options.mode is not Mode.IPTABLES:
            return
        for family in Family:
            ruleset = iptables_of(self.stack, family)
            ruleset.changed = self._noticing(ruleset.changed, flushed)

    def _noticing(
        self, before: Callable[[], None] | None, flushed: Callable[[], None],
    ) -> Callable[[], None]:
        def changed() -> None:
            if before is not None:
                before()
            if not self._syncing and self.needs_sync():
                flushed()

        return changed

    def needs_sync(self) -> bool:
        """Whether the rules were flushed by others; to be asked every `SYNC_PERIOD` seconds."""
        return any(proxier.needs_sync() for proxier in self)

    def health_checks(self) -> dict[int, HealthCheck]:
        """What to answer on which health check node port; a Service counts in its first family."""
        found: dict[int, HealthCheck] = {}
        for proxier in reversed(list(self)):
            found |= proxier.health_checks()
        return found
