"""A shell that somebody uses: lines in, output out, until `exit`. Models `minikube ssh`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

from minikube_sim.process import Interrupted
from minikube_sim.shell.call import Result
from minikube_sim.shell.commands import COMMANDS
from minikube_sim.shell.interpreter import Interpreter
from minikube_sim.shell.redirection import Input, Streams
from minikube_sim.shell.state import ShellExit, State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from minikube_sim.shell.context import Machine

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
                     "PWD": home, "TERM": "xterm", **machine.env}
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

    async def run(self, line: str, stdin: bytes = b"", out: bytearray | None = None,
                  err: bytearray | None = None) -> Result:
        """Run one line; what it wrote and its exit code. After `exit` the session is closed.

        `out` and `err`: where it writes, when somebody looks on.
        """
        streams = Streams(Input(stdin), bytearray() if out is None else out,
                          bytearray() if err is None else err)
        try:
            code = await self._interpreter.script(line, streams)
        except ShellExit as end:
            self.closed = True
            code = end.code
        except Interrupted as signal:
            code = 128 + signal.signal
        self.exit_code = code
        return Result(code, bytes(streams.out), bytes(streams.err))


class Output(bytearray):
    """A stream whose lines are handed on as they come, for programs that run long."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self._write = write

    def __iadd__(self, data: Any) -> Self:  # type: ignore[misc]
        """Take bytes; every line that is whole is handed on."""
        super().__iadd__(data)
        whole = self.rfind(b"\n") + 1
        if whole:
            text = bytes(self[:whole]).decode("utf-8", "replace")
            del self[:whole]
            for line in text.splitlines():
                self._write(line)
        return self

    def flush(self) -> None:
        """Hand on a last line that did not end."""
        if self:
            self._write(bytes(self).decode("utf-8", "replace"))
            self.clear()


def is_command(word: str) -> bool:
    """Whether the simulated shell has a program of that name (or path)."""
    return word.rpartition("/")[2] in COMMANDS


async def run_command(machine: Machine, words: Sequence[str], stdin: bytes = b"") -> Result:
    """Run a program with its arguments, as exec does: no shell reads the words."""
    out, err = bytearray(), bytearray()
    code = await _execute(machine, words, Streams(Input(stdin), out, err))
    return Result(code, bytes(out), bytes(err))


async def run_streaming(machine: Machine, words: Sequence[str], out: bytearray,
                        err: bytearray) -> int:
    """The same, with output handed on as it comes; the exit code."""
    return await _execute(machine, words, Streams(Input(), out, err))


async def run_attached(machine: Machine, words: Sequence[str], stdin: Input,
                       streams: tuple[bytearray, bytearray]) -> int:
    """The same, with somebody at stdin and streams that hand on what comes."""
    return await _execute(machine, words, Streams(stdin, *streams))


async def _execute(machine: Machine, words: Sequence[str], streams: Streams) -> int:
    state = State(dict(machine.env), machine.cwd, name="sh", exported=set(machine.env))
    try:
        return await Interpreter(machine, state).execute(words, streams)
    except ShellExit as end:
        return end.code
