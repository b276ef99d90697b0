"""@kubernetes/client-node: objects, a watch, exec and logs, in node."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
_SCRIPT = Path(__file__).parent / "client.mjs"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the package is installed; skips where it cannot be had."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("there is no node")
    made = tmp_path_factory.mktemp("node")
    shutil.copy(_SCRIPT, made)
    try:
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefer-offline",
                        "--fetch-retries=0", "@kubernetes/client-node@1"], cwd=made, check=True,
                       timeout=60, capture_output=True)
    except (subprocess.SubprocessError, OSError):
        pytest.skip("npm cannot install @kubernetes/client-node")
    return made


def test_the_node_client_works(server, folder):
    done = subprocess.run(["node", _SCRIPT.name], cwd=folder, text=True, capture_output=True,
                          timeout=60, check=False,
                          env=os.environ | {"KUBECONFIG": str(server.kubeconfig)})
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-1] == [
        "created 1", "patched 2", "watched ADDED n", "deleted Success", "missing 404",
        "exec out", "status Success", "log true"]
