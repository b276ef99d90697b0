"""ip: what it shows, and what its changes do to packets. Lines as iproute2 6.1 prints them."""

from __future__ import annotations

import json

import pytest


def test_the_ports_of_the_bridge_are_devices(world):
    lines = world.out("ip link show master docker0").splitlines()
    assert lines[0] == ("4: veth0web@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue "
                        "master docker0 state UP mode DEFAULT group default qlen 1000")
    assert lines[1].endswith(" brd ff:ff:ff:ff:ff:ff link-netnsid 0")


def test_one_line_a_record(world):
    assert world.out("ip -o -4 addr show docker0") == (
        "3: docker0    inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0\\"
        "       valid_lft forever preferred_lft forever\n")
    assert world.out("ip -br addr").splitlines()[1] == "eth0             UP             " \
        "10.211.55.120/24 "


def test_addresses_as_json(world):
    (device,) = json.loads(world.out("ip -j addr show eth0"))
    assert device["addr_info"][0]["local"] == "10.211.55.120"
    assert device["operstate"] == "UP"


def test_routes_of_all_tables(world):
    assert world.out("ip route show table local").splitlines()[0] == (
        "local 10.211.55.120 dev eth0 proto kernel scope host src 10.211.55.120 ")
    assert world.out("ip r").splitlines()[0] == "default via 10.211.55.1 dev eth0 "


@pytest.mark.parametrize(("target", "said"), [
    ("10.96.0.1", "10.96.0.1 via 10.211.55.1 dev eth0 src 10.211.55.120 uid 0 \n    cache \n"),
    ("172.17.0.6", "172.17.0.6 dev docker0 src 172.17.0.1 uid 0 \n    cache \n"),
    ("172.17.0.1", "local 172.17.0.1 dev lo src 172.17.0.1 uid 0 \n    cache <local> \n"),
    ("172.17.0.6 from 10.9.9.9 iif eth0",
     "172.17.0.6 from 10.9.9.9 dev docker0 \n    cache iif eth0 \n"),
])
def test_the_way_to_an_address(world, target, said):
    assert world.out(f"ip route get {target}") == said


def test_an_added_route_is_taken(world):
    world.out("ip route add blackhole 10.7.0.0/16")
    assert "blackhole 10.7.0.0/16 \n" in world.out("ip route")
    assert world.run("ip route get 10.7.0.1") == (2, "", "RTNETLINK answers: Invalid argument\n")
    world.out("ip route del 10.7.0.0/16")
    assert "10.7" not in world.out("ip route")


def test_an_added_address_answers(world):
    assert world.run("ping -c 1 -W 1 10.211.55.99")[0] == 1
    world.out("ip addr add 10.211.55.99/24 dev eth0")
    assert world.run("ping -c 1 10.211.55.99")[0] == 0


def test_a_device_that_goes_down_loses_its_routes_and_gets_those_of_its_addresses_back(world):
    world.out("ip link set docker0 down")
    assert "172.17" not in world.out("ip route")
    assert "state DOWN" in world.out("ip link show docker0")
    assert world.run("curl -s http://172.17.0.6:5000/ --max-time 3")[0] != 0
    world.out("ip link set docker0 up")
    assert world.out("curl -s http://172.17.0.6:5000/") == "GET / \n"


def test_a_port_that_is_down_lets_nothing_through(world):
    world.out("ip link set veth0web down")
    assert world.run("ping -c 1 172.17.0.6")[0] == 1
    world.out("ip link set veth0web up")
    assert world.run("ping -c 1 172.17.0.6")[0] == 0


def test_a_small_mtu_is_told_to_who_may_not_fragment(world):
    world.out("ip link set docker0 mtu 1400")
    code, _, err = world.run("ping -c 1 -M do -s 1450 172.17.0.6")
    assert (code, err) == (1, "ping: local error: message too long, mtu=1400\n")
    assert world.run("ping -c 1 -s 1300 -M do 172.17.0.6")[0] == 0


def test_neighbours_are_those_on_the_link(world):
    (line,) = world.out("ip neigh show dev docker0").splitlines()
    assert line.startswith("172.17.0.6 lladdr 02:")
    assert line.endswith(" REACHABLE ")


@pytest.mark.parametrize(("line", "code", "said"), [
    ("ip foo", 1, 'Object "foo" is unknown, try "ip help".'),
    ("ip link show nosuch", 1, 'Device "nosuch" does not exist.'),
    ("ip link set nosuch up", 1, 'Cannot find device "nosuch"'),
    ("ip addr add foo dev eth0", 1, 'Error: any valid prefix is expected rather than "foo".'),
    ("ip addr add 1.2.3.4/24", 1, 'Not enough information: "dev" argument is required.'),
    ("ip addr add 10.211.55.120/24 dev eth0", 2, "RTNETLINK answers: File exists"),
    ("ip addr del 1.2.3.4/24 dev eth0", 2, "RTNETLINK answers: Cannot assign requested address"),
    ("ip route add 10.9.0.0/16 via 1.1.1.1", 2, "Error: Nexthop has invalid gateway."),
    ("ip route add default via 10.211.55.2", 2, "RTNETLINK answers: File exists"),
    ("ip route del 10.9.0.0/16", 2, "RTNETLINK answers: No such process"),
    ("ip route get", 1, "need at least a destination address"),
])
def test_refusals_are_the_real_ones(world, line, code, said):
    assert world.run(line) == (code, "", f"{said}\n")
