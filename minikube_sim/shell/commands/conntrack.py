"""conntrack, on the node's own table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.conntrack.command import run

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call


async def conntrack(call: Call) -> int:
    """List, count or delete tracked connections."""
    if not call.machine.is_node:
        return call.complain(f"{call.state.name}: conntrack: command not found", 127)
    result = run(call.machine.network.conntrack, call.args)
    call.print(result.stdout, end="")
    call.err += result.stderr.encode()
    return result.exit_code
