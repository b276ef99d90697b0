"""Nodes, Pods and hosts outside, wired together: who reaches whom, and how it fails."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from netsim import packet as pk
from netsim.fabric import Fabric, Node
from netsim.netfilter.hooks import Hook, Verdict
from netsim.outcome import Answered, Connected, Refused, TimedOut, Unreachable
from netsim.packet import parse_address
from netsim.sockets import AddressInUse, Datagram
from netsim.trace import Trace

if TYPE_CHECKING:
    from netsim.namespace import Namespace


class Lab:
    """Two nodes with two Pods each, and a host outside."""

    def __init__(self) -> None:
        self.fabric = Fabric(lambda: 0.0, random.Random(7))
        self.one: Node = self.fabric.add_node(
            "one", ["10.211.55.120/24", "fd00:10:211::120/64"], ["172.17.0.0/24", "fd00:17::/64"])
        self.two: Node = self.fabric.add_node("two", "10.211.55.121/24", "172.17.1.0/24")
        self.a = self.one.attach_pod("a", "172.17.0.6", "fd00:17::6")
        self.b = self.one.attach_pod("b", "172.17.0.7", "fd00:17::7")
        self.c = self.two.attach_pod("c", "172.17.1.6")
        self.outside = self.fabric.add_outside("outside", "10.211.55.2/24", through=self.one,
                                               networks=["172.17.0.0/16"])


@pytest.fixture
def lab() -> Lab:
    return Lab()


ADDRESSES = {"a": "172.17.0.6", "b": "172.17.0.7", "c": "172.17.1.6", "one": "10.211.55.120",
             "two": "10.211.55.121", "outside": "10.211.55.2"}


def host(lab: Lab, name: str) -> Namespace:
    found: Namespace = getattr(lab, name)
    return found


@pytest.mark.parametrize("server", ADDRESSES)
@pytest.mark.parametrize("client", ADDRESSES)
def test_everybody_reaches_everybody(lab: Lab, client: str, server: str) -> None:
    host(lab, server).listen("tcp", 80, server)
    outcome = host(lab, client).connect(ADDRESSES[server], 80)
    assert isinstance(outcome, Connected)
    assert (outcome.handler, outcome.server.name) == (server, server)
    assert outcome.transfer(100, 100)
    outcome.close()
    assert not host(lab, client).sockets.connections
    assert not host(lab, server).sockets.connections


def test_both_ends_see_the_same_addresses_without_nat(lab: Lab) -> None:
    lab.c.listen("tcp", 80, None)
    outcome = lab.a.connect("172.17.1.6", 80, source_port=4000)
    assert isinstance(outcome, Connected)
    assert str(outcome.local) == str(outcome.server_remote) == "172.17.0.6:4000"
    assert str(outcome.remote) == str(outcome.server_local) == "172.17.1.6:80"


@pytest.mark.parametrize("address", ["fd00:17::7", "::1", "fd00:10:211::120"])
def test_ipv6_works_alike(lab: Lab, address: str) -> None:
    server = lab.b if address == "fd00:17::7" else lab.one
    server.listen("tcp", 80, "six")
    client = lab.one if address == "::1" else lab.a
    assert isinstance(client.connect(address, 80), Connected)


@pytest.mark.parametrize(("client", "address", "outcome"), [
    ("a", "172.17.0.7", Refused(by="tcp-reset")),
    ("outside", "172.17.1.6", Refused(by="tcp-reset")),
    ("a", "127.0.0.1", Refused(by="tcp-reset")),
    ("a", "8.8.8.8", TimedOut()),
    ("a", "10.211.55.1", TimedOut()),
    ("a", "172.17.0.99",
     Unreachable(error="EHOSTUNREACH", by="icmp 3/1 from 172.17.0.6", seconds=3.0)),
    ("c", "172.17.0.99",
     Unreachable(error="EHOSTUNREACH", by="icmp 3/1 from 10.211.55.120", seconds=3.0)),
    ("two", "fd00::1", Unreachable(error="ENETUNREACH")),
])
def test_how_connections_fail(lab: Lab, client: str, address: str, outcome: object) -> None:
    assert host(lab, client).connect(address, 80) == outcome


def test_datagrams_are_answered_refused_or_not_heard_of(lab: Lab) -> None:
    def shout(datagram: Datagram) -> bytes | None:
        assert isinstance(datagram.payload, bytes)
        return datagram.payload.upper() or None

    lab.c.listen("udp", 53, shout)
    answer = lab.a.send_datagram("172.17.1.6", 53, b"hello")
    assert isinstance(answer, Answered)
    assert (answer.payload, answer.handler, str(answer.source)) == (b"HELLO", shout,
                                                                    "172.17.1.6:53")
    assert lab.a.send_datagram("172.17.1.6", 53, b"") == TimedOut(handler=shout)
    assert lab.a.send_datagram("172.17.1.6", 54) == Refused(by="icmp 3/3 from 172.17.1.6")
    assert lab.a.send_datagram("8.8.8.8", 53) == TimedOut()


def test_ping_counts_hops_in_the_ttl(lab: Lab) -> None:
    near, far = lab.a.ping("172.17.0.7"), lab.a.ping("172.17.1.6")
    assert isinstance(near, Answered)
    assert isinstance(far, Answered)
    assert (near.ttl, far.ttl) == (64, 62)


def test_a_detached_pod_is_gone_and_its_address_free(lab: Lab) -> None:
    lab.b.listen("tcp", 80, "b")
    standing = lab.a.connect("172.17.0.7", 80)
    assert isinstance(standing, Connected)
    lab.one.detach_pod("b")
    assert not standing.transfer(1, 1)
    assert isinstance(lab.a.connect("172.17.0.7", 80), Unreachable)
    again = lab.one.attach_pod("b", "172.17.0.7")
    again.listen("tcp", 80, "new")
    outcome = lab.a.connect("172.17.0.7", 80)
    assert isinstance(outcome, Connected)
    assert outcome.handler == "new"


def test_the_routes_of_a_pod_are_there_when_somebody_asks(lab: Lab) -> None:
    pod = lab.one.attach_pod("late", "172.17.0.9", "fd00:17::9")
    assert isinstance(lab.a.connect("172.17.0.9", 80), Refused)
    assert [str(route) for route in pod.routes[4] if route.interface is not pod.loopback] == [
        "default via 172.17.0.1 dev eth0",
        "172.17.0.0/24 dev eth0 proto kernel scope link src 172.17.0.9",
        "local 172.17.0.9 dev eth0", "broadcast 172.17.0.255 dev eth0"]
    assert "default via fd00:17::1 dev eth0" in map(str, pod.routes[6])


def test_a_pod_that_never_sent_anything_leaves_as_others_do(lab: Lab) -> None:
    silent = lab.one.attach_pod("silent", "172.17.0.9")
    lab.one.detach_pod("silent")
    assert list(silent.interfaces) == ["lo"]
    assert {route.interface for route in silent.routes[4]} == {silent.loopback}


@pytest.mark.parametrize(("name", "address", "why"), [
    ("a", "172.17.0.50", "is attached"), ("x", "172.17.0.6", "is in use"),
    ("x", "172.17.0.1", "is in use"), ("x", "172.17.9.9", "in no Pod range"),
])
def test_names_and_addresses_of_pods_are_unique(
    lab: Lab, name: str, address: str, why: str,
) -> None:
    with pytest.raises(ValueError, match=why):
        lab.one.attach_pod(name, address)
    assert set(lab.one.pods) == {"a", "b"}
    assert len(lab.one.docker0.ports) == 2


def test_a_port_takes_one_listener_an_address(lab: Lab) -> None:
    lab.a.listen("tcp", 80, "any")
    with pytest.raises(AddressInUse):
        lab.a.listen("tcp", 80, "again", "172.17.0.6")
    lab.a.listen("udp", 80, "udp is another port")
    lab.b.listen("tcp", 80, "one", "172.17.0.7")
    lab.b.listen("tcp", 80, "two", "127.0.0.1")
    outcome = lab.b.connect("127.0.0.1", 80)
    assert isinstance(outcome, Connected)
    assert outcome.handler == "two"


def test_a_closed_listener_takes_nobody_new(lab: Lab) -> None:
    listener = lab.b.listen("tcp", 80, "b")
    standing = lab.a.connect("172.17.0.7", 80)
    listener.close()
    assert lab.a.connect("172.17.0.7", 80) == Refused(by="tcp-reset")
    assert isinstance(standing, Connected)
    assert standing.transfer(5, 5)


def test_an_aborted_connection_is_over_at_both_ends(lab: Lab) -> None:
    lab.b.listen("tcp", 80, "b")
    outcome = lab.a.connect("172.17.0.7", 80)
    assert isinstance(outcome, Connected)
    outcome.abort()
    assert not lab.b.sockets.connections
    assert not outcome.transfer(1, 0)


def test_a_node_can_leave_and_come_back(lab: Lab) -> None:
    lab.fabric.remove_node("two")
    assert not isinstance(lab.a.connect("172.17.1.6", 80), Connected)
    two = lab.fabric.add_node("two", "10.211.55.121/24", "172.17.1.0/24")
    two.attach_pod("c", "172.17.1.6").listen("tcp", 80, "back")
    assert isinstance(lab.a.connect("172.17.1.6", 80), Connected)


def test_a_host_that_does_not_forward_swallows_what_is_for_others(lab: Lab) -> None:
    lab.one.forwarding[4] = False
    assert lab.a.connect("172.17.1.6", 80) == TimedOut()


def test_an_interface_that_is_down_sends_and_takes_nothing(lab: Lab) -> None:
    lab.b.listen("tcp", 80, "b")
    lab.b.interfaces["eth0"].up = False
    assert not isinstance(lab.a.connect("172.17.0.7", 80), Connected)


def test_the_ttl_ends_at_the_router(lab: Lab) -> None:
    lab.c.listen("udp", 53, lambda _: b"")
    socket = lab.a.sockets.udp("172.17.1.6", 53)
    assert not isinstance(socket, Unreachable)
    probe = pk.udp(4, *(socket.key[i] for i in (1, 3, 2, 4)))
    probe.ttl = 1
    lab.a.send(probe)
    lab.fabric.wire.run()
    assert socket.error is not None
    assert (socket.error.icmp_type, socket.error.icmp_code) == (11, 0)


def test_the_same_seed_gives_the_same_packets() -> None:
    def story() -> str:
        lab, trace = Lab(), Trace()
        lab.c.listen("tcp", 80, "c")
        for _ in range(3):
            lab.a.connect("172.17.1.6", 80, trace=trace)
        return str(trace)

    assert story() == story()


def test_a_trace_names_every_station(lab: Lab) -> None:
    lab.c.listen("tcp", 80, "c")
    trace = Trace()
    lab.a.connect("172.17.1.6", 80, trace=trace)
    nodes = [step.node for step in trace.steps]
    assert list(dict.fromkeys(nodes)) == ["a", "one", "two", "c"]
    assert "delivered to a listener" in str(trace)


def test_without_a_trace_nothing_is_recorded(lab: Lab) -> None:
    lab.c.listen("tcp", 80, "c")
    outcome = lab.a.connect("172.17.1.6", 80)
    assert isinstance(outcome, Connected)
    assert outcome.trace is None


def test_a_program_that_is_called_with_a_datagram_may_use_the_network(lab: Lab) -> None:
    lab.c.listen("udp", 53, lambda datagram: b"from c")

    def forward(datagram: Datagram) -> bytes:
        answer = lab.b.send_datagram("172.17.1.6", 53, datagram.payload)
        assert isinstance(answer, Answered)
        assert isinstance(answer.payload, bytes)
        return answer.payload

    lab.b.listen("udp", 53, forward)
    answer = lab.a.send_datagram("172.17.0.7", 53, b"question")
    assert isinstance(answer, Answered)
    assert answer.payload == b"from c"


def test_half_open_connections_leave_nothing_behind(lab: Lab) -> None:
    lab.c.listen("tcp", 80, "c")
    lab.one.register(4, Hook.FORWARD, 0, lambda context: (
        Verdict.DROP if context.packet.src == parse_address("172.17.1.6")[1] else Verdict.ACCEPT))
    assert lab.a.connect("172.17.1.6", 80) == TimedOut()
    assert not lab.c.sockets.connections
    assert not lab.a.sockets.connections
