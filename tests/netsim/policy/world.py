"""Clusters made by chance, and an evaluator of NetworkPolicies that is naive on purpose: it reads
the JSON as the API reference says it, pair by pair, and shares no code with netsim.policy.
"""

from __future__ import annotations

import ipaddress
import random

from netsim.fabric import Fabric
from netsim.outcome import TimedOut
from netsim.policy import NodePolicies

NAMESPACES = {"a": {"team": "red"}, "b": {"team": "blue", "env": "prod"}, "c": {}}
CIDRS = {"n1": ("172.17.1.0/24", "fd00:17:1::/64"), "n2": ("172.17.2.0/24", "fd00:17:2::/64")}
PORTS = (("TCP", 80), ("TCP", 8080), ("UDP", 53))
OUTSIDE = {4: "10.211.55.2", 6: "fd00:211:55::2"}
BLOCKS = {
    4: (["172.17.1.0/24", "10.211.55.0/24"], ["0.0.0.0/0", "172.17.0.0/16"],
        ["172.17.2.0/24", "172.17.1.12/30"]),
    6: (["fd00:17:1::/64", "fd00:211:55::/64"], ["::/0", "fd00:17::/32"],
        ["fd00:17:2::/64", "fd00:17:1::c/126"]),
}
"""Of ipBlocks, by family: plain ones, those with an exception, and exceptions."""


def make_pod(name, place, labels, addresses, node, number=8080):
    several = [addresses] if isinstance(addresses, str) else addresses
    return {"metadata": {"name": name, "namespace": place, "labels": labels},
            "spec": {"nodeName": node, "containers": [{"ports": [
                {"name": "http", "containerPort": number},
                {"name": "dns", "containerPort": 53, "protocol": "UDP"}]}]},
            "status": {"phase": "Running", "podIP": several[0],
                       "podIPs": [{"ip": address} for address in several]}}


def make_policy(name, place="a", **spec):
    return {"metadata": {"name": name, "namespace": place}, "spec": {"podSelector": {}, **spec}}


def spaces():
    return [{"metadata": {"name": name, "labels": labels}} for name, labels in NAMESPACES.items()]


class World:
    """Two nodes, nine Pods, one host outside; policies enforced on both nodes. All have addresses
    of both families; `family` is the one that is tried.
    """

    def __init__(self, chance, family=4):
        self.family = family
        self.fabric = Fabric(lambda: 1e6, random.Random(1))
        self.nodes = {
            name: self.fabric.add_node(
                name, [f"10.211.55.{120 + i}/24", f"fd00:211:55::{120 + i}/64"], cidrs)
            for i, (name, cidrs) in enumerate(CIDRS.items())}
        self.outside = self.fabric.add_outside(
            "outside", f"{OUTSIDE[4]}/24", f"{OUTSIDE[6]}/64", through=self.nodes["n1"],
            networks=["172.17.0.0/16", "fd00:17::/32"])
        self.pods, self.stacks = {}, {}
        for number in range(9):
            self._add_pod(number, chance)
        self.agents = {name: NodePolicies(stack) for name, stack in self.nodes.items()}
        self.each(lambda agent: [agent.apply_namespace(space) for space in spaces()])
        self.each(lambda agent: [agent.apply_pod(pod) for pod in self.pods.values()])
        self.policies = {}

    def _add_pod(self, number, chance):
        node = chance.choice(list(self.nodes))
        addresses = [str(ipaddress.ip_network(cidr)[10 + number]) for cidr in CIDRS[node]]
        name, place = f"p{number}", list(NAMESPACES)[number % 3]
        self.pods[name] = make_pod(name, place, some_labels(chance), addresses, node,
                                   chance.choice([80, 8080]))
        self.stacks[name] = self.nodes[node].attach_pod(name, *addresses)

    def each(self, do):
        for agent in self.agents.values():
            do(agent)

    def apply(self, policy):
        self.policies[policy["metadata"]["namespace"], policy["metadata"]["name"]] = policy
        self.each(lambda agent: agent.apply_policy(policy))

    def sync(self):
        self.each(lambda agent: agent.sync())

    def passes(self, source, name, protocol, port):
        """Whether a connection or datagram from a stack reaches a Pod: it is refused, since
        nobody listens, but not lost.
        """
        address = address_of(self.pods[name], self.family)
        send = source.connect if protocol == "TCP" else source.send_datagram
        return not isinstance(send(address, port), TimedOut)


def address_of(pod, family):
    return next(one["ip"] for one in pod["status"]["podIPs"] if (":" in one["ip"]) == (family == 6))


# ------------------------------------------------------------------ by chance


def some_labels(chance):
    return {key: chance.choice(values) for key, values in
            (("app", ["web", "db"]), ("tier", ["x", "y"])) if chance.random() < 0.8}


