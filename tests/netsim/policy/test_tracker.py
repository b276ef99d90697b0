"""Whatever happens in whatever order, the node ends with the rules that a rebuild would write."""

from __future__ import annotations

import random

import pytest

from netsim.fabric import Fabric
from netsim.netfilter.save_restore import save
from netsim.outcome import TimedOut
from netsim.policy import NodePolicies, render
from tests.netsim.policy.world import (
    make_pod,
    make_policy,
    some_labels,
    some_policy,
    spaces,
)


def node():
    fabric = Fabric(lambda: 1e6, random.Random(1))
    return fabric.add_node("n1", "10.211.55.120/24", "172.17.1.0/24")


def rules(stack):
    """The rules of policies, their order in dispatch chains aside, and the sets."""
    ruleset = stack.rulesets.get(4)
    lines = save(ruleset).splitlines() if ruleset else []
    sets = {name: sorted(entry.text for entry in one.elements.values())
            for name, one in stack.ipsets.items()}
    dispatch = sorted(line for line in lines if "-A KUBE-NETPOL" in line)
    return [line for line in lines if "KUBE-N" in line and "-A KUBE-NETPOL" not in line
            ], dispatch, sets


class Events:
    """What happens to a cluster, by chance, told to an agent."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.pods, self.policies, self.spaces = {}, {}, {}
        self.agent = NodePolicies(node())

    def step(self):
        self.chance.choice([self.pod, self.pod, self.policy, self.policy, self.space])()
        if self.chance.random() < 0.5:
            self.agent.sync()

    def pod(self):
        number = self.chance.randrange(12)
        key = ("abc"[number % 3], f"p{number}")
        if key in self.pods and self.chance.random() < 0.4:
            del self.pods[key]
            self.agent.remove_pod(key)
            return
        self.pods[key] = make_pod(key[1], key[0], some_labels(self.chance),
                                  f"172.17.1.{10 + number}", self.chance.choice(["n1", "n2"]),
                                  self.chance.choice([80, 8080]))
        self.agent.apply_pod(self.pods[key])

    def policy(self):
        policy = some_policy(self.chance, f"np{self.chance.randrange(5)}")
        key = (policy["metadata"]["namespace"], policy["metadata"]["name"])
        if key in self.policies and self.chance.random() < 0.4:
            del self.policies[key]
            self.agent.remove_policy(key)
            return
        self.policies[key] = policy
        self.agent.apply_policy(policy)

    def space(self):
        space = self.chance.choice(spaces())
        name = space["metadata"]["name"]
        if name in self.spaces and self.chance.random() < 0.5:
            del self.spaces[name]
            self.agent.remove_namespace(name)
            return
        labels = self.chance.choice([{}, {"team": "red"}, {"env": "prod"}])
        self.spaces[name] = {"metadata": {"name": name, "labels": labels}}
        self.agent.apply_namespace(self.spaces[name])

    def rebuilt(self):
        agent = NodePolicies(node())
        for obj in self.policies.values():
            agent.apply_policy(obj)
        for obj in self.spaces.values():
            agent.apply_namespace(obj)
        for obj in self.pods.values():
            agent.apply_pod(obj)
        return agent


@pytest.mark.parametrize("seed", range(25))
def test_step_by_step_ends_where_a_rebuild_does(seed):
    events = Events(seed)
    for _ in range(30):
        events.step()
    events.agent.sync()
    fresh = events.rebuilt()
    fresh.sync()
    assert events.agent.tracker.plan(4) == fresh.tracker.plan(4)
    assert rules(events.agent._stack) == rules(fresh._stack)


@pytest.mark.parametrize("seed", range(5))
def test_a_second_sync_changes_nothing(seed):
    events = Events(seed)
    for _ in range(20):
        events.step()
    events.agent.sync()
    ruleset = events.agent._stack.rulesets.get(4)
    generation = ruleset.generation if ruleset else 0
    events.agent.sync()
    assert (ruleset.generation if ruleset else 0) == generation


def test_without_policies_nothing_is_written():
    agent = NodePolicies(node())
    agent.apply_pod(make_pod("p", "a", {}, "172.17.1.10", "n1"))
    agent.sync()
    assert agent._stack.rulesets == {}
    agent.apply_policy(make_policy("deny", policyTypes=["Ingress"]))
    agent.sync()
    agent.remove_policy(("a", "deny"))
    agent.sync()
    assert rules(agent._stack) == ([], [], {})


def test_what_is_flushed_by_hand_comes_back():
    agent = NodePolicies(node())
    agent.apply_pod(make_pod("p", "a", {}, "172.17.1.10", "n1"))
    agent.apply_policy(make_policy("deny", policyTypes=["Ingress"]))
    agent.sync()
    before = rules(agent._stack)
    for chain in agent._stack.rulesets[4].tables["filter"].chains.values():
        chain.flush()
    agent.sync()
    assert rules(agent._stack) == before


def test_a_change_among_many_policies_leaves_the_other_chains_alone():
    agent = NodePolicies(node())
    for number in range(100):
        labels = {"app": f"a{number}"}
        agent.apply_pod(make_pod(f"p{number}", "a", labels, f"172.17.1.{10 + number}", "n1"))
        agent.apply_policy(make_policy(f"np{number}", podSelector={"matchLabels": labels},
                                       policyTypes=["Ingress"]))
    agent.sync()
    table = agent._stack.rulesets[4].tables["filter"]
    before = {name: list(chain.rules) for name, chain in table.chains.items()}
    agent.apply_policy(make_policy("np7", podSelector={"matchLabels": {"app": "a7"}},
                                   policyTypes=["Ingress"], ingress=[{}]))
    agent.sync()
    changed = [name for name, chain in table.chains.items() if before[name] != chain.rules]
    assert len(changed) == 1


def test_the_policies_of_a_pod_are_found_by_one_look_up():
    agent = NodePolicies(node())
    for number in range(100):
        agent.apply_pod(make_pod(f"p{number}", "a", {}, f"172.17.1.{10 + number}", "n1"))
    agent.apply_policy(make_policy("deny", policyTypes=["Ingress", "Egress"]))
    agent.sync()
    client = agent._stack.attach_pod("p0", "172.17.1.10")
    agent._stack.attach_pod("p1", "172.17.1.11")
    assert isinstance(client.connect("172.17.1.11", 80), TimedOut)
    table = agent._stack.rulesets[4].tables["filter"]
    chain = table.chains["KUBE-NETPOL-EGRESS"]
    assert len(chain.compiled.index_of) == len(chain.rules) == 200


def test_rules_are_text_that_iptables_takes():
    deny = make_policy("deny", policyTypes=["Ingress"])
    text = render([deny], [make_pod("p", "a", {}, "172.17.1.10", "n1")], spaces(), node="n1")
    assert '-m comment --comment "ingress not allowed by a/deny" -j DROP' in text
    assert render([deny], [], spaces(), node="n1") == ""
