"""Generated policies, all Pod pairs: what passes is what a naive evaluator allows."""

from __future__ import annotations

import random

import pytest

from tests.netsim.policy.world import (
    OUTSIDE,
    PORTS,
    World,
    allowed,
    allowed_one_way,
    some_policy,
)

BY_FAMILY = [*((4, seed) for seed in range(40)), *((6, seed) for seed in range(100, 120))]


@pytest.mark.parametrize(("family", "seed"), BY_FAMILY)
def test_packets_pass_exactly_where_policies_allow_it(family, seed):
    chance = random.Random(seed)
    world = World(chance, family)
    for number in range(chance.randrange(3, 10)):
        world.apply(some_policy(chance, f"np{number}"))
    world.sync()
    policies, wrong = list(world.policies.values()), []
    for source in world.pods:
        for name in world.pods:
            for protocol, port in PORTS if source != name else ():
                expected = allowed(policies, world.pods[source], world.pods[name],
                                   (protocol, port), family)
                if world.passes(world.stacks[source], name, protocol, port) != expected:
                    wrong.append((source, name, protocol, port, expected))
    assert wrong == []


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("seed", range(40, 50))
def test_a_host_outside_is_judged_by_its_address(seed, family):
    chance = random.Random(seed)
    world = World(chance, family)
    for number in range(6):
        world.apply(some_policy(chance, f"np{number}"))
    world.sync()
    policies = list(world.policies.values())
    for name, pod in world.pods.items():
        for protocol, port in PORTS:
            expected = allowed_one_way(policies, "Ingress", pod, None, OUTSIDE[family],
                                       (pod, protocol, port))
            assert world.passes(world.outside, name, protocol, port) == expected


def test_the_table_has_at_least_200_policies():
    count = 0
    for family, seed in BY_FAMILY:
        chance = random.Random(seed)
        World(chance, family)
        count += chance.randrange(3, 10)
    assert count >= 200
