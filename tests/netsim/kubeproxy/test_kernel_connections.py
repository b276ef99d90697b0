"""Connections through kube-proxy's rules, here and in a real kernel: who answers, whom it sees, and
how often each rule of the nat table was met.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from netsim.kubeproxy import Form, Mode, Node, NodeProxy, Options
from netsim.netfilter.save_restore import save
from netsim.nft import list_table
from netsim.outcome import Answered, Connected
from tests.netsim.kernel import require
from tests.netsim.lab import Lab, failure, seen

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

HELPER = Path(__file__).parent / "kernel_node.py"
NODE = Node(name="node", addresses=("10.211.55.120", "fd00:10:211::120"))
ENDPOINTS = {"IPv4": "172.17.0.", "IPv6": "fd00:172:17::"}
"""Before the last part: b1 is 6, b2 is 7, b3 is 8."""
CLUSTER = ("172.17.0.0/16", "fd00:172:17::/64")
Question = tuple[str, str, str, int, int]
"""Source host, protocol, address, port, source port."""


def service(name: str, last: int, ends: str, **spec: Any) -> tuple[dict[str, Any], ...]:
    """A Service with addresses 10.96.0.`last` and fd00:10:96::`last`, and its slices; `ends` as in
    `b1 b2:5000`.
    """
    hosts, _, target = ends.partition(":")
    protocol = "UDP" if target == "5353" else "TCP"
    addresses = [f"10.96.0.{last}", f"fd00:10:96::{last}"]
    port = {"port": 80, "protocol": protocol, **spec.pop("port", {})}
    metadata = {"name": name, "namespace": "default"}
    labels = {"kubernetes.io/service-name": name}
    return {
        "metadata": metadata,
        "spec": {"clusterIP": addresses[0], "clusterIPs": addresses, "ports": [port], **spec},
    }, *({
        "metadata": {**metadata, "name": f"{name}-{family}", "labels": labels},
        "addressType": family,
        "ports": [{"port": int(target or 5000), "protocol": protocol}],
        "endpoints": [{"addresses": [f"{before}{int(host[1]) + 5}"], "nodeName": "node"}
                      for host in hosts.split()],
    } for family, before in ENDPOINTS.items())


SERVICES = (
    service("plain", 10, "b1 b2 b3:5000"),
    service("sticky", 11, "b1 b2 b3:8080", sessionAffinity="ClientIP",
            sessionAffinityConfig={"clientIP": {"timeoutSeconds": 10800}}),
    service("ported", 12, "b1 b2:5000", type="NodePort", port={"nodePort": 30012}),
    service("local", 13, "b2 b3:8080", type="NodePort", externalTrafficPolicy="Local",
            port={"nodePort": 30013}),
    service("outside", 14, "b1 b3:5000", externalIPs=["198.51.100.3", "fd00:10:96::e3"]),
    service("names", 15, "b1 b2 b3:5353", port={"port": 53}),
    service("own", 16, "b1:5000"),
    service("nobody", 17, ":5000", type="NodePort", port={"nodePort": 30017}),
)
NODE_ADDRESS = "10.211.55.120"
WAYS: tuple[tuple[str, str, str, int, int], ...] = (
    ("client", "tcp", "10.96.0.10", 80, 4),
    ("ext", "tcp", "10.96.0.10", 80, 2),
    ("node", "tcp", "10.96.0.10", 80, 2),
    ("client", "tcp", "10.96.0.11", 80, 3),
    ("client2", "tcp", "10.96.0.11", 80, 3),
    ("ext", "tcp", "10.96.0.11", 80, 2),
    ("ext", "tcp", NODE_ADDRESS, 30012, 3),
    ("client", "tcp", NODE_ADDRESS, 30012, 3),
    ("node", "tcp", NODE_ADDRESS, 30012, 2),
    ("ext2", "tcp", NODE_ADDRESS, 30013, 3),
    ("client", "tcp", NODE_ADDRESS, 30013, 2),
    ("ext", "tcp", "198.51.100.3", 80, 3),
    ("client", "tcp", "198.51.100.3", 80, 2),
    ("client", "udp", "10.96.0.15", 53, 4),
    ("ext", "udp", "10.96.0.15", 53, 2),
    ("b1", "tcp", "10.96.0.16", 80, 2),
    ("b1", "tcp", "10.96.0.10", 80, 4),
    ("client", "tcp", "10.96.0.17", 80, 1),
    ("ext", "tcp", NODE_ADDRESS, 30017, 1),
    ("node", "tcp", "10.96.0.17", 80, 1),
    ("client", "tcp", "172.17.0.6", 5000, 1),
)
"""Source, protocol, address, port, how often."""
SIX = {"10.96.0.": "fd00:10:96::", "10.211.55.": "fd00:10:211::", "172.17.0.": "fd00:172:17::",
       "198.51.100.": "fd00:10:96::e"}


def in_family(address: str, family: int) -> str:
    """The address that stands for an IPv4 one in a family."""
    before, dot, last = address.rpartition(".")
    return address if family == 4 else SIX[before + dot] + last


SLOW = (("ext", 30017), ("node", 80))
"""Who hears by IPv6, too, that nobody serves, and where: it takes the kernel a second each time."""
QUESTIONS: dict[int, tuple[Question, ...]] = {family: tuple(
    (source, protocol, in_family(address, family), port, 20000 + 10 * number + time)
    for number, (source, protocol, address, port, times) in enumerate(WAYS)
    for time in range(times)
    if family == 4 or times > 1 or (source, port) not in SLOW
) for family in (4, 6)}


def ours(options: Options, family: int) -> tuple[Lab, list[object]]:
    """The same connections here."""
    lab = Lab()
    proxy = NodeProxy(lab.node, node=NODE, options=options)
    for one, *slices in SERVICES:
        proxy.apply_service(one)
        for endpoint_slice in slices:
            proxy.apply_slice(endpoint_slice)
    proxy.sync()
    texts = lab_rules(lab, options, family)
    return lab, [texts, *(ask(lab, question) for question in QUESTIONS[family])]


def lab_rules(lab: Lab, options: Options, family: int) -> str:
    """The rules that were written, as text."""
    if options.mode is Mode.NFTABLES:
        return list_table(lab.node.nft.tables["ip" if family == 4 else "ip6", "kube-proxy"])
    return save(lab.node.rulesets[family], counters=False)


def ask(lab: Lab, question: Question) -> object:
    """Who answered and which address it saw, or what went wrong."""
    source, protocol, address, port, own = question
    host = lab.hosts[source]
    outcome = (host.connect(address, port, source_port=own) if protocol == "tcp"
               else host.send_datagram(address, port, b"x", source_port=own))
    found = seen(outcome)
    if isinstance(outcome, Connected):
        outcome.close()
    assert isinstance(outcome, Connected | Answered) == (found is not None)
    return [found.by, found.source] if found else failure(outcome)[0]


@cache
def theirs(load: str, text: str, show: str, family: int) -> tuple[list[object], str]:
    """The same connections in a real kernel."""
    require("iptables", "nft", "nsenter")
    asked = {"load": load, "rules": text, "save": show, "connects": QUESTIONS[family]}
    done = subprocess.run(
        ["unshare", "-n", "-p", "-f", "--mount-proc", "--kill-child", sys.executable, str(HELPER)],
        input=json.dumps(asked), capture_output=True, text=True, timeout=60, check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    return [a[:2] if isinstance(a, list) else a for a in answer["answers"]], answer["saved"]


def nat_counters(saved: str) -> dict[str, str]:
    """Packets that met each rule of a Service; those that all packets meet see the noise of a real
    network too.
    """
    nat = saved.partition("*nat\n")[2].partition("COMMIT")[0]
    rule = re.compile(r"^\[(\d+):\d+\] (-A KUBE-(?:SVC|SEP|EXT|XLB|MARK).*)$", re.MULTILINE)
    return {text: packets for packets, text in rule.findall(nat)}


def named(answers: list[object], family: int) -> list[tuple[Question, object]]:
    """Answers beside what was asked."""
    return list(zip(QUESTIONS[family], answers, strict=True))


@pytest.mark.parametrize(("form", "family"), [
    (Form.CURRENT, 4), (Form.CURRENT, 6), (Form.V1_13, 4)])
def test_a_real_kernel_answers_the_same_through_iptables(form: Form, family: int) -> None:
    options = Options(form=form, nfacct=False, cluster_cidrs=CLUSTER)
    lab, (text, *answers) = ours(options, family)
    tool = "iptables" if family == 4 else "ip6tables"
    real, saved = theirs(f"{tool}-restore", str(text), f"{tool}-save -c", family)
    assert named(answers, family) == named(real, family)
    assert nat_counters(save(lab.node.rulesets[family], counters=True)) == nat_counters(saved)


@pytest.mark.parametrize("family", [4, 6])
def test_a_real_kernel_answers_the_same_through_nftables(family: int) -> None:
    options = Options(mode=Mode.NFTABLES, cluster_cidrs=CLUSTER)
    _, (text, *answers) = ours(options, family)
    real, _ = theirs("nft -f -", str(text), "nft list ruleset", family)
    assert named(answers, family) == named(real, family)
