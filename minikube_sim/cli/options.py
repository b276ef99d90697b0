"""Flags that several commands share."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from minikube_sim.cli.console import USAGE, fail
from minikube_sim.complaints import shown
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


def number(flag: str, text: str, kind: type[int | float], *, at_least: int = 0) -> float:
    """The value of a flag; ends the command with one line on anything else."""
    what = "a whole number" if kind is int else "a number"
    try:
        value = kind(text)
    except ValueError:
        value = -1
    if not at_least <= value < math.inf:
        fail(f"--{flag} {shown(text)}: must be {what}, at least {at_least}", USAGE)
    return value


def check_output(output: str) -> bool:
    """True for json; ends the command with one line on anything but text and json."""
    if output not in ("text", "json"):
        fail(f"--output {output}: must be text or json", USAGE)
    return output == "json"
