"""What a command is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from minikube_sim.process import pause

if TYPE_CHECKING:
    from minikube_sim.shell.context import Machine
    from minikube_sim.shell.redirection import Input, Streams
    from minikube_sim.shell.state import State


def lines_of(text: str) -> list[str]:
    """Lines as the programs of Unix see them: only newlines end them (HTTP's heads have more)."""
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


@dataclass(frozen=True, slots=True)
class Result:
    """What a line or a command did."""

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""


@dataclass(slots=True, kw_only=True)
class Call:
    """One run of a command: `args` are the words after its name; it writes to `out` and `err`."""

    name: str
    args: Sequence[str]
    input: Input
    machine: Machine
    state: State
    run_words: Callable[[Sequence[str], Streams], Awaitable[int]]
    """Run another command with streams of its own."""
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)

    async def stdin(self) -> bytes:
        """All of stdin that nobody has read yet; reads it."""
        return await self.input.read()

    async def text(self) -> str:
        """The same as text."""
        return (await self.input.read()).decode("utf-8", "replace")

    async def run(self, words: Sequence[str], stdin: Input | None = None) -> int:
        """Run another command in this one's place (sudo, timeout, xargs, env); its exit code."""
        from minikube_sim.shell.redirection import Streams

        return await self.run_words(
            words, Streams(self.input if stdin is None else stdin, self.out, self.err))

    def print(self, text: str = "", end: str = "\n") -> None:
        """Write to stdout."""
        self.out += (text + end).encode()

    def complain(self, text: str, code: int = 1) -> int:
        """Write a line to stderr; the exit code to return."""
        self.err += (text + "\n").encode()
        return code

    async def sleep(self, seconds: float) -> None:
        """Wait on the cluster clock. Raises Interrupted when a signal comes."""
        await pause(self.machine.now() + seconds)

    async def lines(self) -> list[str]:
        """stdin as lines."""
        return lines_of(await self.text())


Command = Callable[[Call], Awaitable[int]]
"""A command: its exit code."""
