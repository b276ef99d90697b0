"""dmesg and sysctl: the log and the settings of a node's kernel."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from minikube_sim.shell.commands.options import BadUsage, parse
from netsim import sysctl as settings

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call


async def dmesg(call: Call) -> int:
    """What rules with -j LOG have logged: `dmesg [-T] [-t] [-C|-c]`."""
    try:
        options, _ = parse("dmesg", call.args, "TtCcHwk", ("ctime", "notime", "clear", "follow"))
    except BadUsage as error:
        return call.complain(str(error))
    network = call.machine.network
    if not options.keys() & {"-C", "--clear"}:
        for time, line in zip(network.log_times, network.kernel_log, strict=True):
            call.print(_stamp(call, time, options) + line)
    if options.keys() & {"-C", "--clear", "-c"}:
        network.kernel_log.clear()
        network.log_times.clear()
    return 0


def _stamp(call: Call, time: float, options: dict[str, str]) -> str:
    if options.keys() & {"-t", "--notime"}:
        return ""
    if options.keys() & {"-T", "--ctime"}:
        return f"[{datetime.fromtimestamp(time, UTC):%a %b %e %H:%M:%S %Y}] "
    return f"[{time - call.machine.booted:12.6f}] "


async def sysctl(call: Call) -> int:
    """`sysctl [-n] NAME`, `sysctl -w NAME=VALUE`, `sysctl -a`: the settings that have an effect."""
    try:
        options, words = parse("sysctl", call.args, "wanqe", ("write", "all", "values"))
    except BadUsage as error:
        return call.complain(str(error))
    network = call.machine.network
    if options.keys() & {"-a", "--all"}:
        words = settings.names(network)
    code = 0
    for word in words:
        name, equals, value = word.partition("=")
        try:
            if equals:
                settings.write(network, name.strip(), value.strip())
            shown = settings.read(network, name.strip())
        except KeyError:
            code = call.complain(f"sysctl: cannot stat /proc/sys/{name.replace('.', '/')}: "
                                 "No such file or directory", 255)
        except ValueError:
            code = call.complain(f'sysctl: setting key "{name}": Invalid argument', 255)
        else:
            call.print(shown if options.keys() & {"-n", "--values"} else f"{name} = {shown}")
    return code
