"""ss and netstat: who listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.packet import TCP, address_text, endpoint_text

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call


async def ss(call: Call) -> int:
    """List listening sockets (and connections that stand, without -l)."""
    flags = "".join(a.lstrip("-") for a in call.args if a.startswith("-"))
    sockets = call.machine.network.sockets
    anywhere, families = _anywhere(call), _families(flags)
    call.print(f"{'Netid':<6}{'State':<10}{'Recv-Q':<8}{'Send-Q':<8}"
               f"{'Local Address:Port':>22} {'Peer Address:Port':>22}")
    for (protocol, port), listeners in sorted(sockets.listeners.items()):
        for listener in listeners:
            name, state = ("tcp", "LISTEN") if protocol == TCP else ("udp", "UNCONN")
            where, peer = _shown(listener.address, anywhere)
            if not _wanted(name, flags) or not families & _families_at(listener.address, anywhere):
                continue
            call.print(f"{name:<6}{state:<10}{0:<8}{128:<8}{where + ':' + str(port):>22} "
                       f"{peer + ':*':>22}")
    if "l" in flags:
        return 0
    for key, socket in sockets.connections.items():
        family, local, local_port, remote, remote_port = key
        if _wanted("tcp", flags) and family in families:
            here = endpoint_text(family, local, local_port)
            there = endpoint_text(family, remote, remote_port)
            state = {"ESTABLISHED": "ESTAB"}.get(socket.state.name, socket.state.name)
            call.print(f"{'tcp':<6}{state:<10}{0:<8}{0:<8}{here:>22} {there:>22}")
    return 0


def _anywhere(call: Call) -> str:
    """How a socket shows that takes every address: of one family, or of both."""
    both = any(family == 6 for family, _ in call.machine.network.arp_addresses())
    return "*" if both else "0.0.0.0"


def _shown(address: tuple[int, int] | None, anywhere: str) -> tuple[str, str]:
    """A listener's own address, and that of the peers that it waits for."""
    if address is None:
        return anywhere, anywhere
    text = address_text(*address)
    return (f"[{text}]", "[::]") if address[0] == 6 else (text, "0.0.0.0")


def _families_at(address: tuple[int, int] | None, anywhere: str) -> set[int]:
    """What -4 or -6 must allow: a socket for both families is one of IPv6."""
    if address is None:
        return {6} if anywhere == "*" else {4}
    return {address[0]}


def _families(flags: str) -> set[int]:
    return {int(letter) for letter in flags if letter in "46"} or {4, 6}


def _wanted(protocol: str, flags: str) -> bool:
    return not set(flags) & {"t", "u"} or protocol[0] in flags
