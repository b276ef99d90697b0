"""`minikube-sim profile list`: the clusters on this computer."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.box import ASCII2
from rich.table import Table

from minikube_sim.cli.console import USAGE, emit_json, fail, plain, show
from minikube_sim.cli.options import OutputFlag, check_output
from minikube_sim.profile import profiles, summary


def profile(
    action: Annotated[str, typer.Argument(metavar="list")] = "list",
    output: OutputFlag = "text",
) -> None:
    """List the clusters on this computer."""
    if action != "list":
        fail(f"unknown action {action!r}: must be list", USAGE)
    as_json = check_output(output)
    rows = [summary(p) for p in profiles() if p.exists]
    if as_json:
        emit_json(rows)
        return
    if not rows:
        plain("No clusters yet: minikube-sim start makes one.")
        return
    table = Table("PROFILE", "STATUS", "VERSION", "NODES", "SERVER", box=ASCII2)
    for row in rows:
        table.add_row(row["name"], row["status"], row["kubernetesVersion"], str(row["nodes"]),
                      row["url"])
    show(table)
    for row in rows:
        if problem := row.get("problem"):
            plain(problem)
