"""ComponentStatuses: whether the parts of the control plane answer. Models
pkg/registry/core/componentstatus, whose checks are of the ports that the real programs listen on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.gvk import GVR
from controllers import CONTROLLERS
from minikube_sim.resource_metrics import ComputedStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

_STATUSES: Final = GVR("", "v1", "componentstatuses")
_PORTS: Final = {"controller-manager": 10257, "scheduler": 10259}


def serve_components(registry: Registry, enabled: Callable[[str], bool]) -> None:
    """Answer for etcd (which is us) and for what `--controllers` lets run."""
    def statuses() -> Iterator[tuple[str, Object]]:
        runs = {"controller-manager": any(enabled(name) for name in CONTROLLERS),
                "etcd-0": True, "scheduler": enabled("kube-scheduler")}
        for name, running in runs.items():
            yield "", {"metadata": {"name": name}, "conditions": [_condition(name, running)]}

    registry.keep_in(_STATUSES, ComputedStore(registry.store, statuses))


def _condition(name: str, running: bool) -> Object:
    if running:
        return {"type": "Healthy", "status": "True", "message": "ok"}
    port = _PORTS[name]
    return {"type": "Healthy", "status": "False", "message": (
        f'Get "https://127.0.0.1:{port}/healthz": dial tcp 127.0.0.1:{port}: connect: connection'
        " refused")}
