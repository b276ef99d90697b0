"""Flags that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from minikube_sim.cli.console import fail
from minikube_sim.profile import DEFAULT, Profile, ProfileError, Running

PROFILE_VARIABLE = "MINIKUBE_SIM_PROFILE"
ProfileFlag = Annotated[
    str, typer.Option("--profile", "-p", envvar=PROFILE_VARIABLE, help="Which cluster.")]
OutputFlag = Annotated[
    str, typer.Option("--output", "-o", help="text or json.", metavar="text|json")]
NamespaceFlag = Annotated[str, typer.Option("--namespace", "-n", help="Where names are looked up.")]
FromFlag = Annotated[str, typer.Option("--from", help="pod/NAME, node/NAME or outside.")]
ToFlag = Annotated[str, typer.Option(
    "--to", help="A URL (http, https, tcp, udp, icmp), or svc/NAME:PORT.")]

DEFAULT_PROFILE = DEFAULT


def profile_named(name: str) -> Profile:
    """The profile; a bad name ends the command with one line."""
    try:
        return Profile(name)
    except ProfileError as error:
        fail(str(error))


def running_profile(name: str) -> tuple[Profile, Running]:
    """A profile whose server runs; ends the command with one line when it does not."""
    profile = profile_named(name)
    running = profile.running()
    if running is None:
        start = "minikube-sim start" + ("" if name == DEFAULT else f" -p {name}")
        fail(f"the cluster {name!r} is not running; start it with: {start}", 85)
    return profile, running


def check_output(output: str) -> bool:
    """True for json; ends the command with one line on anything but text and json."""
    if output not in ("text", "json"):
        fail(f"--output {output}: must be text or json")
    return output == "json"
