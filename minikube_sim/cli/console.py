"""How the commands speak: steps like minikube's, one-line errors, JSON for scripts.

Colour only on a terminal (rich sees to it, NO_COLOR included).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from rich.console import Console

if TYPE_CHECKING:
    from rich.table import Table

_WIDEST = 1000

USAGE = 64
"""The exit code of a bad value, as minikube has it."""

out = Console(highlight=False, soft_wrap=True)
err = Console(highlight=False, soft_wrap=True, stderr=True)


class CommandError(Exception):
    """A command that cannot be carried out: one line for people, and the exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def step(text: str) -> None:
    """A line of progress: `* Starting ...`."""
    out.print(f"[cyan]*[/cyan] {escape(text)}")


def plain(text: str, end: str = "\n") -> None:
    """Text as it is, without markup."""
    out.out(text, end=end, highlight=False)


def show(table: Table) -> None:
    """A table in its full width, however narrow the window: what is cut off cannot be copied."""
    wide = Console(highlight=False, width=_WIDEST)
    Console(highlight=False, width=wide.measure(table).maximum).print(table)


def emit_json(value: Any) -> None:
    """A JSON document, for scripts."""
    typer.echo(json.dumps(value, indent=2))


def escape(text: str) -> str:
    """Text that rich must not read as markup."""
    from rich.markup import escape as rich_escape

    return rich_escape(text)


def fail(message: str, code: int = 1) -> NoReturn:
    """End the command with one line on stderr. Raises CommandError."""
    raise CommandError(message, code)
