"""tcpdump: what passes the devices of a node or Pod while it listens. Models tcpdump 4.99.

    filter.py   pcap-filter(7) expressions
    lines.py    a packet as a line

It ends after -c packets, or after ten seconds of the cluster's clock: nobody can press Ctrl-C.
`tcpdump ... & curl ...; wait` catches what curl does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from minikube_sim.process import Interrupted
from minikube_sim.shell.commands.iproute.devices import devices
from minikube_sim.shell.commands.options import BadUsage, number, parse_all
from minikube_sim.shell.commands.tcpdump.filter import FilterError, read_filter
from minikube_sim.shell.commands.tcpdump.lines import Printer
from netsim.bridge import Bridge
from netsim.pcap import end_mac

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call
    from minikube_sim.shell.commands.tcpdump.filter import Test
    from netsim.medium import End
    from netsim.packet import Packet

_SHORT: Final = "i:c:nevtqASlUpDs:XxN#Kw:r:Q:"
_SECONDS: Final = 10.0
_STEP: Final = 0.05
_TICK: Final = 0.00002
"""Seconds between two packets, so that they have an order; see sniff."""
_NONE: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Seen:
    """A packet at a device."""

    time: float
    device: str
    out: bool
    source: str
    """The sender's link address, ..."""
    destination: str
    """... and the receiver's."""
    packet: Packet


class Tap:
    """Collects what passes one host's device, or all of them (`any`)."""

    def __init__(self, call: Call, device: str, test: Test, limit: int) -> None:
        self._call, self._device, self._test, self._limit = call, device, test, limit
        network = call.machine.network
        self._host = network.name
        self._ports = {port: name for name, interface in network.interfaces.items()
                       if isinstance(interface.link, Bridge) for port in interface.link.ports}
        self.seen: list[Seen] = []
        self.passed = 0
        """Packets that the filter let through, those behind the limit too."""

    def __call__(self, sender: End, receiver: End, packet: Packet) -> None:
        """See Medium.taps."""
        for end, out in ((receiver, False), (sender, True)):
            if end.host != self._host or (sender == receiver and out):
                continue
            names = (end.interface, self._ports.get(end.interface))
            for name in names if self._device == "any" else (self._device,):
                if name is not None and name in names:
                    self._take(sender, receiver, packet, name, out=out)

    def _take(self, sender: End, receiver: End, packet: Packet, name: str, *, out: bool) -> None:
        if not self._test(packet):
            return
        self.passed += 1
        if len(self.seen) < self._limit:
            medium = self._call.machine.network.wire.medium
            spent = medium.elapsed if medium is not None else 0.0
            time = self._call.machine.now() + spent + _TICK * len(self.seen)
            source, target = (end_mac(end).hex(":") for end in (sender, receiver))
            self.seen.append(Seen(time, name, out, source, target, packet.copy()))


async def tcpdump(call: Call) -> int:
    """`tcpdump [-i DEVICE|any] [-c COUNT] [-nnevqtAxS] [EXPRESSION]`."""
    try:
        pairs, words = parse_all("tcpdump", call.args, _SHORT, ("interface=", "count"),
                                 permute=False)
        options = dict(pairs)
        count = number("tcpdump", options.get("-c", str(_NONE)), "packet count")
        test = read_filter(words)
    except (BadUsage, FilterError) as error:
        return call.complain(f"tcpdump: {str(error).removeprefix('tcpdump: ')}", 1)
    if "-D" in options:
        return _list(call)
    if options.keys() & {"-w", "-r"}:
        return call.complain("tcpdump: capture files: use minikube-sim sniff -w FILE", 1)
    device = options.get("-i", options.get("--interface", _first(call)))
    if device != "any" and device not in [one.name for one in devices(call)]:
        return call.complain(f"tcpdump: {device}: No such device exists\n"
                             "(SIOCGIFHWADDR: No such device)", 1)
    flags = [option for option, _ in pairs]
    _head(call, device, verbose="-v" in flags)
    tap = Tap(call, device, test, count)
    await _listen(call, tap, count, Printer(
        numeric=flags.count("-n"), verbose="-v" in flags, quiet="-q" in flags,
        absolute="-S" in flags, hexadecimal="-x" in flags or "-X" in flags, text="-A" in flags),
        flags, everywhere=device == "any")
    for text in (f"{len(tap.seen)} packets captured", f"{tap.passed} packets received by filter",
                 "0 packets dropped by kernel"):
        call.complain(text if len(tap.seen) != 1 else text.replace("1 packets", "1 packet"))
    return 0


