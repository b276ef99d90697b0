"""The router of the netfilter recordings: eth0 10.1.0.1/24, eth1 10.2.0.1/24, two empty links.

Packets go in as text and come out as text, exactly as the recordings' README says.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from netsim.bench import Bench, out_text
from netsim.conntrack.text import NAMES, flow_text
from netsim.netfilter import compiled
from netsim.netfilter.cli.restore import restore
from netsim.netfilter.ruleset import Ruleset

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.namespace import Namespace

ADDRESSES = {"eth0": "10.1.0.1/24", "eth1": "10.2.0.1/24"}


_ADDRESS = re.compile(r"\b10\.(\d+)\.0\.(\d+)(?::(\d+))?(/\d+)?")
_LENGTHS = {"/8": "/32", "/24": "/64", "/30": "/126", "/31": "/127", "/32": "/128", None: ""}
_WORDS = (
    ("-m ttl --ttl", "-m hl --hl"), ("TTL --ttl-set", "HL --hl-set"),
    ("-p icmp -m icmp ", "-p ipv6-icmp -m icmp6 "),
    ("--icmp-type 8", "--icmpv6-type 128"), ("--icmp-type 0", "--icmpv6-type 129"),
    ("--icmp-type 3/3", "--icmpv6-type 1/4"), ("--icmp-type 3", "--icmpv6-type 1"),
    ("--icmp-type 11", "--icmpv6-type 3"), ("icmp-host-prohibited", "icmp6-adm-prohibited"),
    (" icmp ", " icmpv6 "), ("type 3/1", "type 1/3"), ("type 3/3", "type 1/4"),
    ("type 11/0", "type 3/0"),
)


def in_ipv6(text: str) -> str:
    """Rules or a packet for IPv4 as the same for IPv6: 10.1.0.2:80 is [fd00:10:1::2]:80."""
    def address(found: re.Match[str]) -> str:
        net, host, port, length = found.groups()
        host = "" if net == host == "0" else host
        plain = f"fd00:10:{net}::{host}" if length != "/8" else "fd00:10::"
        return f"[{plain}]:{port}" if port else plain + _LENGTHS[length]

    for old, new in _WORDS:
        text = text.replace(old, new)
    return _ADDRESS.sub(address, text)


class Router(Bench):
    """The machine under test."""

    def __init__(
        self, seed: int = 1, attach: Callable[[Ruleset, Namespace], None] = compiled.attach,
        family: int = 4,
    ) -> None:
        super().__init__(seed=seed)
        for name, address in ADDRESSES.items():
            self.add_interface(name, address if family == 4 else in_ipv6(address))
        if family == 4:
            self.add_route("default", "10.2.0.254")
        else:
            self.add_route("default6", "fd00:10:2::254")
        self.ruleset = Ruleset(family, self.stack.rules_changed)
        self.stack.rulesets[family] = self.ruleset
        attach(self.ruleset, self.stack)

    def command(self, line: str) -> None:
        """One of the commands that the recordings use around the packets."""
        for part in line.split(";"):
            self._command(part.split())

    def restore(self, text: str) -> None:
        """iptables-restore."""
        restore(self.ruleset, text)

    def _command(self, words: list[str]) -> None:
        if words[:3] == ["ip", "link", "set"]:
            self.stack.interfaces[words[3]].mtu = int(words[5])
            return
        done = self.run(shlex.join(words))
        assert done.code == 0, done.stderr

    def conntrack_lines(self) -> list[str]:
        """The table as the recordings list it: sorted, without numbers and seconds."""
        return conntrack_lines(self.stack)


def conntrack_lines(stack: Namespace, *, states: bool = False) -> list[str]:
    """Entries as the recordings write them; `states`: with SCTP's, which those leave out."""
    lines = []
    for connection in stack.conntrack:
        protocol = connection.original[1]
        text = flow_text(connection)
        if protocol == 132 and not states:
            text = re.sub(r"^[A-Z_]+ ", "", text)
        lines.append(f"{NAMES.get(protocol, 'unknown')} {text}")
    return sorted(lines)


__all__ = ["Router", "conntrack_lines", "out_text"]
