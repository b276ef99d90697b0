"""Routes: the longest prefix wins."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsim.netfilter.context import AddressType
from netsim.packet import parse_address
from netsim.routing import Route, RouteKind, RoutingTable, parse_network
from tests.netsim.router import Router


def route(text: str, metric: int = 0) -> Route:
    family, network, length = parse_network(text)
    return Route(family, network, length, RouteKind.UNICAST, metric=metric)


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)), max_size=12),
       st.integers(0, 2**32 - 1))
def test_lookup_finds_the_longest_prefix(networks: list[tuple[int, int]], address: int) -> None:
    table = RoutingTable(4)
    for number, length in networks:
        table.add(route(f"{ipaddress.IPv4Address(number)}/{length}"))
    wanted = ipaddress.IPv4Address(address)
    nets = [ipaddress.ip_network((number, length), strict=False) for number, length in networks]
    longest = max((net.prefixlen for net in nets if wanted in net), default=None)
    for _ in range(2):  # searched, then from the cache
        found = table.lookup(address)
        assert (found.length if found else None) == longest


def test_among_equal_prefixes_the_lowest_metric_wins_until_it_goes() -> None:
    table = RoutingTable(4)
    far, near = route("10.0.0.0/8", metric=100), route("10.0.0.0/8", metric=5)
    table.add(far)
    table.add(near)
    assert table.lookup(10 << 24) is near
    table.remove(near)
    assert table.lookup(10 << 24) is far


def test_removing_a_route_that_is_not_there_is_an_error() -> None:
    table = RoutingTable(4)
    with pytest.raises(ValueError, match="no route"):
        table.remove(route("10.0.0.0/8"))


@pytest.mark.parametrize(("address", "kind"), [
    ("10.1.0.1", AddressType.LOCAL), ("127.9.9.9", AddressType.LOCAL),
    ("10.1.0.255", AddressType.BROADCAST), ("255.255.255.255", AddressType.BROADCAST),
    ("10.1.0.7", AddressType.UNICAST), ("8.8.8.8", AddressType.UNICAST),
    ("224.0.0.1", AddressType.MULTICAST), ("::1", AddressType.LOCAL),
    ("ff02::1", AddressType.MULTICAST), ("10.9.0.1", AddressType.UNREACHABLE),
    ("10.8.0.1", AddressType.BLACKHOLE),
])
def test_address_types(address: str, kind: AddressType) -> None:
    stack = Router().stack
    stack.add_route("10.9.0.0/16", kind=RouteKind.UNREACHABLE)
    stack.add_route("10.8.0.0/16", kind=RouteKind.BLACKHOLE)
    assert stack.address_type(*parse_address(address)) is kind


def test_an_address_is_local_to_its_own_interface_only() -> None:
    stack = Router().stack
    address = parse_address("10.1.0.1")
    assert stack.address_type(*address, interface="eth0") is AddressType.LOCAL
    assert stack.address_type(*address, interface="eth1") is AddressType.UNICAST


@pytest.mark.parametrize(("kind", "out"), [
    (RouteKind.UNREACHABLE, "type 3/1"), (RouteKind.PROHIBIT, "type 3/13"),
])
def test_forbidden_networks_are_answered(kind: RouteKind, out: str) -> None:
    router = Router()
    router.stack.add_route("10.9.0.0/16", kind=kind)
    (answer,) = router.send("eth0 udp 10.1.0.2:1 > 10.9.0.1:2")
    assert out in answer


def test_a_black_hole_swallows() -> None:
    router = Router()
    router.stack.add_route("10.9.0.0/16", kind=RouteKind.BLACKHOLE)
    assert router.send("eth0 udp 10.1.0.2:1 > 10.9.0.1:2") == []


def test_without_a_route_the_sender_is_told() -> None:
    router = Router()
    default = router.stack.routes[4].find(0, 0)
    assert default is not None
    router.stack.remove_route(default)
    (answer,) = router.send("eth0 udp 10.1.0.2:1 > 8.8.8.8:2")
    assert "type 3/0" in answer
    assert router.send("local udp 10.1.0.1:1 > 8.8.8.8:2") == ["local send ENETUNREACH"]


@pytest.mark.parametrize(("text", "printed"), [
    ("default", "default via 10.2.0.254 dev eth1"), ("10.5.0.0/16", "10.5.0.0/16 via 10.2.0.254"),
    ("10.5.0.1", "10.5.0.1 via 10.2.0.254"),
])
def test_routes_print_as_ip_route_does(text: str, printed: str) -> None:
    made = Router().stack.add_route(text, via="10.2.0.254")
    assert str(made).startswith(printed)


def test_a_gateway_must_be_on_a_link() -> None:
    with pytest.raises(ValueError, match="invalid gateway"):
        Router().stack.add_route("10.9.0.0/16", via="10.1.0.1")
