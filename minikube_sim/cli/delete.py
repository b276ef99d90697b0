"""`minikube-sim delete`: the server, its state and its kubeconfig entries go."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from minikube_sim import kubeconfig
from minikube_sim.cli.console import fail, step
from minikube_sim.cli.options import DEFAULT_PROFILE, ProfileFlag, profile_named
from minikube_sim.cli.stop import end
from minikube_sim.profile import Profile, ProfileError, profiles

_TRIES = 20
_PAUSE_SECONDS = 0.1


def delete(
    profile: ProfileFlag = DEFAULT_PROFILE,
    everything: Annotated[bool, typer.Option("--all", help="Every profile.")] = False,
) -> None:
    """Delete a cluster with all its state."""
    for chosen in profiles() if everything else [profile_named(profile)]:
        with chosen.changing():
            _delete(chosen)


def _delete(profile: Profile) -> None:
    if not profile.directory.exists():
        step(f'There is no cluster "{profile.name}": nothing to do.')
        return
    running = profile.running()
    if running is not None:
        end(profile, running)
    problems = _forget_contexts(profile)
    _remove(profile)
    if problems:
        fail("; ".join(problems))
    step(f'Removed all traces of the "{profile.name}" cluster.')


def _forget_contexts(profile: Profile) -> list[str]:
    """Take our entries out of the kubeconfigs; what could not be done."""
    try:
        places = [Path(place) for place in profile.options().kubeconfigs]
    except ProfileError:  # its options are broken: look where a start would write now
        places = kubeconfig.listed()
    problems = []
    for place in places:
        try:
            kubeconfig.remove(place, profile.name)
        except kubeconfig.KubeconfigError as error:
            problems.append(str(error))
    return problems


def _remove(profile: Profile) -> None:
    """Where files that a process has open cannot be deleted, wait until it has ended."""
    for _ in range(_TRIES):
        try:
            return profile.remove()
        except ProfileError:
            time.sleep(_PAUSE_SECONDS)
    profile.remove()
