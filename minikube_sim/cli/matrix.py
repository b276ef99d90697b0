"""`minikube-sim matrix`: every Pod, node and outside x every Service and port."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from minikube_sim.cli.console import USAGE, fail, plain
from minikube_sim.cli.options import DEFAULT_PROFILE, ProfileFlag, running_profile
from minikube_sim.cli.remote import Remote

_FORMS = ("table", "csv", "json")


def matrix(
    profile: ProfileFlag = DEFAULT_PROFILE,
    services: Annotated[bool, typer.Option("--services", help="Only Services as targets.")] = False,
    pods: Annotated[bool, typer.Option("--pods", help="Only the Pods' own ports.")] = False,
    namespace: Annotated[str, typer.Option("--namespace", "-n",
                                           help="Only this namespace; else all.")] = "",
    output: Annotated[str, typer.Option("--output", "-o", help="table, csv or json.",
                                        metavar="table|csv|json")] = "table",
) -> None:
    """Show who reaches what: answered by whom, refused or dropped."""
    if output not in _FORMS:
        fail(f"--output {output}: must be {', '.join(_FORMS[:-1])} or {_FORMS[-1]}", USAGE)
    remote = Remote(*running_profile(profile))
    answer = remote.call("POST", "/explain/matrix", {
        "namespace": namespace, "services": services or not pods, "pods": pods})
    forms = {"table": answer["text"], "csv": answer["csv"].rstrip("\n"),
             "json": json.dumps(answer["data"], indent=2)}
    plain(forms[output])
