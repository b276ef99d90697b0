"""`minikube-sim service NAME`: a URL on this computer that leads to a Service's node port."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.box import ASCII2
from rich.table import Table

from minikube_sim.cli.console import emit_json, plain, show
from minikube_sim.cli.options import (
    DEFAULT_PROFILE,
    OutputFlag,
    ProfileFlag,
    check_output,
    running_profile,
)
from minikube_sim.cli.remote import Remote


def service(
    name: Annotated[str, typer.Argument(help="The Service.")],
    profile: ProfileFlag = DEFAULT_PROFILE,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Its namespace.")] = "default",
    url: Annotated[bool, typer.Option("--url", help="Print only the URL.")] = False,
    output: OutputFlag = "text",
) -> None:
    """Open a way from this computer to a Service with a node port, and print its URL."""
    as_json = check_output(output)
    remote = Remote(*running_profile(profile))
    ports = remote.call("POST", f"/services/{namespace}/{name}")["ports"]
    if as_json:
        emit_json(ports)
    elif url:
        plain("\n".join(port["url"] for port in ports))
    else:
        show(_table(namespace, name, ports))


def _table(namespace: str, name: str, ports: list[dict[str, str]]) -> Table:
    table = Table("NAMESPACE", "NAME", "TARGET PORT", "IN THE CLUSTER", "ON THIS COMPUTER",
                  box=ASCII2)
    for port in ports:
        table.add_row(namespace, name, port["target"], port["node_url"], port["url"])
    return table
