"""ss and netstat: who listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.packet import TCP, address_text

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call


async def ss(call: Call) -> int:
    """List listening sockets (and connections that stand, without -l)."""
    flags = "".join(a.lstrip("-") for a in call.args if a.startswith("-"))
    sockets = call.machine.network.sockets
    call.print(f"{'Netid':<6}{'State':<10}{'Recv-Q':<8}{'Send-Q':<8}"
               f"{'Local Address:Port':>22} {'Peer Address:Port':>22}")
    for (protocol, port), listeners in sorted(sockets.listeners.items()):
        for listener in listeners:
            name, state = ("tcp", "LISTEN") if protocol == TCP else ("udp", "UNCONN")
            if not _wanted(name, flags):
                continue
            where = address_text(*listener.address) if listener.address else "0.0.0.0"
            call.print(f"{name:<6}{state:<10}{0:<8}{128:<8}{where + ':' + str(port):>22} "
                       f"{'0.0.0.0:*':>22}")
    if "l" in flags:
        return 0
    for key, socket in sockets.connections.items():
        family, local, local_port, remote, remote_port = key
        if _wanted("tcp", flags):
            here = f"{address_text(family, local)}:{local_port}"
            there = f"{address_text(family, remote)}:{remote_port}"
            state = {"ESTABLISHED": "ESTAB"}.get(socket.state.name, socket.state.name)
            call.print(f"{'tcp':<6}{state:<10}{0:<8}{0:<8}{here:>22} {there:>22}")
    return 0


def _wanted(protocol: str, flags: str) -> bool:
    return not set(flags) & {"t", "u"} or protocol[0] in flags
