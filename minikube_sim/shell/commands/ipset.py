"""ipset, on the node's own sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.ipset.command import IpsetError
from netsim.ipset.command import ipset as run

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call


async def ipset(call: Call) -> int:
    """Make, fill, list and destroy sets."""
    if not call.machine.is_node:
        return call.complain(f"{call.state.name}: ipset: command not found", 127)
    network = call.machine.network
    typed = await call.text() if call.args and call.args[0] in ("restore", "-R") else ""
    try:
        printed = run(network.ipsets, call.args, now=call.machine.now(), stdin=typed)
    except IpsetError as problem:
        about_elements = call.args[:1] == ["test"] and "is NOT in set" in str(problem)
        return call.complain(str(problem) if about_elements else f"ipset v7.17: {problem}")
    network.rules_changed()
    if call.args[:1] == ["test"]:
        return call.complain(f"Warning: {printed.rstrip()}", 0)
    call.print(printed, end="")
    return 0
