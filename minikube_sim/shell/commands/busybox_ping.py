"""ping of busybox and alpine images: same packets, other words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikube_sim.shell.commands.options import BadUsage, family_of, number, parse
from minikube_sim.shell.commands.ping import on_the_way
from netsim.outcome import Answered, NotPermitted, TimedOut, Unreachable

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call
    from netsim.outcome import DatagramOutcome

_DEFAULT_COUNT, _MOST = 4, 10_000


async def ping(call: Call) -> int:
    """`ping [-c COUNT] [-W SECONDS] [-s SIZE] [-i SECONDS] [-q] HOST`; 1 when none is answered."""
    try:
        options, hosts = parse("ping", call.args, "c:W:i:s:w:t:I:q46A")
        count = min(number("ping", options.get("-c", str(_DEFAULT_COUNT))), _MOST)
        size = number("ping", options.get("-s", "56"))
        ttl = number("ping", options.get("-t", "64"))
        wait, interval = float(options.get("-W", "10")), float(options.get("-i", "1"))
    except (BadUsage, ValueError) as error:
        return call.complain(str(error), 1)
    if not hosts:
        return call.complain("BusyBox v1.36.1 multi-call binary.\n\nUsage: ping [OPTIONS] HOST", 1)
    address = await call.machine.lookup(hosts[0], family=family_of(options))
    if address is None:
        return call.complain(f"ping: bad address '{hosts[0]}'", 1)
    call.print(f"PING {hosts[0]} ({address}): {size} data bytes")
    times: list[float] = []
    for sequence in range(count):
        before, elapsed = call.machine.now(), on_the_way(call)
        outcome = call.machine.network.sockets.ping(address, seq=sequence, size=size, ttl=ttl,
                                                    fragment=size > 1400)
        if (problem := _problem(outcome)):
            return call.complain(f"ping: sendto: {problem}")
        if isinstance(outcome, Answered):
            await call.sleep(on_the_way(call) - elapsed)
            times.append((call.machine.now() - before) * 1000)
            if "-q" not in options:
                call.print(f"{size + 8} bytes from {outcome.source.address}: seq={sequence} "
                           f"ttl={outcome.ttl} time={times[-1]:.3f} ms")
        last = sequence == count - 1
        if not last or isinstance(outcome, TimedOut):
            await call.sleep(wait if last else interval)
    return _summary(call, hosts[0], count, times)


def _problem(outcome: DatagramOutcome) -> str:
    """Why nothing could be sent at all."""
    if isinstance(outcome, NotPermitted):
        return "Operation not permitted"
    no_route = isinstance(outcome, Unreachable) and outcome.error == "ENETUNREACH"
    return "Network unreachable" if no_route and not getattr(outcome, "by", "") else ""


def _summary(call: Call, host: str, sent: int, times: list[float]) -> int:
    lost = 100 - len(times) * 100 // sent
    call.print(f"\n--- {host} ping statistics ---\n{sent} packets transmitted, "
               f"{len(times)} packets received, {lost}% packet loss")
    if times:
        mean = sum(times) / len(times)
        call.print(f"round-trip min/avg/max = {min(times):.3f}/{mean:.3f}/{max(times):.3f} ms")
    return 0 if times else 1
