"""Clients that people use, against a server in a process of its own: TLS, certificates, port 0."""

from __future__ import annotations

import contextlib
import gc
import warnings

import pytest

from tests.kubectl.conftest import Computer


@contextlib.contextmanager
def running(folder, options=""):
    """A computer with a running cluster; `.kubeconfig` leads to it."""
    made = Computer(folder, "kubectl")
    made.sim(f"start --storage memory {options}")
    try:
        yield made
    finally:
        made.run("minikube-sim", "delete", "--all")
        with warnings.catch_warnings():  # sockets that the clients themselves leave open
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A running cluster, once for each test file."""
    with running(tmp_path_factory.mktemp("computer")) as made:
        yield made
