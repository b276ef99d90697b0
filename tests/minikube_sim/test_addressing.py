"""Whatever address options are taken, nothing of a cluster gets an address twice."""

from __future__ import annotations

import ipaddress
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from minikube_sim.complaints import explain
from minikube_sim.config import ClusterOptions


def networks_4(own, *lengths):
    """Somewhere in OWN.0.0.0/8 (or, to collide, in 10.0.0.0/8)."""
    return st.builds(
        lambda first, low, length: ipaddress.ip_network((first << 24 | low, length), strict=False),
        st.sampled_from([own, own, own, 10]), st.integers(0, (1 << 24) - 1),
        st.sampled_from(lengths))


def networks_6(own, *lengths):
    """Somewhere in OWN::/16 (or, to collide, in fd00::/16)."""
    return st.builds(
        lambda first, low, length: ipaddress.ip_network(
            (first << 112 | low << 64, length), strict=False),
        st.sampled_from([own, own, own, 0xFD00]), st.integers(0, 3), st.sampled_from(lengths))


FOUR = {"pod_cidr": networks_4(11, 12, 16, 20, 16, 23, 29, 31),
        "service_cluster_ip_range": networks_4(12, 12, 16, 16, 24, 28, 29),
        "node_ip": networks_4(13, 32).map(lambda one: one[0])}
SIX = {"pod_cidr": networks_6(0xFD01, 48, 56, 64, 64, 72, 80, 127),
       "service_cluster_ip_range": networks_6(0xFD02, 64, 108, 108, 112, 112, 124),
       "node_ip": networks_6(0xFD03, 64).map(lambda one: one[0x120])}


@st.composite
def wishes(draw):
    """Options, most of them good; the families of one may be in another order, or missing."""
    usual = draw(st.sampled_from([(FOUR,), (SIX,), (FOUR, SIX), (SIX, FOUR)]))
    found = {"nodes": draw(st.sampled_from([1, 1, 2, 3, 20]))}
    for name in FOUR:
        chosen = draw(st.sampled_from([usual] * 8 + [usual[::-1], (FOUR,)]))
        found[name] = ",".join(str(draw(one[name])) for one in chosen)
    return found


def options_or_complaint(wish):
    try:
        return ClusterOptions.model_validate(wish)
    except ValidationError as error:
        return explain(error, ClusterOptions)


@given(wishes())
def test_options_are_refused_in_one_line_or_give_everybody_addresses_of_their_own(wish):
    options = options_or_complaint(wish)
    if isinstance(options, str):
        assert options.startswith("--")
        assert "\n" not in options
        return
    pods = [cidr for node in options.node_pod_cidrs() for cidr in node]
    nodes = [address for node in options.node_addresses() for address in node]
    apart = [ipaddress.ip_network(one) for one in (*pods, *nodes, *options.service_cidrs)]
    assert not any(a.overlaps(b) for a, b in combinations(apart, 2) if a.version == b.version)
    assert {len(node) for node in options.node_addresses()} == {len(options.families)}
    for address, cidr in zip(options.service_ips(10), options.service_cidrs, strict=True):
        assert ipaddress.ip_address(address) in ipaddress.ip_network(cidr)
    assert ClusterOptions.model_validate_json(options.model_dump_json()) == options
