"""br_netfilter: what bridged packets meet, and what hairpin needs."""

from __future__ import annotations

import pytest

from netsim.kubeproxy import Family
from netsim.kubeproxy.node_proxy import iptables_of
from netsim.netfilter.cli.iptables import iptables
from netsim.outcome import Connected, Refused, TimedOut
from netsim.sysctl import write
from tests.netsim.lab import Lab

VIP = "10.96.0.10"


def rule(lab: Lab, text: str) -> None:
    done = iptables(iptables_of(lab.node, Family.IPV4), text.split())
    assert done.code == 0, done.stderr


def packets(lab: Lab, table: str, chain: str) -> int:
    return iptables_of(lab.node, Family.IPV4).tables[table].chains[chain].rules[0].packets


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_a_frame_between_pods_meets_forward_with_its_ports(lab: Lab) -> None:
    rule(lab, "-A FORWARD -i docker0 -o docker0 -m physdev --physdev-is-bridged")
    assert isinstance(lab.connect("client", "172.17.0.6:5000"), Connected)
    assert packets(lab, "filter", "FORWARD") > 0


def test_without_br_netfilter_it_meets_nothing(lab: Lab) -> None:
    write(lab.node, "net.bridge.bridge-nf-call-iptables", "0")
    rule(lab, "-A FORWARD -j DROP")
    assert isinstance(lab.connect("client", "172.17.0.6:5000"), Connected)
    assert packets(lab, "filter", "FORWARD") == 0


def test_a_bridged_packet_keeps_its_ttl_even_after_dnat(lab: Lab) -> None:
    rule(lab, f"-t nat -A PREROUTING -d {VIP} -p udp -j DNAT --to-destination 172.17.0.6:5353")
    rule(lab, "-A FORWARD -p udp -m ttl --ttl-eq 64")
    lab.hosts["client"].send_datagram(VIP, 53, b"x")
    assert packets(lab, "filter", "FORWARD") == 2


def test_reject_in_the_bridge_answers_from_the_bridge(lab: Lab) -> None:
    rule(lab, "-A FORWARD -d 172.17.0.6 -j REJECT")
    assert lab.connect("client", "172.17.0.6:5000") == Refused(by="icmp 3/3 from 172.17.0.1")


@pytest.mark.parametrize(("hairpin", "answer"), [(True, Connected), (False, TimedOut)])
def test_a_port_gets_its_own_packet_back_in_hairpin_mode_only(
    lab: Lab, hairpin: bool, answer: type,
) -> None:
    rule(lab, f"-t nat -A PREROUTING -d {VIP} -p tcp -j DNAT --to-destination 172.17.0.6:5000")
    rule(lab, "-t nat -A POSTROUTING -s 172.17.0.6 -d 172.17.0.6 -j MASQUERADE")
    for port in lab.node.docker0.ports.values():
        port.hairpin = hairpin
    assert isinstance(lab.connect("b1", f"{VIP}:80"), answer)


def test_dropping_in_prerouting_stops_a_frame(lab: Lab) -> None:
    rule(lab, "-t raw -A PREROUTING -s 172.17.0.100 -j DROP")
    assert lab.connect("client", "172.17.0.6:5000") == TimedOut()


def test_a_bridge_that_is_down_carries_nothing(lab: Lab) -> None:
    lab.node.interfaces["docker0"].up = False
    assert not isinstance(lab.connect("client", "172.17.0.6:5000"), Connected)
    assert not isinstance(lab.connect("node", "172.17.0.6:5000"), Connected)


def test_names_of_ports_are_unique(lab: Lab) -> None:
    bridge = lab.node.docker0
    name = next(iter(bridge.ports))
    with pytest.raises(ValueError, match="exists"):
        bridge.add_port(name, lab.hosts["ext"].interfaces["eth0"])
    assert all(len(name) <= 15 for name in bridge.ports)
