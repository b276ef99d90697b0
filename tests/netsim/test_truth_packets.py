"""Connections tried through kube-proxy's rules: every recording, in both modes."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from netsim.kubeproxy import Mode, Node
from netsim.kubeproxy.node_proxy import NodeProxy
from netsim.netfilter.rule_text import rule_text
from netsim.outcome import Answered, Connected
from tests.netsim.kubeproxy.truth import cluster, options
from tests.netsim.lab import Lab, Seen, failure, seen, split
from tests.netsim.router import conntrack_lines
from tests.netsim.truth import kit, names, needs_truth, same_lines, scenarios

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.outcome import ConnectOutcome, DatagramOutcome
    from netsim.sockets import UdpSocket

pytestmark = needs_truth

NODE = Node(name="minikube", zone="za", addresses=("10.211.55.120", "fd00:10:211::120"))
_COMMENT = re.compile(r' -m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+)')


@dataclass
class Open:
    """A connection that stays open under a label."""

    seen: Seen | None
    outcome: ConnectOutcome | DatagramOutcome
    port: int
    protocol: str
    udp: UdpSocket | None = None


@dataclass
class Scene:
    """A lab with kube-proxy on its node, and what happened so far."""

    mode: Mode
    proxy: dict[str, Any]
    lab: Lab = field(default_factory=Lab)
    opened: dict[str, Open] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings = options(self.proxy, mode=self.mode)
        self.agent = NodeProxy(self.lab.node, node=NODE, options=settings)
        self.objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        for thing in cluster()["always_there"]:
            self.apply(thing)
        self.sync()

    def apply(self, thing: dict[str, Any]) -> None:
        """A Service or EndpointSlice, as a user sends it."""
        meta = thing["metadata"]
        self.objects[thing["kind"], meta["namespace"], meta["name"]] = thing
        if thing["kind"] == "Service":
            self.agent.apply_service(thing)
        else:
            self.agent.apply_slice(thing)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete an object."""
        del self.objects[kind, namespace, name]
        remove = self.agent.remove_service if kind == "Service" else self.agent.remove_slice
        remove((namespace, name))

    def sync(self) -> None:
        """kube-proxy writes its rules, and serves its health check ports."""
        self.agent.sync()
        for (protocol, port), listeners in self.lab.node.sockets.listeners.items():
            if (protocol, port) != (6, 8443):
                listeners.clear()
        for port, check in self.agent.health_checks().items():
            self.lab.node.listen("tcp", port, check)


# ---------------------------------------------------------------- probes


def nat_counts(scene: Scene) -> Counter[str]:
    """Packets by rule of the nat tables, without comments."""
    found: Counter[str] = Counter()
    for family, ruleset in scene.lab.node.rulesets.items():
        for chain in ruleset.tables["nat"].chains.values():
            for rule in chain.rules:
                text = f"-A {chain.name}{rule_text(rule.spec, family)}"
                found[_COMMENT.sub("", text)] += rule.packets
    return found


def try_once(scene: Scene, probe: dict[str, Any]) -> ConnectOutcome | DatagramOutcome:
    """One connection, datagram or ping."""
    host = scene.lab.hosts[probe["from"]]
    address, port = split(probe["to"])
    source_port = probe.get("sport", 0)
    if probe["proto"] == "tcp":
        return host.connect(address, port, source_port=source_port)
    if probe["proto"] == "udp":
        return host.send_datagram(address, port, b"x", source_port=source_port)
    return host.ping(address)


@dataclass
class Tally:
    """What came of the tries of a probe."""

    answered: dict[str, set[str]] = field(default_factory=dict)
    sample: Counter[str] = field(default_factory=Counter)
    ports: set[str] = field(default_factory=set)
    failed: Counter[str] = field(default_factory=Counter)
    by: set[str] = field(default_factory=set)
    conntrack: list[str] = field(default_factory=list)


def run_probe(scene: Scene, probe: dict[str, Any]) -> Tally:
    """All tries of a probe."""
    tally = Tally()
    if probe.get("flush", True):
        scene.lab.node.conntrack.flush()
    for _ in range(probe["n"]):
        outcome = try_once(scene, probe)
        who = seen(outcome)
        if who is not None:
            tally.answered.setdefault(who.by, set()).add(who.source)
            tally.sample[who.by] += 1
            tally.ports.add("same" if who.port == probe.get("sport") else "changed")
        elif isinstance(outcome, Answered):
            tally.answered.setdefault("", set())
        else:
            word, by = failure(outcome)
            tally.failed[word] += 1
            tally.by |= {by} - {""}
        tally.conntrack = conntrack_lines(scene.lab.node)
        scene.lab.close(outcome)
    return tally


