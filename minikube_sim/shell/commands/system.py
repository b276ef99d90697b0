"""What a computer says of itself: hostname, uname, date, ps and their kin."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from controllers.node.nodestatus import KERNEL_VERSION

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call



async def hostname(call: Call) -> int:
    """The computer's name; -i: its address, -I: that of each family."""
    if "-I" in call.args or "--all-ip-addresses" in call.args:
        call.print(" ".join(call.machine.addresses))
    else:
        wants_address = "-i" in call.args or "--ip-address" in call.args
        call.print(call.machine.address if wants_address else call.machine.hostname)
    return 0


async def uname(call: Call) -> int:
    """The kernel, as SPEC names it."""
    parts = {"s": "Linux", "n": call.machine.hostname, "r": KERNEL_VERSION, "v": "#1 SMP",
             "m": "x86_64", "o": "GNU/Linux"}
    letters = "".join(a.lstrip("-") for a in call.args) or "s"
    if "a" in letters:
        letters = "snrvmo"
    call.print(" ".join(value for letter, value in parts.items() if letter in letters))
    return 0


async def whoami(call: Call) -> int:
    """The user's name."""
    call.print(call.machine.user)
    return 0


async def identity(call: Call) -> int:
    """`id`: the user and its groups."""
    name, number = (call.machine.user, 1000) if call.machine.user != "root" else ("root", 0)
    if "-u" in call.args:
        call.print(str(number))
    else:
        call.print(f"uid={number}({name}) gid={number}({name}) groups={number}({name})")
    return 0


async def date(call: Call) -> int:
    """The cluster's time, in UTC."""
    now = datetime.fromtimestamp(call.machine.now(), UTC)
    form = next((a[1:] for a in call.args if a.startswith("+")), None)
    if form is None:
        call.print(now.strftime("%a %b %e %H:%M:%S UTC %Y"))
    else:
        form = form.replace("%s", str(int(call.machine.now())))
        call.print(now.strftime(form.replace("%N", f"{now.microsecond:06d}000")))
    return 0


async def uptime(call: Call) -> int:
    """How long the computer runs."""
    spent = int(call.machine.now() - call.machine.booted)
    clock = datetime.fromtimestamp(call.machine.now(), UTC).strftime("%H:%M:%S")
    days, rest = divmod(spent, 86400)
    hours, minutes = divmod(rest // 60, 60)
    lasting = f"{hours}:{minutes:02d}" if hours else f"{minutes} min"
    if days:
        lasting = f"{days} day{'s' if days > 1 else ''}, {lasting}"
    call.print(f" {clock} up {lasting},  1 user,  load average: 0.00, 0.00, 0.00")
    return 0


async def ps(call: Call) -> int:
    """The processes."""
    wide = any(re.fullmatch(r"-?(aux|ef|e|ax)\w*", a) for a in call.args)
    call.print("USER         PID COMMAND" if wide else "    PID TTY          TIME CMD")
    for process in call.machine.processes():
        if wide:
            call.print(f"{process.user:<8} {process.pid:7d} {process.command}")
        else:
            name = process.command.split()[0].rpartition("/")[2]
            call.print(f"{process.pid:7d} ?        00:00:00 {name}")
    return 0


async def nproc(call: Call) -> int:
    """How many processors."""
    call.print("2")
    return 0


async def clear(call: Call) -> int:
    """Clear the screen."""
    call.print("\x1b[H\x1b[2J", end="")
    return 0
