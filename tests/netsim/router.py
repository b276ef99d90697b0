"""The router of the netfilter recordings: eth0 10.1.0.1/24, eth1 10.2.0.1/24, two empty links.

Packets go in as text and come out as text, exactly as the recordings' README says.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

from netsim.conntrack import command as conntrack_command
from netsim.conntrack.text import NAMES, flow_text
from netsim.link import Wire
from netsim.namespace import Namespace
from netsim.netfilter import compiled
from netsim.netfilter.cli.iptables import iptables
from netsim.netfilter.cli.restore import restore
from netsim.netfilter.ipset import ipset
from netsim.netfilter.ruleset import Ruleset
from netsim.packet import Packet, format_packet, parse_packet
from netsim.sysctl import write

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.link import Interface
    from netsim.trace import Trace

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


class Tap:
    """A link on which everybody exists and nobody answers; what goes out is kept."""

    def __init__(self, router: Router, interface: Interface) -> None:
        self.router = router
        self.interface = interface
        interface.link = self

    def transmit(self, packet: Packet, next_hop: int) -> bool:
        self.router.out.append(out_text(self.interface.name, packet))
        return True

    def changed(self) -> None:
        pass

    def unplug(self) -> None:
        self.interface.link = None


def out_text(device: str, packet: Packet) -> str:
    """As the recordings write a packet that left, or (device local) reached a socket."""
    text = format_packet(packet, tail=False)
    data = packet.length - packet.header_length
    if packet.protocol == 17 or (packet.protocol == 6 and data):
        text += f" len={data}"
    if device != "local":
        text += f" ttl={packet.ttl}"
        text += f" tos={packet.tos:#x}" if packet.tos else ""
    return f"{device} {text}"


class Router:
    """The machine under test."""

    def __init__(
        self, seed: int = 1, attach: Callable[[Ruleset, Namespace], None] = compiled.attach,
        family: int = 4,
    ) -> None:
        self.time = 1_000_000.0
        self.out: list[str] = []
        self.stack = Namespace("router", Wire(), lambda: self.time, random.Random(seed),
                               tracking=True)
        self.stack.forwarding = {4: True, 6: True}
        for name, address in ADDRESSES.items():
            Tap(self, self.stack.add_interface(name))
            self.stack.add_address(name, address if family == 4 else in_ipv6(address))
        if family == 4:
            self.stack.add_route("default", via="10.2.0.254")
        else:
            self.stack.add_route("default6", via="fd00:10:2::254")
        self.ruleset = Ruleset(family)
        self.ruleset.changed = self.stack.rules_changed
        attach(self.ruleset, self.stack)
        self.stack.sockets.on_deliver = self._delivered

    def listen(self, what: str) -> None:
        """'udp/53': answers with the same data, but not to the router itself."""
        protocol, _, port = what.partition("/")
        handler = self._echo if protocol == "udp" else "listener"
        self.stack.listen(protocol, int(port), handler)

    def _echo(self, datagram: Any) -> object:
        family, address = 4, datagram.source.address
        number = int.from_bytes(bytes(int(x) for x in address.split(".")))
        return None if self.stack.is_local(family, number) else b"\0" * datagram.length

    def _delivered(self, packet: Packet) -> None:
        """A UDP listener got a datagram: the recordings call that `local`."""
        if packet.protocol == 17 and self.stack.sockets.listener(packet) is not None:
            self.out.append(out_text("local", packet))

    def send(self, text: str, trace: Trace | None = None) -> list[str]:
        """Send one packet in text form; what came out."""
        self.out = []
        device, _, rest = text.partition(" ")
        packet = parse_packet(rest)
        packet.trace = trace
        if packet.protocol not in NAMES:
            packet.length += 4
        if device == "local":
            error = self.stack.send(packet)
            if error:
                self.out.append(f"local send {error}")
        else:
            self.stack.receive(packet, self.stack.interfaces[device])
        self.stack.wire.run()
        return self.out

    def command(self, line: str) -> None:
        """One of the commands that the recordings use around the packets."""
        for part in line.split(";"):
            self._command(part.split())

    def restore(self, text: str) -> None:
        """iptables-restore."""
        restore(self.ruleset, text)

    def _command(self, words: list[str]) -> None:
        if words[0] == "conntrack":
            result = conntrack_command.run(self.stack.conntrack, words[1:])
            assert result.exit_code == 0, result.stderr
        elif words[0] == "iptables":
            done = iptables(self.ruleset, words[1:])
            assert done.code == 0, done.stderr
        elif words[0] == "ipset":
            ipset(self.stack.ipsets, words[1:])
        elif words[0] == "sysctl":
            name, _, value = words[-1].partition("=")
            write(self.stack, name, value)
        elif words[:3] == ["ip", "link", "set"]:
            self.stack.interfaces[words[3]].mtu = int(words[5])
        else:
            raise AssertionError(f"unknown command {words}")

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
