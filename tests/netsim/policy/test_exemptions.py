"""What policies never stop: replies, a Pod's own node, a Pod's way to itself."""

from __future__ import annotations

import random

from netsim.kubeproxy import Node, NodeProxy, Options
from netsim.outcome import Connected, TimedOut
from tests.netsim.policy.world import World, make_policy

DENY = {"policyTypes": ["Ingress", "Egress"]}


def world_with(*policies):
    world = World(random.Random(3))
    for policy in policies:
        world.apply(policy)
    world.sync()
    return world


def denied_everywhere():
    return world_with(*(make_policy("deny", place, **DENY) for place in "abc"))


def test_a_node_reaches_its_own_pods_and_they_reach_it():
    world = denied_everywhere()
    for name, pod in world.pods.items():
        node = world.nodes[pod["spec"]["nodeName"]]
        assert world.passes(node, name, "TCP", 80)
        assert not isinstance(world.stacks[name].connect(node.addresses[0], 80), TimedOut)


def test_another_node_is_a_stranger():
    world = denied_everywhere()
    for name, pod in world.pods.items():
        other = next(n for n in world.nodes if n != pod["spec"]["nodeName"])
        assert not world.passes(world.nodes[other], name, "TCP", 80)


def test_replies_of_what_was_let_through_come_back():
    world = world_with(make_policy("in", "a", policyTypes=["Ingress"]))
    world.stacks["p1"].listen("tcp", 80, object())
    outcome = world.stacks["p0"].connect(world.pods["p1"]["status"]["podIP"], 80)
    assert isinstance(outcome, Connected)
    assert outcome.transfer(100, 100)
    assert not world.passes(world.stacks["p1"], "p0", "TCP", 80)


def test_connections_that_stand_survive_a_new_policy():
    world = world_with()
    world.stacks["p0"].listen("tcp", 80, object())
    outcome = world.stacks["p1"].connect(world.pods["p0"]["status"]["podIP"], 80)
    world.apply(make_policy("deny", "a", **DENY))
    world.sync()
    assert outcome.transfer(10, 10)
    assert not world.passes(world.stacks["p1"], "p0", "TCP", 80)


def service(world, *names):
    """A Service in front of Pods, on every node."""
    vip = {"metadata": {"name": "web", "namespace": "a"},
           "spec": {"clusterIP": "10.96.0.50", "ports": [{"port": 80}]}}
    endpoints = {
        "metadata": {"name": "web-1", "namespace": "a",
                     "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4", "ports": [{"port": 8080}],
        "endpoints": [{"addresses": [world.pods[name]["status"]["podIP"]]} for name in names]}
    for name, stack in world.nodes.items():
        proxy = NodeProxy(stack, options=Options(cluster_cidrs=("172.17.0.0/16",)),
                          node=Node(name=name, addresses=tuple(stack.addresses)))
        proxy.apply_service(vip)
        proxy.apply_slice(endpoints)
        proxy.sync()
    for name in names:
        world.stacks[name].listen("tcp", 8080, name)
    world.sync()


def test_a_pod_reaches_itself_by_its_service():
    world = denied_everywhere()
    service(world, "p0")
    assert isinstance(world.stacks["p0"].connect("10.96.0.50", 80), Connected)
    assert isinstance(world.stacks["p1"].connect("10.96.0.50", 80), TimedOut)


def test_rules_stand_before_those_of_a_kube_proxy_that_comes_later():
    world = denied_everywhere()
    service(world, "p0")
    world.each(lambda agent: agent.apply_policy(make_policy("more", "a", policyTypes=["Ingress"])))
    world.sync()
    for stack in world.nodes.values():
        forward = stack.rulesets[4].tables["filter"].chains["FORWARD"].rules
        jumps = [rule.spec.jump.chain for rule in forward]
        assert jumps[0] == "KUBE-NETWORK-POLICIES"
        assert jumps.count("KUBE-NETWORK-POLICIES") == 1


def test_policies_see_the_pod_behind_a_service():
    target = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [
        {"to": [{"ipBlock": {"cidr": "172.17.0.0/16"}}],
         "ports": [{"port": 8080, "protocol": "TCP"}]}]}
    world = world_with(make_policy("out", "b", **target))
    service(world, "p0")
    assert isinstance(world.stacks["p1"].connect("10.96.0.50", 80), Connected)
    world.apply(make_policy("out", "b", **{**target, "egress": [
        {"to": [{"ipBlock": {"cidr": "10.96.0.0/12"}}]}]}))
    world.sync()
    assert isinstance(world.stacks["p1"].connect("10.96.0.50", 80), TimedOut)
