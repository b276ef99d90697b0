"""`minikube-sim status`: what runs, in minikube's form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from minikube_sim import kubeconfig
from minikube_sim.cli.console import CommandError, emit_json, fail, plain
from minikube_sim.cli.options import (
    DEFAULT_PROFILE,
    OutputFlag,
    ProfileFlag,
    check_output,
    profile_named,
)
from minikube_sim.cli.remote import Remote

if TYPE_CHECKING:
    from minikube_sim.profile import Profile

_NOT_RUNNING = 7
"""minikube's exit code: host, kubelet and API server are all down (1 + 2 + 4)."""


def status(profile: ProfileFlag = DEFAULT_PROFILE, output: OutputFlag = "text") -> None:
    """Show whether the cluster runs; exit code 0 when all of it does."""
    as_json = check_output(output)
    chosen = profile_named(profile)
    if not chosen.exists:
        fail(f'there is no cluster "{profile}"; make one with: minikube-sim start -p {profile}', 85)
    report = _report(chosen)
    if as_json:
        emit_json(report)
    else:
        plain("\n\n".join(_text(node) for node in report["nodes"]) + "\n", end="")
    if report["apiserver"] != "Running":
        raise typer.Exit(_NOT_RUNNING)


def _report(profile: Profile) -> dict[str, Any]:
    running = profile.running()
    options = profile.options()
    state = "Stopped"
    configured = _configured(options.kubeconfig, profile.name, running.url if running else "")
    nodes: dict[str, str] = dict.fromkeys(options.cluster.node_names(), "Stopped")
    if running is not None:
        try:
            nodes = Remote(profile, running).call("GET", "/status")["nodes"]
            state = "Running"
        except CommandError:
            state = "Unresponsive"
    return {
        "name": profile.name,
        "apiserver": state,
        "url": running.url if running else "",
        "pid": running.pid if running else 0,
        "kubernetesVersion": options.cluster.kubernetes_version,
        "kubeconfig": configured,
        "storage": options.storage,
        "nodes": [_node(name, kubelet, state, configured, index) for index, (name, kubelet)
                  in enumerate(nodes.items())],
    }


def _configured(place: str, name: str, url: str) -> str:
    """Whether the context in the kubeconfig leads here: minikube's words."""
    try:
        server = kubeconfig.server(Path(place), name)
    except kubeconfig.KubeconfigError:
        server = ""
    return "Configured" if server and url in ("", server) else "Misconfigured"


def _node(name: str, kubelet: str, apiserver: str, kubeconfig: str,
          index: int) -> dict[str, str]:
    row = {"name": name, "type": "Control Plane" if index == 0 else "Worker",
           "host": "Running" if apiserver == "Running" else "Stopped", "kubelet": kubelet}
    return row | {"apiserver": apiserver, "kubeconfig": kubeconfig} if index == 0 else row


def _text(node: dict[str, str]) -> str:
    rows = [f"{key}: {value}" for key, value in node.items() if key != "name"]
    return "\n".join([node["name"], *rows])
