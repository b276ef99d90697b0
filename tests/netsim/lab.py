"""The lab of the packet recordings: one node with kube-proxy, one without, Pods, hosts outside."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netsim.fabric import Fabric
from netsim.outcome import (
    Answered,
    Connected,
    ConnectOutcome,
    DatagramOutcome,
    NotPermitted,
    Refused,
    Unreachable,
)

if TYPE_CHECKING:
    from netsim.namespace import Namespace
    from netsim.outcome import Endpoint

PODS = {"b1": 6, "b2": 7, "b3": 8, "b4": 9, "b5": 10, "client": 0x100, "client2": 0x101}
SERVICES = ("10.96.0.0/12", "203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24",
            "fd00:10:96::/112")


def pod_addresses(number: int) -> tuple[str, str]:
    """6 -> 172.17.0.6 and fd00:172:17::6; 0x100 stands for 100 in both."""
    last = number if number < 0x100 else 100 + (number - 0x100)
    return f"172.17.0.{last}", f"fd00:172:17::{last}"


@dataclass
class Seen:
    """What a listener knows of who reached it."""

    by: str
    """'b1:5000'."""
    source: str
    port: int


class Lab:
    """The network, a clock, and ways to try connections."""

    def __init__(self, seed: int = 1) -> None:
        self.time = 1_000_000.0
        self.fabric = Fabric(lambda: self.time, random.Random(seed))
        self.node = self.fabric.add_node(
            "node", ["10.211.55.120/24", "fd00:10:211::120/64"],
            ["172.17.0.0/16", "fd00:172:17::/64"],
        )
        self.m02 = self.fabric.add_node(
            "m02", ["10.211.55.121/24", "fd00:10:211::121/64"],
            ["172.17.9.0/24", "fd00:172:17:9::/64"],
        )
        self.hosts: dict[str, Namespace] = {"node": self.node, "m02": self.m02}
        for name, number in PODS.items():
            self.hosts[name] = self.node.attach_pod(name, *pod_addresses(number))
        for name, last in (("r1", 6), ("r2", 7)):
            self.hosts[name] = self.m02.attach_pod(name, f"172.17.9.{last}",
                                                   f"fd00:172:17:9::{last}")
        for name, last in (("ext", 2), ("ext2", 3)):
            self.hosts[name] = self.fabric.add_outside(
                name, f"10.211.55.{last}/24", f"fd00:10:211::{last}/64",
                through=self.node, networks=SERVICES,
            )
        self.fabric.route_through(self.m02, self.node, SERVICES)
        self._listen()

    def _listen(self) -> None:
        for name in ("b1", "b2", "b3", "b4", "b5", "r1", "r2"):
            for port in (5000, 8080):
                self.hosts[name].listen("tcp", port, name)
            self.hosts[name].listen("udp", 5353, lambda datagram: datagram.payload)
        self.node.listen("tcp", 8443, "node")

    def connect(self, source: str, to: str, port: int = 0) -> ConnectOutcome:
        """A TCP connection from a host by name."""
        address, number = split(to)
        return self.hosts[source].connect(address, number, source_port=port)

    def close(self, outcome: ConnectOutcome) -> None:
        """End a connection if there is one."""
        if isinstance(outcome, Connected):
            outcome.close()


def split(to: str) -> tuple[str, int]:
    """'10.0.0.1:80' or '[fd00::1]:80'; without port 0."""
    address, colon, port = to.rpartition(":")
    if not colon or (":" in address and not address.startswith("[")):
        return to, 0
    return address.strip("[]"), int(port)


def seen(outcome: ConnectOutcome | DatagramOutcome) -> Seen | None:
    """Who answered, and what the answering side saw; None if nobody did."""
    if not isinstance(outcome, Connected | Answered) or outcome.server is None:
        return None
    local: Endpoint | None = outcome.server_local
    remote: Endpoint | None = outcome.server_remote
    assert local is not None
    assert remote is not None
    return Seen(f"{outcome.server.name}:{local.port}", remote.address, remote.port)


def failure(outcome: ConnectOutcome | DatagramOutcome) -> tuple[str, str]:
    """('refused', 'tcp-reset'), ('error EPERM', ''), ('timeout', ''), ..."""
    if isinstance(outcome, Refused):
        return "refused", outcome.by
    if isinstance(outcome, NotPermitted):
        return "error EPERM", ""
    if isinstance(outcome, Unreachable) and not outcome.seconds:
        return f"error {outcome.error}", outcome.by
    return "timeout", ""
