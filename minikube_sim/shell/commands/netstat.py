"""netstat, in the columns of net-tools: sockets (-tuln) and routes (-r)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from minikube_sim.shell.commands.options import BadUsage, parse
from minikube_sim.shell.commands.ss import SocketInfo, sockets_of
from netsim.packet import address_text
from netsim.routing import RouteKind

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call

_STATES: Final = {"ESTAB": "ESTABLISHED", "UNCONN": "", "TIME-WAIT": "TIME_WAIT",
                  "SYN-SENT": "SYN_SENT", "SYN-RECV": "SYN_RECV", "FIN-WAIT-1": "FIN_WAIT1",
                  "LAST-ACK": "LAST_ACK", "CLOSED": "CLOSE"}


async def netstat(call: Call) -> int:
    """`netstat [-tulnap]` and `netstat -r`."""
    try:
        options, _ = parse("netstat", call.args, "tulnapre46W",
                           ("tcp", "udp", "listening", "numeric", "all", "programs", "route"))
    except BadUsage as error:
        return call.complain(str(error), 4)
    if options.keys() & {"-r", "--route"}:
        return _routes(call)
    only, every = options.keys() & {"-l", "--listening"}, options.keys() & {"-a", "--all"}
    which = "only servers" if only else "servers and established" if every else "w/o servers"
    call.print(f"Active Internet connections ({which})")
    call.print("Proto Recv-Q Send-Q Local Address           Foreign Address         State      ")
    wanted = [kind for kind in ("tcp", "udp") if f"-{kind[0]}" in options] or ["tcp", "udp"]
    numeric = bool(options.keys() & {"-n", "--numeric"})
    found = list(sockets_of(call.machine.network))
    for kind in wanted:
        for one in (one for one in found if one.protocol == kind):
            idle = one.state in ("LISTEN", "UNCONN")
            if every or bool(only) == idle:
                call.print(_line(one, numeric=numeric))
    return 0


def _line(one: SocketInfo, *, numeric: bool) -> str:
    local, remote = (":".join(one.end(remote=r, numeric=numeric)) for r in (False, True))
    if one.local is None and one.family == 6:
        local = local.replace("*", "::", 1)
    if one.remote is None and one.family == 6:
        remote = ":::*"
    name = one.protocol + ("6" if one.family == 6 else "")
    state = _STATES.get(one.state, one.state)
    return f"{name:<5} {0:6d} {0:6d} {local:<23} {remote:<23} {state:<11}"


def _routes(call: Call) -> int:
    call.print("Kernel IP routing table")
    call.print("Destination     Gateway         Genmask         Flags   MSS Window  irtt Iface")
    for route in call.machine.network.routes[4]:
        if route.kind is not RouteKind.UNICAST or route.interface is None:
            continue
        mask = address_text(4, (1 << 32) - (1 << 32 - route.length))
        gateway = address_text(4, route.gateway or 0)
        flags = ("U" + ("G" if route.gateway is not None else "")
                 + ("H" if route.length == 32 else ""))
        call.print(f"{address_text(4, route.network):<15} {gateway:<15} {mask:<15} {flags:<5} "
                   f"    0 0          0 {route.interface.name}")
    return 0
