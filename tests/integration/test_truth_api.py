"""Every recorded answer of a real kube-apiserver, held against a running server of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.truth import TRUTH, needs_truth

ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 600

pytestmark = [
    pytest.mark.slow,
    pytest.mark.verified("kube-apiserver v1.36, shared/truth/api"),
    needs_truth,
]


@pytest.fixture
def kubeconfig(tmp_path):
    """A server as the recording had it: its controllers, no scheduler, no kubelet."""
    environment = os.environ | {"MINIKUBE_SIM_HOME": str(tmp_path / "home"),
                                "PYTHONPATH": str(ROOT), "KUBECONFIG": str(tmp_path / "config")}
    program = [sys.executable, "-m", "minikube_sim"]
    flags = ["--storage", "memory", "--kubernetes-version", "1.36",
             "--controllers", "*,-kube-scheduler,-kubelet,-kube-proxy"]
    subprocess.run([*program, "start", *flags], env=environment, check=True, capture_output=True)
    yield tmp_path / "config"
    subprocess.run([*program, "delete"], env=environment, check=True, capture_output=True)


def test_every_recorded_step_is_answered_as_recorded(kubeconfig):
    done = subprocess.run(
        [sys.executable, TRUTH / "truth.py", "check", TRUTH / "api", "--kubeconfig", kubeconfig],
        capture_output=True, text=True, timeout=_SECONDS, check=False)
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert failed == []
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
