"""`minikube-sim trace`: what happens to a flow's packets, hook by hook and rule by rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from minikube_sim.cli.console import USAGE, fail, plain
from minikube_sim.cli.options import (
    DEFAULT_PROFILE,
    FromFlag,
    NamespaceFlag,
    ProfileFlag,
    ToFlag,
    running_profile,
)
from minikube_sim.cli.remote import Remote

_FORMS = ("text", "json", "svg")


def trace(
    source: FromFlag, target: ToFlag,
    profile: ProfileFlag = DEFAULT_PROFILE,
    namespace: NamespaceFlag = "default",
    output: Annotated[str, typer.Option("--output", "-o", help="text, json or svg.",
                                        metavar="text|json|svg")] = "text",
    output_file: Annotated[Path | None, typer.Option(
        "--output-file", help="Write there instead of to the terminal.")] = None,
) -> None:
    """Send a flow's first packets and show all that they met; exit code 0 when it is answered."""
    if output not in _FORMS:
        fail(f"--output {output}: must be {', '.join(_FORMS[:-1])} or {_FORMS[-1]}", USAGE)
    remote = Remote(*running_profile(profile))
    answer = remote.call("POST", "/explain/trace",
                         {"source": source, "target": target, "namespace": namespace})
    write_text(_text(answer, output), output_file)
    if answer["data"]["result"] != "answered":
        raise typer.Exit(1)


def _text(answer: dict[str, Any], output: str) -> str:
    return json.dumps(answer["data"], indent=2) if output == "json" else str(answer[output])


def write_text(text: str, path: Path | None) -> None:
    """To a file, or to the terminal. Ends the command if the file cannot be written."""
    if path is None:
        plain(text.rstrip("\n"))
        return
    try:
        path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    except OSError as error:
        fail(f"--output-file {path}: {error.strerror}")