def _first(call: Call) -> str:
    """The device that is taken when none is named: the first that is up, loopback last."""
    names = [one.name for one in devices(call) if one.up and not one.loopback]
    return names[0] if names else "lo"


def _list(call: Call) -> int:
    names = [one.name for one in devices(call)]
    for index, name in enumerate([*names[1:], "any", "lo"], 1):
        what = {"any": "(Pseudo-device that captures on all interfaces) [Up, Running]",
                "lo": "[Up, Running, Loopback]"}.get(name, "[Up, Running, Connected]")
        call.print(f"{index}.{name} {what}")
    return 0


def _head(call: Call, device: str, *, verbose: bool) -> None:
    kind = "LINUX_SLL2 (Linux cooked v2)" if device == "any" else "EN10MB (Ethernet)"
    if device == "any":
        call.complain("tcpdump: data link type LINUX_SLL2")
    if not verbose:
        call.complain("tcpdump: verbose output suppressed, use -v[v]... for full protocol decode")
    front = "tcpdump: " if verbose else ""
    call.complain(f"{front}listening on {device}, link-type {kind}, snapshot length 262144 bytes")


async def _listen(call: Call, tap: Tap, count: int, printer: Printer, flags: list[str], *,
                  everywhere: bool) -> None:
    """Print what comes until it is enough."""
    network = call.machine.network
    stop = network.wire.listen_in(tap, network.random)
    end, told = call.machine.now() + _SECONDS, 0
    try:
        while len(tap.seen) < count and (left := end - call.machine.now()) > 0:
            told = _tell(call, tap, told, printer, flags, everywhere=everywhere)
            await call.sleep(min(_STEP, left))
    except Interrupted:
        pass  # Ctrl-C: tell what was seen, and end well
    finally:
        stop()
    _tell(call, tap, told, printer, flags, everywhere=everywhere)


def _tell(call: Call, tap: Tap, told: int, printer: Printer, flags: list[str], *,
          everywhere: bool) -> int:
    """Print what was not printed yet; how many packets were printed so far."""
    for place, seen in enumerate(tap.seen[told:], told):
        last = tap.seen[place - 1].time if place else seen.time
        front = _front(seen, flags, last, everywhere=everywhere)
        bare = "-e" in flags and not everywhere
        call.print(front + printer.line(seen.packet, bare=bare))
    return len(tap.seen)


def _front(seen: Seen, flags: list[str], last: float, *, everywhere: bool) -> str:
    """Time, device and link addresses."""
    text = _time(seen.time, flags.count("-t"), last)
    if everywhere:
        text += f"{seen.device:<5} {'Out' if seen.out else 'In ':<3} "
    elif "-e" in flags:
        kind = "IPv4 (0x0800)" if seen.packet.family == 4 else "IPv6 (0x86dd)"
        text += (f"{seen.source} > {seen.destination}, ethertype {kind}, "
                 f"length {seen.packet.length + 14}: ")
    return text


def _time(seconds: float, form: int, last: float) -> str:
    """-t: none, -tt: seconds since 1970, -ttt: since the last, -tttt: with the date."""
    if form == 1:
        return ""
    if form == 2:
        return f"{seconds:.6f} "
    moment = datetime.fromtimestamp(seconds if form != 3 else seconds - last, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f " if form == 4 else "%H:%M:%S.%f ")
