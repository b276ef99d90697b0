"""iptables, iptables-save, iptables-restore and their IPv6 twins, on the node's own rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from netsim.kubeproxy.node_proxy import iptables_of
from netsim.kubeproxy.values import Family
from netsim.netfilter import cli

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call
    from netsim.netfilter.ruleset import Ruleset


async def iptables(call: Call) -> int:
    """Change or list rules."""
    if not call.machine.is_node:
        return _missing(call)
    return _finish(call, cli.iptables(_ruleset(call), call.args))


async def iptables_save(call: Call) -> int:
    """Print all rules."""
    if not call.machine.is_node:
        return _missing(call)
    now = datetime.fromtimestamp(call.machine.now(), UTC).strftime("%a %b %e %H:%M:%S %Y")
    return _finish(call, cli.iptables_save(_ruleset(call), call.args, now))


async def iptables_restore(call: Call) -> int:
    """Read rules from stdin or a file."""
    if not call.machine.is_node:
        return _missing(call)
    args = list(call.args)
    if args and not args[-1].startswith("-") and call.state.path(args[-1]) in call.machine.files:
        text = call.machine.files[call.state.path(args.pop())]
    else:
        text = await call.text()
    return _finish(call, cli.iptables_restore(_ruleset(call), args, text))


def _ruleset(call: Call) -> Ruleset:
    family = Family.IPV6 if call.name.startswith("ip6") else Family.IPV4
    return iptables_of(call.machine.network, family)


def _finish(call: Call, result: cli.Result) -> int:
    call.print(result.stdout, end="")
    call.err += result.stderr.encode()
    return result.code


def _missing(call: Call) -> int:
    return call.complain(f"{call.state.name}: {call.name}: command not found", 127)
