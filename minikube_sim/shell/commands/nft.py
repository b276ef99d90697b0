"""nft, on the node's own tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.kubeproxy.node_proxy import nftables_of
from netsim.nft.command import run

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call


async def nft(call: Call) -> int:
    """List or change tables, chains, rules and sets."""
    if not call.machine.is_node:
        return call.complain(f"{call.state.name}: nft: command not found", 127)

    typed = await call.text() if "-" in call.args else ""

    def read_file(name: str) -> str | None:
        if name == "-":
            return typed
        return call.machine.files.get(call.state.path(name))

    ruleset = nftables_of(call.machine.network)
    result = run(ruleset, call.args, now=call.machine.now(), read_file=read_file)
    call.print(result.stdout, end="")
    call.err += result.stderr.encode()
    return result.exit_code
