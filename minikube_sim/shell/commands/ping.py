"""ping, as iputils 20221126 prints it. Without -c it sends four requests: nobody can press Ctrl-C.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from minikube_sim.shell.commands.names import is_address, reverse_names
from minikube_sim.shell.commands.options import BadUsage, family_of, parse
from netsim.outcome import Answered, NotPermitted, TimedOut, Unreachable

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call
    from netsim.outcome import DatagramOutcome

_DEFAULT_COUNT: Final = 4
_MOST: Final = 10_000
_HEADERS: Final = {4: 28, 6: 48}
_PROBLEMS: Final = {
    "3/0": "Destination Net Unreachable", "3/1": "Destination Host Unreachable",
    "3/2": "Destination Protocol Unreachable", "3/3": "Destination Port Unreachable",
    "3/4": "Frag needed and DF set (mtu = {mtu})", "3/9": "Destination Net Prohibited",
    "3/10": "Destination Host Prohibited", "3/13": "Packet filtered",
    "11/0": "Time to live exceeded",
}
_PROBLEMS6: Final = {
    "1/0": "Destination unreachable: No route",
    "1/1": "Destination unreachable: Administratively prohibited",
    "1/3": "Destination unreachable: Address unreachable",
    "1/4": "Destination unreachable: Port unreachable",
    "1/5": "Destination unreachable: Unknown code 5",
    "1/6": "Destination unreachable: Unknown code 6",
    "2/0": "Packet too big: mtu={mtu}", "3/0": "Time exceeded: Hop limit",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is to be sent."""

    host: str
    address: str
    name: str
    """Who answers, as lines call it; '' if only the address is shown."""
    count: int
    wait: float
    interval: float
    size: int
    ttl: int
    source: str
    fragment: bool
    quiet: bool
    stamps: bool

    @property
    def family(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.address else 4


@dataclass(slots=True)
class _Tally:
    """What came of the requests."""

    sent: int = 0
    errors: int = 0
    times: list[float] = field(default_factory=list)


async def ping(call: Call) -> int:
    """Send echo requests; 1 when none is answered."""
    try:
        options, hosts = parse("ping", call.args, "c:W:i:s:w:t:M:I:qnDVAfO46")
        if "-V" in options:
            call.print("ping from iputils 20221126")
            return 0
        if not hosts:
            return call.complain("ping: usage error: Destination address required", 1)
        plan = await _plan(call, options, hosts[0])
    except BadUsage as error:
        return call.complain(str(error), 1 if "invalid argument" in str(error) else 2)
    _head(call, plan)
    tally, start = _Tally(), call.machine.now()
    for sequence in range(1, plan.count + 1):
        if not await _one(call, plan, tally, sequence):
            return 2
    return _summary(call, tally, hosts[0], call.machine.now() - start)


async def _plan(call: Call, options: dict[str, str], host: str) -> _Plan:
    """Raises BadUsage."""
    family = 6 if call.name == "ping6" else family_of(options)
    address = await call.machine.lookup(host, family=family)
    if address is None:
        why = "Address family for hostname not supported" if family and is_address(host) else (
            "Name or service not known")
        raise BadUsage(f"ping: {host}: {why}")
    discovery = options.get("-M", "want")
    if discovery not in ("do", "want", "dont"):
        raise BadUsage(f"ping: invalid -M argument: {discovery}")
    return _Plan(
        host=host, address=address, name=await _name(call, host, address, options),
        count=min(_whole(options.get("-c", str(_DEFAULT_COUNT)), 1), _MOST),
        wait=_seconds(options.get("-W", "10")), interval=_seconds(options.get("-i", "1")) or 1.0,
        size=_whole(options.get("-s", "56"), 0), ttl=_whole(options.get("-t", "64"), 0),
        source=_source(call, options.get("-I", ""), 6 if ":" in address else 4),
        fragment=discovery != "do" and _whole(options.get("-s", "56"), 0) > 1400,
        quiet="-q" in options, stamps="-D" in options,
    )


async def _name(call: Call, host: str, address: str, options: dict[str, str]) -> str:
    """The name of who answers: asked for only where a name was given."""
    if host == address or "-n" in options:
        return ""
    for line in call.machine.files.get("/etc/hosts", "").splitlines():
        words = line.partition("#")[0].split()
        if words[1:] and words[0] == address:
            return words[1]
    found = await reverse_names(call, address)
    return found[0].rstrip(".") if found else ""


def _whole(text: str, least: int) -> int:
    if not text.isdigit():
        raise BadUsage(f"ping: invalid argument: '{text}'")
    if int(text) < least:
        raise BadUsage(f"ping: invalid argument: '{text}': out of range: {least} <= value <= "
                       "9223372036854775807")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d*\.?\d+", text):
        raise BadUsage(f"ping: bad timing interval: {text}")
    return float(text)


def _source(call: Call, where: str, family: int) -> str:
    """The address of -I: itself, or an interface's first. Raises BadUsage."""
    if not where:
        return ""
    network = call.machine.network
    try:
        wanted = ipaddress.ip_address(where)
    except ValueError:
        from netsim.packet import address_text

        interface = network.interfaces.get(where)
        number = interface.address(family) if interface is not None else None
        if number is None:
            raise BadUsage(f"ping: SO_BINDTODEVICE {where}: No such device") from None
        return address_text(family, number)
    if not network.is_local(wanted.version, int(wanted)):
        raise BadUsage("ping: bind: Cannot assign requested address")
    return where


def _head(call: Call, plan: _Plan) -> None:
    source = f" from {plan.source}" + (" :" if plan.family == 4 else "") if plan.source else ""
    if plan.family == 6:
        call.print(f"PING {plan.host}({plan.address}){source} {plan.size} data bytes")
        return
    call.print(f"PING {plan.host} ({plan.address}){source} {plan.size}"
               f"({plan.size + _HEADERS[4]}) bytes of data.")


async def _one(call: Call, plan: _Plan, tally: _Tally, sequence: int) -> bool:
    """Send one request and wait; False when the network cannot be reached at all."""
    last = sequence == plan.count
    before, elapsed = call.machine.now(), on_the_way(call)
    outcome = call.machine.network.sockets.ping(
        plan.address, seq=sequence, size=plan.size, ttl=plan.ttl, source=plan.source,
        fragment=plan.fragment)
    tally.sent += 1
    if isinstance(outcome, Unreachable) and outcome.error == "ENETUNREACH" and not outcome.by:
        call.out[:] = b""
        call.complain("ping: connect: Network is unreachable")
        return False
    if isinstance(outcome, Answered) and (seconds := on_the_way(call) - elapsed):
        await call.sleep(seconds)
    if _report(call, plan, tally, outcome, sequence, before) and not last:
        await call.sleep(plan.interval)
    elif isinstance(outcome, TimedOut):
        await call.sleep(plan.wait if last else plan.interval)
    return True


def on_the_way(call: Call) -> float:
    """Seconds that packets have spent on links so far."""
    medium = call.machine.network.wire.medium
    return medium.elapsed if medium is not None else 0.0


def _report(call: Call, plan: _Plan, tally: _Tally, outcome: DatagramOutcome, sequence: int,
            before: float) -> bool:
    """Tell of one request; False when nothing came back."""
    stamp = f"[{call.machine.now():.6f}] " if plan.stamps else ""
    if isinstance(outcome, Answered):
        spent = (call.machine.now() - before) * 1000
        tally.times.append(spent)
        address = outcome.source.address
        shown = f"{plan.name} ({address})" if plan.name else address
        if not plan.quiet:
            call.print(f"{stamp}{plan.size + 8} bytes from {shown}: icmp_seq={sequence} "
                       f"ttl={outcome.ttl} time={spent:.3f} ms")
        return True
    if isinstance(outcome, NotPermitted):
        call.complain("ping: sendmsg: Operation not permitted")
        return True
    if isinstance(outcome, TimedOut):
        return False
    tally.errors += 1
    text = _problem(call, plan, outcome, sequence)
    if not plan.quiet and text:
        call.print(stamp + text)
    return True


def _problem(call: Call, plan: _Plan, outcome: DatagramOutcome, sequence: int) -> str:
    """`From 10.1.0.1 icmp_seq=1 Time to live exceeded`; a problem of our own goes to stderr."""
    by = getattr(outcome, "by", "")
    mtu = outcome.mtu if isinstance(outcome, Unreachable) else 0
    if mtu and not by:
        call.complain(f"ping: local error: message too long, mtu={mtu}")
        return ""
    kind, _, source = by.removeprefix("icmp ").partition(" from ")
    if isinstance(outcome, Unreachable) and not by:
        kind = "3/1" if plan.family == 4 else "1/3"
    known = _PROBLEMS if plan.family == 4 else _PROBLEMS6
    text = known.get(kind, f"Unknown ICMP {kind}").format(mtu=mtu)
    return f"From {source or call.machine.address} icmp_seq={sequence} {text}"


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
    else:
        call.print()
    return 0 if got else 1
