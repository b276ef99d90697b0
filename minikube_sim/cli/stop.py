"""`minikube-sim stop`: ends the server; state stays (with --storage sqlite)."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import filelock

from minikube_sim.cli.console import CommandError, step
from minikube_sim.cli.options import DEFAULT_PROFILE, ProfileFlag, profile_named
from minikube_sim.cli.remote import Remote
from minikube_sim.profile import ProfileError

if TYPE_CHECKING:
    from minikube_sim.profile import Profile, Running

_PATIENCE = 10.0


def stop(profile: ProfileFlag = DEFAULT_PROFILE) -> None:
    """Stop a running cluster; `start` brings it back as it was."""
    chosen = profile_named(profile)
    with chosen.changing():
        running = chosen.running()
        if running is None:
            chosen.retire()
            step(f'The cluster "{profile}" is not running: nothing to do.')
            return
        end(chosen, running)
    step(f'Stopped the cluster "{profile}".')


def end(profile: Profile, running: Running) -> None:
    """Ask the server to end and wait until it has; a server that does not listen is killed."""
    try:
        Remote(profile, running).call("POST", "/shutdown")
    except (CommandError, ProfileError, OSError):
        _kill(running.pid)
    try:
        with profile.lock().acquire(timeout=_PATIENCE):
            pass
    except filelock.Timeout:
        _kill(running.pid)
        with profile.lock().acquire(timeout=_PATIENCE):
            pass
    profile.retire()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    except ProcessLookupError:
        return
