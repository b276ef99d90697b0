"""`minikube-sim ssh`: a shell on a simulated node."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated, Any

import typer

from minikube_sim.cli.console import plain
from minikube_sim.cli.options import DEFAULT_PROFILE, ProfileFlag, running_profile
from minikube_sim.cli.remote import Remote


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
        raise typer.Exit(_run(remote, session["id"], _line(words), _stdin()))
    raise typer.Exit(_interact(remote, session))


def _line(words: list[str]) -> str:
    """As ssh does: one word is a line for the shell, several are joined (quoted where needed)."""
    return words[0] if len(words) == 1 else shlex.join(words)


def _stdin() -> str:
    return "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()


def _run(remote: Remote, session: str, line: str, stdin: str) -> int:
    answer: dict[str, Any] = remote.call("POST", f"/shells/{session}",
                                         {"line": line, "stdin": stdin})
    plain(answer["stdout"], end="")
    sys.stdout.flush()
    sys.stderr.write(answer["stderr"])
    return int(answer["exit_code"])


def _interact(remote: Remote, session: dict[str, Any]) -> int:
    """Read lines until `exit` or the end of input; the exit code of the last command."""
    interactive = sys.stdin.isatty()
    if interactive:
        plain(session["banner"])
        _load_readline()
    prompt = session["prompt"]
    while True:
        try:
            line = input(prompt if interactive else "")
        except EOFError:
            return int(session.get("exit_code", 0))
        except KeyboardInterrupt:
            plain("^C")
            continue
        session = {**session, **remote.call("POST", f"/shells/{session['id']}",
                                            {"line": line, "stdin": ""})}
        plain(session["stdout"], end="")
        sys.stdout.flush()
        sys.stderr.write(session["stderr"])
        prompt = session["prompt"]
        if session["closed"]:
            return int(session["exit_code"])


def _load_readline() -> None:
    """Line editing and history, where the platform has them."""
    try:
        import readline  # noqa: F401
    except ImportError:
        return
