"""A shell that somebody uses: lines in, output out, until `exit`. Models `minikube ssh`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from minikube_sim.process import Interrupted
from minikube_sim.shell.call import Result
from minikube_sim.shell.interpreter import Ended, Interpreter
from minikube_sim.shell.state import State

if TYPE_CHECKING:
    from minikube_sim.shell.machine import Machine

BANNER: Final = r"""                         _             _
            _         _ ( )           ( )
  ___ ___  (_)  ___  (_)| |/')  _   _ | |_      __
/' _ ` _ `\| |/' _ `\| || , <  ( ) ( )| '_`\  /'__`\
| ( ) ( ) || || ( ) || || |\`\ | (_) || |_) )(  ___/
(_) (_) (_)(_)(_) (_)(_)(_) (_)`\___/'(_,__/'`\____)
"""
_HOMES: Final = {"root": "/root"}


class Session:
    """One shell on one machine."""

    banner = BANNER

    def __init__(self, machine: Machine) -> None:
        home = _HOMES.get(machine.user, f"/home/{machine.user}")
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        variables = {"HOME": home, "USER": machine.user, "PATH": path, "SHELL": "/bin/bash",
                     "PWD": home, "TERM": "xterm", **machine.environment}
        self.machine = machine
        self.state = State(variables, home, exported=set(variables))
        self.closed = False
        self.exit_code = 0
        self._interpreter = Interpreter(machine, self.state)

    @property
    def prompt(self) -> str:
        """`docker@minikube:~$ `, or root's `# `."""
        home = self.state.variables.get("HOME", "")
        where = self.state.directory
        if where == home or where.startswith(home + "/"):
            where = "~" + where[len(home):]
        sign = "#" if self.machine.user == "root" else "$"
        return f"{self.machine.user}@{self.machine.hostname}:{where}{sign} "

    async def run(self, line: str, stdin: bytes = b"") -> Result:
        """Run one line; what it wrote and its exit code. After `exit` the session is closed."""
        try:
            result = await self._interpreter.run(line, stdin)
        except Ended as end:
            self.closed = True
            result = end.result
        except Interrupted as signal:
            result = Result(128 + signal.signal)
        self.exit_code = result.exit_code
        return result
