"""NetworkPolicy as filter rules and address sets of a node. Models what kube-network-policies and
kube-router enforce.

`NodePolicies` is told of objects (plain dicts) and keeps a namespace's rules; `render` gives the
text as a pure function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.policy.node_policies import NodePolicies
from netsim.policy.rules import JUMP, TOP, TOP_RULES
from netsim.policy.tracker import Plan, Tracker
from netsim.policy.values import pod, policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netsim.policy.values import Json


def render(policies: Iterable[Json], pods: Iterable[Json], namespaces: Iterable[Json], *,
           node: str, family: int = 4) -> str:
    """The rules and sets of one node, as `ipset save` and iptables-save write them."""
    tracker = Tracker(node)
    for space in namespaces:
        tracker.set_namespace(space["metadata"]["name"], space["metadata"].get("labels") or {})
    for obj in pods:
        meta = obj["metadata"]
        tracker.set_pod((meta["namespace"], meta["name"]), pod(obj))
    for obj in policies:
        tracker.set_policy(policy(obj))
    plan = tracker.plan(family)
    lines = [line for spec in sorted(plan.sets, key=lambda s: s.name(family))
             for name in [spec.name(family)]
             for line in (f"create {name} {spec.kind}", *(
                 f"add {name} {address}{',' + port if port else ''}"
                 for address, port in sorted(tracker.elements(spec, family))))]
    if any(plan.dispatch.values()):
        lines += [f"-A FORWARD {JUMP}", *(f"-A {TOP} {line}" for line in TOP_RULES)]
    lines += [f"-A {chain} {line}" for chain, entries in plan.dispatch.items()
              for entry in entries.values() for line in entry]
    lines += [f"-A {chain} {line}" for chain, rules in plan.chains.items() for line in rules]
    return "\n".join(lines) + "\n" if lines else ""


__all__ = ["NodePolicies", "Plan", "Tracker", "render"]
