"""One mini-Kubernetes: composes clock, store, API, controllers and network into a Cluster.

    from minikube_sim import Cluster

    with Cluster() as cluster:
        cluster.apply(open("web.yaml").read())
        cluster.advance(5)
        print(cluster.run("curl -s http://10.96.0.50/").stdout.decode())
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minikube_sim.version import __version__

if TYPE_CHECKING:
    from minikube_sim.cluster import Cluster
    from minikube_sim.config import ClusterOptions

__all__ = ["Cluster", "ClusterOptions", "__version__"]


def __getattr__(name: str) -> Any:
    """Import what is public when it is used: the command line must start fast."""
    if name == "Cluster":
        from minikube_sim.cluster import Cluster

        return Cluster
    if name == "ClusterOptions":
        from minikube_sim.config import ClusterOptions

        return ClusterOptions
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
