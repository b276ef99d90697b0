"""A host on a test bench: rules in, packets in, and what comes of them. For kits that compare this
network with a real kernel.

    host = Bench({"eth0": "10.1.0.1/24", "eth1": "10.2.0.1/24"})
    host.run("iptables-restore", rules)
    host.listen("udp/53")
    host.send("eth0 udp 10.1.0.2:4000 > 10.2.0.2:53")     what leaves, as text
    host.run("iptables-save -c").stdout, host.run("conntrack -L").stdout

On its links everybody exists and nobody answers. A packet is `DEVICE` and the text form of
netsim.packet; the device `local` stands for packets that the host itself sends, and for what its
UDP listeners get.
"""

from __future__ import annotations

import random
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from netsim.conntrack import command as conntrack_command
from netsim.conntrack.text import NAMES
from netsim.ipset.command import IpsetError, ipset
from netsim.kubeproxy.node_proxy import iptables_of, nftables_of
from netsim.kubeproxy.values import Family
from netsim.link import Wire
from netsim.namespace import Namespace
from netsim.netfilter import cli
from netsim.netfilter.cli import Result
from netsim.nft import command as nft_command
from netsim.packet import TCP, UDP, Packet, format_packet, parse_packet
from netsim.sysctl import write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from netsim.link import Interface
    from netsim.netfilter.ruleset import Ruleset
    from netsim.trace import Trace

_FAMILIES = {4: Family.IPV4, 6: Family.IPV6}


class Tap:
    """A link on which everybody exists and nobody answers; what goes out is told to `hear`."""

    def __init__(self, interface: Interface, hear: Callable[[str], None]) -> None:
        self.interface = interface
        self.hear = hear
        interface.link = self

    def transmit(self, packet: Packet, next_hop: int) -> bool:
        """See Link."""
        self.hear(out_text(self.interface.name, packet))
        return True

    def changed(self) -> None:
        """See Link."""

    def unplug(self) -> None:
        """See Link."""
        self.interface.link = None


def out_text(device: str, packet: Packet) -> str:
    """A packet that left, or (device local) reached a listener: without seq and ack."""
    text = format_packet(packet, tail=False)
    data = packet.length - packet.header_length
    if packet.protocol == UDP or (packet.protocol == TCP and data):
        text += f" len={data}"
    if device != "local":
        text += f" ttl={packet.ttl}" + (f" tos={packet.tos:#x}" if packet.tos else "")
    return f"{device} {text}"


class Bench:
    """One host. `time` is its clock, in seconds since 1970: add to it to let time pass."""

    def __init__(self, devices: Mapping[str, str] | None = None, *, seed: int = 1) -> None:
        """`devices`: interfaces and an address of each."""
        self.time = 1_000_000.0
        self.out: list[str] = []
        self.stack = Namespace("router", Wire(), lambda: self.time, random.Random(seed),
                               tracking=True)
        self.stack.forwarding = {4: True, 6: True}
        self.stack.sockets.on_deliver = self._delivered
        for name, address in (devices or {}).items():
            self.add_interface(name, address)

    # ------------------------------------------------------------ the host

    def add_interface(self, name: str, *addresses: str, mtu: int = 1500) -> None:
        """An interface with addresses, `10.0.0.1/24`, on a link of its own."""
        Tap(self.stack.add_interface(name, mtu), lambda text: self.out.append(text))
        for address in addresses:
            self.stack.add_address(name, address)

    def add_route(self, network: str, via: str) -> None:
        """`default`, `default6` or a network, by a gateway."""
        self.stack.add_route(network, via=via)

    def listen(self, what: str) -> None:
        """'udp/53' answers with as many bytes (but not to the host itself); 'tcp/80' accepts."""
        protocol, _, port = what.partition("/")
        handler = self._echo if protocol == "udp" else "listener"
        self.stack.listen(protocol, int(port), handler)

    def _echo(self, datagram: Any) -> object:
        family, number = _number(datagram.source.address)
        return None if self.stack.is_local(family, number) else b"\0" * datagram.length

    def _delivered(self, packet: Packet) -> None:
        """A UDP listener got a datagram: that is `local`."""
        if packet.protocol == UDP and self.stack.sockets.listener(packet) is not None:
            self.out.append(out_text("local", packet))

    def rules(self, family: int = 4) -> Ruleset:
        """The iptables rules of a family; counters are on its rules and chains."""
        return iptables_of(self.stack, _FAMILIES[family])

    # ------------------------------------------------------------ packets and commands

    def send(self, text: str, trace: Trace | None = None) -> list[str]:
        """Put one packet in; what came out because of it."""
        self.out = []
        device, _, rest = text.partition(" ")
        packet = parse_packet(rest)
        packet.trace = trace
        if packet.protocol not in NAMES:
            packet.length += 4
        if device == "local":
            if error := self.stack.send(packet):
                self.out.append(f"local send {error}")
        else:
            self.stack.receive(packet, self.stack.interfaces[device])
        self.stack.wire.run()
        return self.out

    def run(self, line: str, stdin: str = "") -> Result:
        """iptables, iptables-save, iptables-restore (and ip6tables...), conntrack, ipset, nft,
        sysctl -w. Raises KeyError for others.
        """
        name, *words = shlex.split(line)
        if name.startswith(("iptables", "ip6tables")):
            return self._iptables(name, words, stdin)
        return _COMMANDS[name](self, words, stdin)

    def _iptables(self, name: str, words: list[str], stdin: str) -> Result:
        ruleset = self.rules(6 if name.startswith("ip6") else 4)
        if name.endswith("-restore"):
            return cli.iptables_restore(ruleset, words, stdin)
        if name.endswith("-save"):
            date = datetime.fromtimestamp(self.time, UTC).strftime("%a %b %e %H:%M:%S %Y")
            return cli.iptables_save(ruleset, words, date)
        return cli.iptables(ruleset, words)

    def _conntrack(self, words: list[str], _stdin: str) -> Result:
        done = conntrack_command.run(self.stack.conntrack, words)
        return Result(done.exit_code, done.stdout, done.stderr)

    def _ipset(self, words: list[str], stdin: str) -> Result:
        try:
            printed = ipset(self.stack.ipsets, words, now=self.time, stdin=stdin)
        except IpsetError as problem:
            return Result(1, "", f"ipset v7.17: {problem}\n")
        self.stack.rules_changed()
        return Result(0, printed)

    def _nft(self, words: list[str], stdin: str) -> Result:
        done = nft_command.run(nftables_of(self.stack), words, now=self.time,
                               read_file=lambda name: stdin if name == "-" else None)
        return Result(done.exit_code, done.stdout, done.stderr)

    def _sysctl(self, words: list[str], _stdin: str) -> Result:
        name, _, value = words[-1].partition("=")
        try:
            write(self.stack, name.strip(), value.strip())
        except KeyError:
            path = name.replace(".", "/")
            return Result(255, "", f"sysctl: cannot stat /proc/sys/{path}: "
                                   "No such file or directory\n")
        return Result(0, f"{name} = {value}\n")


_COMMANDS: dict[str, Callable[[Bench, list[str], str], Result]] = {
    "conntrack": Bench._conntrack, "ipset": Bench._ipset, "nft": Bench._nft,
    "sysctl": Bench._sysctl,
}


def _number(address: str) -> tuple[int, int]:
    import ipaddress

    parsed = ipaddress.ip_address(address)
    return parsed.version, int(parsed)
