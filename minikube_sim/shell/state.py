"""What a shell remembers between lines: variables, functions, the directory, how it ended."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from minikube_sim.process import Process


class ShellExit(Exception):
    """`exit`: the shell ends with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Abandoned(Exception):
    """What ends the whole line, not just a command: `set -u`, `${name:?word}`."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class LoopControl(Exception):
    """`break` and `continue` on their way to the loop that they mean."""

    def __init__(self, name: str, levels: int) -> None:
        super().__init__(name)
        self.name = name
        self.levels = levels


class Return(Exception):
    """`return` on its way to the end of the function."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Job:
    """Something in the background."""

    number: int
    pid: int
    text: str
    process: Process | None = None
    exit_code: int | None = None
    """None: it still runs."""


@dataclass(slots=True)
class State:
    """The mutable part of a shell."""

    variables: dict[str, str]
    directory: str = "/"
    status: int = 0
    """`$?`"""
    arguments: tuple[str, ...] = ()
    """`$1`, `$2`, ..."""
    name: str = "bash"
    """`$0`, which error messages begin with."""
    functions: dict[str, Any] = field(default_factory=dict)
    """Parsed bodies by name."""
    exported: set[str] = field(default_factory=set)
    jobs: list[Job] = field(default_factory=list)
    """What `&` put into the background, by number."""
    arrays: dict[str, dict[str, str]] = field(default_factory=dict)
    """Values by index (as text, in order) or, of associative ones, by key."""
    associative: set[str] = field(default_factory=set)
    readonly: set[str] = field(default_factory=set)
    options: set[str] = field(default_factory=set)
    """`set -o`: errexit, nounset, xtrace, pipefail."""
    locals: dict[str, str | None] | None = None
    """What the variables of the running function hide; None outside of functions."""
    temporary: Mapping[str, str] = field(default_factory=dict)
    """Assignments in front of the running command."""

    def path(self, name: str) -> str:
        """An absolute path from one that may be relative to the directory or to home."""
        if name == "~" or name.startswith("~/"):
            name = self.variables.get("HOME", "/root") + name[1:]
        return posixpath.normpath(posixpath.join(self.directory, name))

    def child(self) -> State:
        """A subshell's copy: what it changes stays in it."""
        return State(dict(self.variables), self.directory, self.status, self.arguments, self.name,
                     dict(self.functions), set(self.exported),
                     arrays={name: dict(array) for name, array in self.arrays.items()},
                     associative=set(self.associative), readonly=set(self.readonly),
                     options=set(self.options))
