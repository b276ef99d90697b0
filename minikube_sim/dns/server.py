"""CoreDNS's plugins, as far as its Corefile matters here: kubernetes, forward, loadbalance.

`serve(bytes)` answers one message; what carries it (UDP or TCP) is the caller's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from minikube_sim.dns import wire
from minikube_sim.dns.directory import addresses_of
from minikube_sim.dns.resolver import ResolvConf, send_once
from minikube_sim.dns.zone import REFUSED, SERVFAIL, Answer, Zone

if TYPE_CHECKING:
    import random

    from minikube_sim.dns.directory import Directory
    from netsim.namespace import Namespace

_LOOKS: Final = 8
"""How many CNAMEs within the cluster are followed."""


@dataclass(frozen=True, slots=True)
class Corefile:
    """What the server's configuration says."""

    zone: str = "cluster.local"
    ttl: int = 5
    pods: str = "disabled"
    forward: bool = True
    shuffle: bool = True
    """The plugin loadbalance."""


def read_corefile(text: str) -> Corefile:
    """The settings that are known here; the others are left alone."""
    text = re.sub(r"#.*", "", text)
    found = re.search(r"\bkubernetes\b([^{\n]*)(?:\{([^}]*)\})?", text)
    block = (found.group(2) or "") if found else ""
    zones = [zone.rstrip(".") for zone in (found.group(1).split() if found else ())
             if not zone.endswith("arpa")]
    ttl = re.search(r"\bttl\s+(\d+)", block)
    pods = re.search(r"\bpods\s+(\w+)", block)
    return Corefile(zone=zones[0] if zones else "cluster.local",
                    ttl=int(ttl.group(1)) if ttl else 5,
                    pods=pods.group(1) if pods else "disabled",
                    forward=re.search(r"^\s*forward\s+\.", text, re.M) is not None,
                    shuffle=re.search(r"^\s*loadbalance\b", text, re.M) is not None)


@dataclass(slots=True, kw_only=True)
class Server:
    """A DNS server in a Pod."""

    directory: Directory
    network: Namespace
    chance: random.Random
    corefile: Corefile
    resolv_conf: str = ""
    """Where `forward` finds its servers."""

    def serve(self, data: bytes, *, udp: bool) -> bytes | None:
        """The answer to a message; None to what is no DNS at all."""
        try:
            query = wire.read_query(data)
        except wire.Malformed:
            return None
        limit = max(query.size, wire.UDP_SIZE) if udp else 0
        zone = self._zone()
        found = zone.answer(query.name, query.type) if zone.owns(query.name) else None
        if found is None:
            found = self._forward(query.name, query.type)
            return wire.answer(query, found, limit=limit, authoritative=False,
                               recursion=found.rcode != SERVFAIL)
        return wire.answer(query, self._balance(self._follow(zone, found, query.type)),
                           limit=limit)

    def _zone(self) -> Zone:
        service = self.directory.service("kube-system", "kube-dns")
        own = addresses_of(service) if service is not None else ()
        return Zone(directory=self.directory, name=self.corefile.zone, ttl=self.corefile.ttl,
                    pods=self.corefile.pods, serial=int(self.network.now()), nameservers=own)

    def _follow(self, zone: Zone, found: Answer, kind: str) -> Answer:
        """What an ExternalName leads to, in the cluster or outside."""
        for _ in range(_LOOKS):
            last = found.answers[-1] if found.answers else None
            if last is None or last.type != "CNAME" or kind not in ("A", "AAAA"):
                break
            target = str(last.data[0])
            there = zone.answer(target, kind) if zone.owns(target) else None
            more = (there or self._forward(target, kind)).answers
            if not more:
                break
            found = replace(found, answers=found.answers + more)
        return found

    def _balance(self, found: Answer) -> Answer:
        """Addresses in an order by chance, CNAMEs before them."""
        addresses = [r for r in found.answers if r.type in ("A", "AAAA")]
        if not self.corefile.shuffle or len(addresses) < 2:
            return found
        self.chance.shuffle(addresses)
        others = [r for r in found.answers if r.type not in ("A", "AAAA")]
        return replace(found, answers=(*others, *addresses))

    def _forward(self, name: str, kind: str) -> Answer:
        """Ask the servers of the node, over the network; SERVFAIL when none answers."""
        if not self.corefile.forward:
            return Answer(REFUSED)
        for server in ResolvConf.read(self.resolv_conf).nameservers:
            reply = send_once(self.network, server, name, kind, self.chance)
            if reply is not None:
                return reply.answer
        return Answer(SERVFAIL)
