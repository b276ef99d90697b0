"""`minikube-sim ssh`: a shell on a simulated node."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated, Any

import typer

from minikube_sim.cli.console import plain
from minikube_sim.cli.options import DEFAULT_PROFILE, ProfileFlag, running_profile
from minikube_sim.cli.remote import Remote

_INTERRUPTED = 130
_MORE = "> "
"""bash's second prompt."""


def ssh(
    context: typer.Context,
    command: Annotated[list[str] | None, typer.Argument(metavar="[-- COMMAND...]")] = None,
    profile: ProfileFlag = DEFAULT_PROFILE,
    node: Annotated[str, typer.Option("--node", "-n", help="Which node.")] = "",
) -> None:
    """Open a shell on a node, or run one command there."""
    remote = Remote(*running_profile(profile))
    words = [*(command or []), *context.args]
    session = remote.call("POST", "/shells", {"node": node, "login": not words})
    if words:
        raise typer.Exit(_run(remote, session["id"], _line(words), _stdin())["exit_code"])
    raise typer.Exit(_interact(remote, session))


def _line(words: list[str]) -> str:
    """As ssh does: one word is a line for the shell, several are joined (quoted where needed)."""
    return words[0] if len(words) == 1 else shlex.join(words)


def _stdin() -> str:
    return "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()


def _run(remote: Remote, session: str, line: str, stdin: str, *,
         more: bool = False) -> dict[str, Any]:
    """Run a line, showing what it writes as it comes; how it ended, with the next prompt."""
    end: dict[str, Any] = {}
    for end in remote.lines(f"/shells/{session}", {"line": line, "stdin": stdin, "more": more}):
        for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
            if name in end:
                stream.write(end[name])
                stream.flush()
    return end


def _interact(remote: Remote, session: dict[str, Any]) -> int:
    """Read lines until `exit` or the end of input; the exit code of the last command."""
    interactive = sys.stdin.isatty()
    if interactive:
        plain(session["banner"])
        _load_readline()
    text = ""
    while not session.get("closed"):
        try:
            line, last = _line_typed((_MORE if text else session["prompt"]) if interactive else "")
            if last and not text:
                break
            text += line + "\n"
            end = _run(remote, session["id"], text, "", more=not last)
            if end.get("whole", True):
                session, text = {**session, **end}, ""
        except KeyboardInterrupt:  # it ends the line, not the shell
            plain("^C" if interactive else "")
            session, text = {**session, "exit_code": _INTERRUPTED}, ""
    return int(session.get("exit_code", 0))


def _line_typed(prompt: str) -> tuple[str, bool]:
    """A line, and whether it is the end of all."""
    try:
        return input(prompt), False
    except EOFError:
        return "", True


def _load_readline() -> None:
    """Line editing and history, where the platform has them."""
    try:
        import readline  # noqa: F401
    except ImportError:
        return
