"""ping, as iputils prints it. Without -c it sends four requests: nobody can press Ctrl-C."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from minikube_sim.shell.commands.names import is_address
from minikube_sim.shell.commands.options import BadUsage, family_of, number, parse
from netsim.outcome import Answered, NotPermitted, TimedOut, Unreachable
from netsim.packet import parse_address

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call
    from netsim.outcome import DatagramOutcome

_DEFAULT_COUNT = 4
_MOST = 10_000
_HEADERS = 28
_PROBLEMS_6 = {
    "1/0": "Destination unreachable: No route",
    "1/1": "Destination unreachable: Administratively prohibited",
    "1/2": "Destination unreachable: Beyond scope of source address",
    "1/3": "Destination unreachable: Address unreachable",
    "1/4": "Destination unreachable: Port unreachable",
    "1/5": "Destination unreachable: Unknown code 5",
    "1/6": "Destination unreachable: Unknown code 6",
    "2/0": "Packet too big",
    "3/0": "Time exceeded: Hop limit",
}
"""By type and code of ICMPv6."""
_PROBLEMS = {"EHOSTUNREACH": "Destination Host Unreachable", "ENETUNREACH": "Destination Net "
             "Unreachable", "ECONNREFUSED": "Destination Port Unreachable"}


@dataclass(slots=True)
class _Tally:
    """What came of the requests."""

    sent: int = 0
    errors: int = 0
    times: list[float] = field(default_factory=list)


async def ping(call: Call) -> int:
    """Send echo requests (ping6: by IPv6); 1 when none is answered."""
    try:
        options, hosts = parse("ping", call.args, "c:W:i:s:w:qn46I:")
        count = min(number("ping", options.get("-c", str(_DEFAULT_COUNT)), "argument"), _MOST)
        wait = float(number("ping", options.get("-W", "10"), "argument"))
        size = number("ping", options.get("-s", "56"), "argument")
        interval = float(re.sub(r"[^\d.]", "", options.get("-i", "1")) or 1)
    except BadUsage as error:
        return call.complain(str(error), 2)
    if not hosts:
        return call.complain("ping: usage error: Destination address required", 2)
    family = 6 if call.name == "ping6" else family_of(options)
    address = await call.machine.lookup(hosts[0], family=family)
    if address is None:
        why = "Address family for hostname not supported" if family and is_address(hosts[0]) else (
            "Name or service not known")
        return call.complain(f"ping: {hosts[0]}: {why}", 2)
    if call.machine.network.source_toward(*parse_address(address)) is None and ":" in address:
        return call.complain("ping: connect: Network is unreachable", 2)
    call.print(f"PING {hosts[0]}({address}) {size} data bytes" if ":" in address else
               f"PING {hosts[0]} ({address}) {size}({size + _HEADERS}) bytes of data.")
    tally, start = _Tally(), call.machine.now()
    for sequence in range(1, count + 1):
        last = sequence == count
        before, elapsed = call.machine.now(), _on_the_way(call)
        outcome = call.machine.network.sockets.ping(address, seq=sequence, size=size)
        tally.sent += 1
        if isinstance(outcome, Answered) and (seconds := _on_the_way(call) - elapsed):
            await call.sleep(seconds)
        if _report(call, tally, outcome, sequence, size, before) and not last:
            await call.sleep(interval)
        elif isinstance(outcome, TimedOut):
            await call.sleep(wait if last else interval)
    return _summary(call, tally, hosts[0], call.machine.now() - start)


def _on_the_way(call: Call) -> float:
    """Seconds that packets have spent on links so far."""
    medium = call.machine.network.wire.medium
    return medium.elapsed if medium is not None else 0.0


def _report(call: Call, tally: _Tally, outcome: DatagramOutcome, sequence: int, size: int,
            before: float) -> bool:
    """Tell of one request; False when nothing came back."""
    if isinstance(outcome, Answered):
        spent = (call.machine.now() - before) * 1000
        tally.times.append(spent)
        if "-q" not in call.args:
            call.print(f"{size + 8} bytes from {outcome.source.address}: icmp_seq={sequence} "
                       f"ttl={outcome.ttl} time={spent:.3f} ms")
        return True
    if isinstance(outcome, NotPermitted):
        call.complain("ping: sendmsg: Operation not permitted")
        return True
    if isinstance(outcome, TimedOut):
        return False
    tally.errors += 1
    by = getattr(outcome, "by", "")
    source = by.rpartition("from ")[2] if "from" in by else call.machine.address
    name = outcome.error if isinstance(outcome, Unreachable) else "ECONNREFUSED"
    kind = by.removeprefix("icmp ").partition(" ")[0]
    what = _PROBLEMS_6.get(kind, name) if ":" in source else _PROBLEMS.get(name, name)
    call.print(f"From {source} icmp_seq={sequence} {what}")
    return True


def _summary(call: Call, tally: _Tally, host: str, spent: float) -> int:
    got = len(tally.times)
    lost = 100 - got * 100 // tally.sent if tally.sent else 0
    errors = f"+{tally.errors} errors, " if tally.errors else ""
    call.print(f"\n--- {host} ping statistics ---")
    call.print(f"{tally.sent} packets transmitted, {got} received, {errors}{lost}% packet loss, "
               f"time {int(spent * 1000)}ms")
    if got:
        times = tally.times
        mean = sum(times) / got
        deviation = (sum((t - mean) ** 2 for t in times) / got) ** 0.5
        call.print(f"rtt min/avg/max/mdev = {min(times):.3f}/{mean:.3f}/{max(times):.3f}/"
                   f"{deviation:.3f} ms")
    return 0 if got else 1
