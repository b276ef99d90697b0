"""nc -z: whether a port answers. Models netcat-openbsd; data is not carried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from minikube_sim.shell.commands.options import BadUsage, family_of, parse
from netsim.outcome import Answered, Connected, Refused, TimedOut, Unreachable

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call

_KERNEL_GIVES_UP: Final = 131.0
_SERVICES: Final = {22: "ssh", 53: "domain", 80: "http", 443: "https", 5432: "postgresql",
                    6379: "redis", 3306: "mysql"}


async def nc(call: Call) -> int:
    """`nc -z [-v] [-u] [-w SECONDS] HOST PORT[-PORT]`; 0 when a port is open."""
    try:
        options, words = parse("nc", call.args, "zvunw:46N")
        host, _, ports = words[0], words[1:], words[1] if len(words) > 1 else ""
        low, _, high = ports.partition("-")
        span = range(int(low), int(high or low) + 1)
    except (BadUsage, ValueError, IndexError):
        return call.complain("usage: nc -z [-v] [-u] [-w timeout] destination port")
    if "-z" not in options:
        return call.complain("nc: only -z is there: whether a port answers")
    address = await call.machine.lookup(host, family=family_of(options))
    if address is None:
        return call.complain(f"nc: getaddrinfo for host \"{host}\" port {span.start}: "
                             "Name or service not known")
    limit = float(options.get("-w", _KERNEL_GIVES_UP))
    results = [await _try(call, host, address, port, ("-u" in options, "-v" in options, limit))
               for port in span]
    return 0 if any(results) else 1


async def _try(call: Call, host: str, address: str, port: int,
               how: tuple[bool, bool, float]) -> bool:
    udp, verbose, limit = how
    sockets = call.machine.network.sockets
    outcome = sockets.send_datagram(address, port) if udp else sockets.connect(address, port)
    protocol = "udp" if udp else "tcp"
    if isinstance(outcome, Connected | Answered) or (udp and isinstance(outcome, TimedOut)):
        if isinstance(outcome, Connected):
            outcome.close()
        if verbose:
            name = _SERVICES.get(port, "*")
            call.complain(f"Connection to {host} ({address}) {port} port [{protocol}/{name}] "
                          "succeeded!")
        return True
    if isinstance(outcome, TimedOut):
        await call.sleep(min(limit, _KERNEL_GIVES_UP))
    if verbose:
        call.complain(f"nc: connect to {host} ({address}) port {port} ({protocol}) failed: "
                      f"{_why(outcome, limit)}")
    return False


def _why(outcome: object, limit: float) -> str:
    if isinstance(outcome, Refused):
        return "Connection refused"
    if isinstance(outcome, Unreachable):
        return "No route to host" if outcome.error == "EHOSTUNREACH" else "Network is unreachable"
    return "Operation timed out" if limit < _KERNEL_GIVES_UP else "Connection timed out"
