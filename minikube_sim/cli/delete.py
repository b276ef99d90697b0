"""`minikube-sim delete`: the server, its state and its kubeconfig entries go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from minikube_sim import kubeconfig
from minikube_sim.cli.console import fail, step
from minikube_sim.cli.options import DEFAULT_PROFILE, ProfileFlag, profile_named
from minikube_sim.cli.stop import end
from minikube_sim.profile import Profile, ProfileError, profiles


def delete(
    profile: ProfileFlag = DEFAULT_PROFILE,
    everything: Annotated[bool, typer.Option("--all", help="Every profile.")] = False,
) -> None:
    """Delete a cluster with all its state."""
    for chosen in profiles() if everything else [profile_named(profile)]:
        _delete(chosen)


def _delete(profile: Profile) -> None:
    if not profile.directory.exists():
        step(f'There is no cluster "{profile.name}": nothing to do.')
        return
    running = profile.running()
    if running is not None:
        end(profile, running)
    try:
        merged = profile.options().kubeconfig
    except ProfileError:
        merged = ""
    try:
        if merged:
            kubeconfig.remove(Path(merged), profile.name)
    except kubeconfig.KubeconfigError as error:
        fail(str(error))
    profile.remove()
    step(f'Removed all traces of the "{profile.name}" cluster.')