def some_selector(chance):
    pick = chance.randrange(5)
    if pick == 0:
        return {}
    if pick < 3:
        return {"matchLabels": {"app": chance.choice(["web", "db"])}}
    return {"matchExpressions": [chance.choice([
        {"key": "tier", "operator": "Exists"}, {"key": "tier", "operator": "DoesNotExist"},
        {"key": "app", "operator": "In", "values": ["web", "cache"]},
        {"key": "app", "operator": "NotIn", "values": ["db"]}])]}


def some_namespaces(chance):
    return chance.choice([
        {}, {"matchLabels": {"team": "red"}},
        {"matchExpressions": [{"key": "env", "operator": "Exists"}]},
        {"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["blue"]}]}])


def some_peer(chance):
    pick = chance.randrange(5)
    if pick == 0:
        return {"podSelector": some_selector(chance)}
    if pick == 1:
        return {"namespaceSelector": some_namespaces(chance)}
    if pick == 2:
        return {"namespaceSelector": some_namespaces(chance), "podSelector": some_selector(chance)}
    plain, wide, holes = BLOCKS[chance.choice([4, 6])]
    if pick == 3:
        return {"ipBlock": {"cidr": chance.choice(plain)}}
    return {"ipBlock": {"cidr": chance.choice(wide), "except": [chance.choice(holes)]}}


def some_port(chance):
    return chance.choice([
        {"port": 80, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}, {"protocol": "TCP"},
        {"port": 80, "endPort": 8080, "protocol": "TCP"}, {"port": "http", "protocol": "TCP"},
        {"port": "dns", "protocol": "UDP"}, {"port": 8080}])


def some_rule(chance, side):
    rule = {}
    if chance.random() < 0.8:
        rule[side] = [some_peer(chance) for _ in range(chance.randrange(1, 3))]
    if chance.random() < 0.6:
        rule["ports"] = [some_port(chance) for _ in range(chance.randrange(1, 3))]
    return rule


def some_policy(chance, name):
    kinds = chance.choice([["Ingress"], ["Egress"], ["Ingress", "Egress"]])
    spec = {"podSelector": some_selector(chance), "policyTypes": kinds}
    for kind, side in (("Ingress", "from"), ("Egress", "to")):
        if kind in kinds:
            spec[kind.lower()] = [some_rule(chance, side) for _ in range(chance.randrange(3))]
    return make_policy(name, chance.choice(list(NAMESPACES)), **spec)


# ------------------------------------------------------------------ the naive evaluator


def fits(selector, labels):
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for e in selector.get("matchExpressions") or []:
        key, operator, values = e["key"], e["operator"], e.get("values") or []
        if operator == "In" and (key not in labels or labels[key] not in values):
            return False
        if operator == "NotIn" and key in labels and labels[key] in values:
            return False
        if operator == "Exists" and key not in labels:
            return False
        if operator == "DoesNotExist" and key in labels:
            return False
    return True


def is_peer(peer, policy, pod, address):
    if "ipBlock" in peer:
        where, block = ipaddress.ip_address(address), peer["ipBlock"]
        return where in ipaddress.ip_network(block["cidr"]) and not any(
            where in ipaddress.ip_network(one) for one in block.get("except", []))
    if pod is None:
        return False
    place = pod["metadata"]["namespace"]
    if "namespaceSelector" in peer:
        if not fits(peer["namespaceSelector"], NAMESPACES[place]):
            return False
    elif place != policy["metadata"]["namespace"]:
        return False
    return fits(peer.get("podSelector", {}), pod["metadata"]["labels"])


def is_port(entry, destination, protocol, port):
    if entry.get("protocol", "TCP") != protocol:
        return False
    wanted = entry.get("port")
    if wanted is None:
        return True
    if isinstance(wanted, str):
        return destination is not None and any(
            p.get("name") == wanted and p.get("protocol", "TCP") == protocol
            and p["containerPort"] == port
            for c in destination["spec"]["containers"] for p in c["ports"])
    return wanted <= port <= entry.get("endPort", wanted)


def allowed_one_way(policies, kind, own, other, address, flow):
    """`own`: the isolated Pod; `other`: the Pod at the other end or None; `flow`: (the Pod that
    is connected to, protocol, port)."""
    side = "from" if kind == "Ingress" else "to"
    isolating = [p for p in policies if kind in p["spec"]["policyTypes"]
                 and p["metadata"]["namespace"] == own["metadata"]["namespace"]
                 and fits(p["spec"]["podSelector"], own["metadata"]["labels"])]
    if not isolating:
        return True
    for policy in isolating:
        for rule in policy["spec"].get(kind.lower()) or []:
            peers, ports = rule.get(side), rule.get("ports")
            if ((not peers or any(is_peer(p, policy, other, address) for p in peers))
                    and (not ports or any(is_port(p, *flow) for p in ports))):
                return True
    return False


def allowed(policies, source, destination, flow, family):
    """Whether policies let one Pod connect to another; `flow`: (protocol, port)."""
    whole = (destination, *flow)
    return (allowed_one_way(policies, "Egress", source, destination,
                            address_of(destination, family), whole)
            and allowed_one_way(policies, "Ingress", destination, source,
                                address_of(source, family), whole))
