"""`minikube-sim ip`: the node's address in the simulated network."""

from __future__ import annotations

from typing import Annotated

import typer

from minikube_sim.cli.console import fail, plain
from minikube_sim.cli.options import DEFAULT_PROFILE, ProfileFlag, running_profile


def ip(
    profile: ProfileFlag = DEFAULT_PROFILE,
    node: Annotated[str, typer.Option("--node", "-n", help="Which node.")] = "",
) -> None:
    """Print a node's IP address; with two families the one that it prefers."""
    options = running_profile(profile)[0].options().cluster
    addresses = dict(zip(options.node_names(), options.node_addresses(), strict=True))
    wanted = node or options.node_names()[0]
    if wanted not in addresses:
        fail(f"there is no node {wanted!r}; there are: {', '.join(addresses)}")
    plain(addresses[wanted][0])
