"""`minikube-sim why SERVICE`: what keeps a Service from answering, and the fix."""

from __future__ import annotations

from typing import Annotated

import typer

from minikube_sim.cli.console import emit_json, plain
from minikube_sim.cli.options import (
    DEFAULT_PROFILE,
    NamespaceFlag,
    OutputFlag,
    ProfileFlag,
    check_output,
    running_profile,
)
from minikube_sim.cli.remote import Remote


def why(
    service: Annotated[str, typer.Argument(help="The Service.")],
    profile: ProfileFlag = DEFAULT_PROFILE,
    namespace: NamespaceFlag = "default",
    source: Annotated[str, typer.Option(
        "--from", help="Who asks: pod/NAME, node/NAME or outside; else the first node.")] = "",
    output: OutputFlag = "text",
) -> None:
    """Say what keeps a Service from answering; exit code 0 only when it answers."""
    as_json = check_output(output)
    remote = Remote(*running_profile(profile))
    answer = remote.call("POST", "/explain/why",
                         {"service": service, "namespace": namespace, "source": source})
    if as_json:
        emit_json(answer["data"])
    else:
        plain(answer["text"])
    if not answer["data"]["answers"]:
        raise typer.Exit(1)
