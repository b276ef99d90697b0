"""traceroute: probes whose TTL grows, and who says that it ran out. Models traceroute 2.1."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from minikube_sim.shell.commands.names import reverse_names
from minikube_sim.shell.commands.options import BadUsage, family_of, number, parse
from netsim.outcome import Answered, NotPermitted, Refused, TimedOut, Unreachable

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call
    from netsim.outcome import DatagramOutcome

_FIRST_PORT: Final = 33434
_AT_ONCE: Final = 5
"""Hops whose probes are under way together: their waits are one."""
_MARKS: Final = {"icmp 3/0": " !N", "icmp 3/1": " !H", "icmp 3/2": " !P", "icmp 3/9": " !X",
                 "icmp 3/10": " !X", "icmp 3/13": " !X", "icmp 1/0": " !N", "icmp 1/1": " !X",
                 "icmp 1/3": " !H"}
_EXPIRED: Final = ("icmp 11/0", "icmp 3/0")
"""IPv4's and IPv6's way to say that the TTL ran out."""


async def traceroute(call: Call) -> int:
    """`traceroute [-n] [-I] [-m MAX] [-q QUERIES] [-w WAIT] HOST`."""
    try:
        options, words = parse("traceroute", call.args, "nI46Tm:q:w:f:p:N:")
        most = number("traceroute", options.get("-m", "30"))
        queries = number("traceroute", options.get("-q", "3"))
        wait = float(options.get("-w", "5"))
        first = number("traceroute", options.get("-f", "1"))
    except (BadUsage, ValueError) as error:
        return call.complain(str(error), 2)
    if not words:
        return call.complain("Usage: traceroute [-n] [-I] [-m max_ttl] [-q nqueries] host", 2)
    family = 6 if call.name == "traceroute6" else family_of(options)
    address = await call.machine.lookup(words[0], family=family)
    if address is None:
        return call.complain(f"{words[0]}: Name or service not known\nCannot handle \"host\" "
                             f"cmdline arg `{words[0]}' on position 1 (argc {len(call.args)})", 2)
    size = 60 if "." in address else 80
    call.print(f"traceroute to {words[0]} ({address}), {most} hops max, {size} byte packets")
    if call.machine.network.routes[4 if "." in address else 6].lookup(
            int(ipaddress.ip_address(address))) is None:
        return call.complain("connect: Network is unreachable")
    names: dict[str, str] = {}
    for ttl in range(first, most + 1):
        outcomes = [_probe(call, address, ttl, ttl * queries + i, echo="-I" in options)
                    for i in range(queries)]
        if all(isinstance(o, TimedOut) for o in outcomes) and ttl % _AT_ONCE == 1:
            await call.sleep(wait)
        call.print(f"{ttl:2d} {await _hop(call, outcomes, address, names, '-n' in options)}")
        if not all(isinstance(o, TimedOut) or _expired(o) for o in outcomes):
            break
    return 0


def _probe(call: Call, address: str, ttl: int, serial: int, *, echo: bool) -> DatagramOutcome:
    sockets = call.machine.network.sockets
    if echo:
        return sockets.ping(address, seq=serial, size=32, ttl=ttl)
    socket = sockets.udp(address, _FIRST_PORT + serial - 3)
    if isinstance(socket, Unreachable):
        return socket
    socket.ttl = ttl
    try:
        return socket.send(b"@" * 32)
    finally:
        socket.close()


def _expired(outcome: DatagramOutcome) -> bool:
    return isinstance(outcome, Unreachable) and outcome.by.startswith(_EXPIRED)


async def _hop(call: Call, outcomes: list[DatagramOutcome], address: str, names: dict[str, str],
               numeric: bool) -> str:
    """What a line says of one TTL."""
    text, last = "", ""
    for outcome in outcomes:
        source = _source(outcome, address)
        if not source:
            text += " *"
            continue
        if source != last:
            text += f" {source}" if numeric else (
                f" {await _name(call, source, names)} ({source})")
            last = source
        text += f"  0.000 ms{_mark(outcome)}"
    return text


def _mark(outcome: DatagramOutcome) -> str:
    """What follows the time of an error that is not the TTL's."""
    if isinstance(outcome, Unreachable) and not _expired(outcome):
        if "icmp 3/4" in outcome.by:
            return f" !F-{outcome.mtu}"
        return _MARKS.get(outcome.by.partition(" from ")[0], "" if outcome.by else " !H")
    return ""


def _source(outcome: DatagramOutcome, address: str) -> str:
    """Whom the answer came from; '' for none."""
    if isinstance(outcome, Answered):
        return outcome.source.address
    if isinstance(outcome, TimedOut | NotPermitted):
        return ""
    by = outcome.by.rpartition("from ")[2] if isinstance(outcome, Refused | Unreachable) else ""
    return by or address


async def _name(call: Call, address: str, names: dict[str, str]) -> str:
    """The name of an address, asked once; the address where there is none."""
    if "" in names:
        return address
    if address not in names:
        found = await reverse_names(call, address)
        if found is None:
            names[""] = ""
            return address
        names[address] = found[0] if found else address
    return names[address]
