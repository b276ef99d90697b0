"""NetworkPolicies as one node enforces them: told of objects, `sync` writes rules and sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.kubeproxy.node_proxy import iptables_of
from netsim.kubeproxy.values import Family
from netsim.policy.tracker import Tracker
from netsim.policy.values import pod, policy
from netsim.policy.writer import PolicyWriter

if TYPE_CHECKING:
    from netsim.namespace import Namespace
    from netsim.policy.tracker import Plan
    from netsim.policy.values import Json, Key

_FAMILIES = {4: Family.IPV4, 6: Family.IPV6}


class NodePolicies:
    """All policies, Pods and namespaces of a cluster, and the rules of one node."""

    def __init__(self, stack: Namespace, node: str = "") -> None:
        """`node`: as Pods name it in spec.nodeName; '' for the stack's own name."""
        self.tracker = Tracker(node or stack.name)
        self._stack = stack
        self._writers: dict[int, PolicyWriter] = {}

    def apply_policy(self, obj: Json) -> None:
        """A NetworkPolicy as it is now."""
        self.tracker.set_policy(policy(obj))

    def remove_policy(self, key: Key) -> None:
        """A NetworkPolicy (namespace, name) that is gone."""
        self.tracker.remove_policy(key)

    def apply_pod(self, obj: Json) -> None:
        """A Pod as it is now."""
        meta = obj["metadata"]
        self.tracker.set_pod((meta["namespace"], meta["name"]), pod(obj))

    def remove_pod(self, key: Key) -> None:
        """A Pod (namespace, name) that is gone."""
        self.tracker.set_pod(key, None)

    def apply_namespace(self, obj: Json) -> None:
        """A Namespace as it is now."""
        meta = obj["metadata"]
        self.tracker.set_namespace(meta["name"], meta.get("labels") or {})

    def remove_namespace(self, name: str) -> None:
        """A Namespace that is gone."""
        self.tracker.set_namespace(name, None)

    def sync(self) -> dict[int, Plan]:
        """Write what changed; what stands now, by family."""
        plans = {family: self.tracker.plan(family) for family in self.tracker.families}
        for family, plan in plans.items():
            if family not in self._writers and any(plan.dispatch.values()):
                ruleset = iptables_of(self._stack, _FAMILIES[family])
                self._writers[family] = PolicyWriter(self._stack, ruleset)
            if family in self._writers:
                self._writers[family].write(plan, self.tracker)
        self.tracker.changed.clear()
        return plans