def check_probe(scene: Scene, probe: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compare everything that the recording says about a probe."""
    before = nat_counts(scene)
    tally = run_probe(scene, probe)
    answered = expected.get("answered", {})
    assert set(tally.answered) == set(answered), (probe, tally)
    for who, what in answered.items():
        assert tally.answered[who] == set(what["source"]), (probe, tally)
        assert what.get("source_port") in (None, *tally.ports), (probe, tally)
    for word in set(expected) & {"refused", "timeout", "error EPERM"}:
        wanted = probe["n"] if expected[word] == "all" else expected[word]
        assert tally.failed.pop(word, 0) == wanted, (probe, tally)
    assert not tally.failed, (probe, tally)
    if "refused_by" in expected:
        assert tally.by == set(expected["refused_by"]), (probe, tally)
    if "sample" in expected:
        assert kit().evenly(list(tally.sample.values())), (probe, tally)
    if "conntrack" in expected:
        assert same_lines(expected["conntrack"], tally.conntrack), (probe, tally)
    if "nat_hits" in expected and scene.mode is Mode.IPTABLES:
        rose = (nat_counts(scene) - before).items()
        hits = [text if n == 1 else f"{text} x{n}" for text, n in rose]
        assert sorted(hits) == sorted(expected["nat_hits"]), probe


# ---------------------------------------------------------------- connections that stay open


def do_open(scene: Scene, what: dict[str, Any], expected: dict[str, Any]) -> None:
    """Open a connection under a label; again and again until the wanted endpoint took it."""
    port = what.get("sport", 41000)
    for _ in range(200):
        connection = open_once(scene, what, port)
        if what.get("want") in (None, connection.seen and connection.seen.by):
            break
        forget(scene, connection)
    scene.opened[what["label"]] = connection
    check_outcome(connection.seen, connection.outcome, expected)
    if "source_port" in expected:
        same = connection.seen is not None and connection.seen.port == port
        assert ("same" if same else "changed") == expected["source_port"], what


def open_once(scene: Scene, what: dict[str, Any], port: int) -> Open:
    """One try."""
    host = scene.lab.hosts[what["from"]]
    address, number = split(what["to"])
    if what["proto"] == "tcp":
        outcome: Any = host.connect(address, number, source_port=port)
        return Open(seen(outcome), outcome, port, "tcp")
    socket: Any = host.sockets.udp(address, number, source_port=port)
    outcome = socket.send(b"x")
    return Open(seen(outcome), outcome, port, "udp", socket)


def forget(scene: Scene, connection: Open) -> None:
    """Close a connection and its conntrack entry."""
    if connection.udp is not None:
        connection.udp.close()
    elif isinstance(connection.outcome, Connected):
        connection.outcome.close()
    table = scene.lab.node.conntrack
    for entry in list(table):
        if entry.original[4] == connection.port:
            table.delete(entry)


def check_outcome(
    who: Seen | None, outcome: ConnectOutcome | DatagramOutcome, expected: dict[str, Any],
) -> None:
    """Compare who answered with the recording."""
    if expected["outcome"] == "answered":
        assert who is not None, outcome
        assert (who.by, who.source) == (expected["by"], expected["source"])
    else:
        assert who is None, outcome
        assert failure(outcome)[0] == expected["outcome"]


def do_say(scene: Scene, what: dict[str, Any], expected: dict[str, Any]) -> None:
    """Data on an open connection."""
    connection = scene.opened[what["label"]]
    for _ in range(what["n"]):
        if connection.udp is not None:
            outcome = connection.udp.send(b"x")
            check_outcome(seen(outcome), outcome, expected)
        else:
            assert isinstance(connection.outcome, Connected)
            assert connection.outcome.transfer(10, 10) == (expected["outcome"] == "answered")
            check_outcome(connection.seen, connection.outcome, expected)


def do_conntrack(scene: Scene, _what: object, expected: list[str]) -> None:
    """The entries of the open connections."""
    ports = {connection.port for connection in scene.opened.values()}
    lines = [
        line for line in conntrack_lines(scene.lab.node)
        if any(f"sport={port} " in line for port in ports)
    ]
    assert same_lines(sorted(expected), lines), lines


def do_http(scene: Scene, what: dict[str, Any], expected: dict[str, Any]) -> None:
    """The health check node port."""
    outcome = scene.lab.connect(what["from"], what["to"])
    assert isinstance(outcome, Connected), outcome
    check: Any = outcome.handler
    assert check.status == expected["status"]
    assert json.loads(check.body) == expected["body"]


# ---------------------------------------------------------------- affinity


def endpoint(scene: Scene, source: str, to: str) -> str:
    """Which endpoint takes a new connection."""
    outcome = scene.lab.connect(source, to)
    who = seen(outcome)
    scene.lab.close(outcome)
    assert who is not None, outcome
    return who.by


def do_sticky(scene: Scene, what: dict[str, Any], expected: dict[str, Any]) -> None:
    """n connections to each address: one endpoint for all?"""
    found = {endpoint(scene, what["from"], to) for to in what["to"] for _ in range(what["n"])}
    assert (len(found) == 1) == expected["one_endpoint_for_all"], found


def do_sticky_remove(scene: Scene, what: dict[str, Any], expected: dict[str, Any]) -> None:
    """The endpoint of a client leaves and comes back."""
    def several() -> set[str]:
        return {endpoint(scene, what["from"], what["to"]) for _ in range(what["n"])}

    whole = scene.objects["EndpointSlice", "default", what["slice"]]
    first = several()
    assert (len(first) == 1) == expected["before_one"]
    number = int(first.pop()[1:].partition(":")[0])
    gone = f"172.17.0.{5 + number}"
    left = [e for e in whole["endpoints"] if e["addresses"] != [gone]]
    scene.apply({**whole, "endpoints": left})
    scene.sync()
    second = several()
    assert (len(second) == 1) == expected["after_removal_one_other"]
    scene.apply(whole)
    scene.sync()
    assert several() == second


def do_affinity_time(scene: Scene, what: dict[str, Any], expected: dict[str, Any]) -> None:
    """Connections with pauses."""
    found = {endpoint(scene, what["from"], what["to"])}
    for gap in what["gaps"]:
        scene.lab.time += gap
        found.add(endpoint(scene, what["from"], what["to"]))
    assert (len(found) == 1) == expected["one_endpoint_for_all"]


def do_affinity_expire(scene: Scene, what: dict[str, Any], expected: dict[str, Any]) -> None:
    """Connections so far apart that the record goes."""
    gaps = [what["gap"]] * what["rounds"]
    do_affinity_time(scene, {**what, "gaps": gaps}, expected)


CHECKS: dict[str, Callable[[Scene, Any, Any], None]] = {
    "probe": check_probe,
    "open": do_open,
    "say": do_say,
    "conntrack": do_conntrack,
    "http": do_http,
    "sticky": do_sticky,
    "sticky_remove": do_sticky_remove,
    "affinity_time": do_affinity_time,
    "affinity_expire": do_affinity_expire,
}


def take_step(scene: Scene, step: dict[str, Any], mode: str) -> None:
    """Any step of a scenario."""
    if "apply" in step:
        for thing in step["apply"]:
            scene.apply(thing)
        scene.sync()
    elif "delete" in step:
        what = step["delete"]
        scene.delete(what["kind"], what["namespace"], what["name"])
        scene.sync()
    elif "env" in step:
        for port in scene.lab.node.docker0.ports.values():
            port.hairpin = bool(step["env"]["hairpin_mode"])
        scene.lab.node.bridge_nf[4] = bool(step["env"]["bridge_nf_call_iptables"])
    else:
        kind = next(kind for kind in CHECKS if kind in step)
        expected = step["iptables"] if step[mode] == "same" else step[mode]
        CHECKS[kind](scene, step[kind], expected)


@pytest.mark.verified(source="truth/netfilter/packets, kube-proxy v1.36, Linux 6.18")
@pytest.mark.parametrize("mode", ["iptables", "nftables"])
@pytest.mark.parametrize("name", names("packets"))
def test_connections_end_where_they_did_in_the_real_cluster(name: str, mode: str) -> None:
    scenario = scenarios("packets")[name]
    scene = Scene(Mode(mode), scenario["proxy"])
    for step in scenario["steps"]:
        take_step(scene, step, mode)
