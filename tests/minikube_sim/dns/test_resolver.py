"""resolv.conf, messages, and a resolver that asks a server over the simulated network."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_sim.clock import VirtualClock
from minikube_sim.dns import wire
from minikube_sim.dns.resolver import Heard, ResolvConf, Resolver, Silent
from minikube_sim.dns.server import read_corefile
from minikube_sim.dns.zone import NXDOMAIN, Answer, Record
from minikube_sim.process import Process
from netsim.fabric import Fabric

POD = ("search default.svc.cluster.local svc.cluster.local cluster.local\n"
       "nameserver 10.96.0.10\noptions ndots:5\n")


@pytest.mark.parametrize(("text", "name", "expected"), [
    (POD, "web", ["web.default.svc.cluster.local", "web.svc.cluster.local", "web.cluster.local",
                  "web"]),
    (POD, "web.", ["web"]),
    (POD, "a.b.c.d.e.f", ["a.b.c.d.e.f", *(f"a.b.c.d.e.f.{d}" for d in (
        "default.svc.cluster.local", "svc.cluster.local", "cluster.local"))]),
    ("nameserver 10.0.0.1\n", "web.default.svc", ["web.default.svc"]),
    ("search x\noptions ndots:0\n", "web", ["web", "web.x"]),
])
def test_the_search_list_is_tried_in_order(text, name, expected):
    assert list(ResolvConf.read(text).candidates(name)) == expected


def test_resolv_conf_is_read_as_glibc_does():
    conf = ResolvConf.read("; a comment\nnameserver 1.1.1.1 # first\nnameserver 2.2.2.2\n"
                           "nameserver 3.3.3.3\nnameserver 4.4.4.4\nsearch a. b\n"
                           "options ndots:99 timeout:2 attempts:1 rotate\n")
    assert conf == ResolvConf(("1.1.1.1", "2.2.2.2", "3.3.3.3"), ("a", "b"), 15, 2.0, 1)
    assert ResolvConf.read("").nameservers == ("127.0.0.1",)


def test_a_corefile_says_what_matters():
    found = read_corefile(".:53 {\n  kubernetes corp.local in-addr.arpa ip6.arpa {\n"
                          "    pods insecure\n    ttl 60\n  }\n}\n")
    assert (found.zone, found.ttl, found.pods, found.forward) == (
        "corp.local", 60, "insecure", False)
    assert read_corefile("").ttl == 5


names = st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z][a-z0-9]{0,10}){0,4}", fullmatch=True)


@given(name=names, ident=st.integers(0, 65535), size=st.sampled_from([0, 1232]))
def test_queries_come_back_from_bytes(name, ident, size):
    query = wire.Query(ident=ident, name=name, type="SRV", size=size)
    assert wire.read_query(wire.ask(query)) == query


@given(name=names, address=st.ip_addresses(v=4), ttl=st.integers(0, 86400))
def test_answers_come_back_from_bytes(name, address, ttl):
    query = wire.Query(ident=1, name=name, type="A")
    chain = (Record(name, "CNAME", ("a.b",), ttl), Record("a.b", "A", (str(address),), 1))
    found = Answer(0, chain,
                   (Record("b", "SOA", ("ns.b", "mail.b", 1, 2, 3, 4, 5), ttl),))
    assert wire.read_reply(wire.answer(query, found)).answer == found


@given(st.binary(max_size=80))
def test_bytes_that_are_no_message_are_said_to_be_so(data):
    with contextlib.suppress(wire.Malformed):
        wire.read_query(data)


def test_a_name_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="legal name"):
        wire.ask(wire.Query(ident=1, name="a" * 64, type="A"))


class World:
    """A client and a server of which the tests say what it answers."""

    def __init__(self, conf="nameserver 172.17.0.3\noptions timeout:3 attempts:2\n"):
        self.clock = VirtualClock()
        fabric = Fabric(self.clock.now, random.Random(1))
        node = fabric.add_node("n", "10.211.55.120/24", "172.17.0.0/16")
        self.client = node.attach_pod("client", "172.17.0.2")
        self.server = node.attach_pod("server", "172.17.0.3")
        self.asked = []
        self.resolver = Resolver(network=self.client, chance=random.Random(2),
                                 conf=ResolvConf.read(conf))

    def serve(self, answers):
        """Answer names with addresses; others with NXDOMAIN."""
        self.answers = answers
        self.server.listen("udp", 53, lambda datagram: self.answer(datagram.payload, 512))
        self.server.listen("tcp", 53, self)

    def exchange(self, data):
        return self.answer(data, 0)

    def answer(self, data, limit):
        query = wire.read_query(data)
        self.asked.append((query.name, query.type))
        found = self.answers.get(query.name)
        records = tuple(Record(query.name, "A", (one,), 5) for one in found or ())
        answer = Answer(NXDOMAIN if found is None else 0, records if query.type == "A" else ())
        return wire.answer(query, answer, limit=limit)

    def run(self, coroutine):
        results = []

        async def go():
            results.append(await coroutine)
            return 0

        Process(go(), self.clock, lambda code: None).start()
        while not results:
            self.clock.run_next(float("inf"))
        return results[0]


def test_the_first_name_that_has_an_address_counts():
    world = World("search a b\nnameserver 172.17.0.3\n")
    world.serve({"web.b": ["1.2.3.4"], "web": ["9.9.9.9"]})
    assert world.run(world.resolver.address("web")) == "1.2.3.4"
    assert world.asked == [("web.a", "A"), ("web.b", "A")]


@pytest.mark.parametrize("name", ["empty", "nosuch", "a..b", "x" * 64])
def test_a_name_without_address_is_none(name):
    world = World()
    world.serve({"empty": []})
    assert world.run(world.resolver.address(name)) is None


def test_a_silent_server_costs_the_timeout_at_each_attempt():
    world = World()
    world.server.listen("udp", 53, lambda datagram: None)
    before = world.clock.now()
    assert world.run(world.resolver.ask("web", "A")) == Silent("172.17.0.3")
    assert world.clock.now() - before == 6.0


def test_who_gives_up_early_waits_no_longer():
    world = World()
    world.server.listen("udp", 53, lambda datagram: None)
    before = world.clock.now()
    world.resolver.deadline = before + 2
    assert world.run(world.resolver.address("web")) is None
    assert world.clock.now() - before == 2


def test_where_nobody_listens_it_is_known_at_once():
    world = World()
    before = world.clock.now()
    assert world.run(world.resolver.ask("web", "A")) == Silent("172.17.0.3", refused=True)
    assert world.clock.now() == before


def test_the_next_server_is_asked():
    world = World("nameserver 172.17.0.99\nnameserver 172.17.0.3\n")
    world.serve({"web": ["1.2.3.4"]})
    assert world.run(world.resolver.address("web")) == "1.2.3.4"


def test_an_answer_too_long_for_udp_is_asked_for_over_tcp():
    world = World()
    world.serve({"web": [f"10.0.0.{i}" for i in range(100)]})
    heard = world.run(world.resolver.ask("web", "A"))
    assert isinstance(heard, Heard)
    assert heard.tcp
    assert len(heard.records) == 100
    assert len(world.asked) == 2
