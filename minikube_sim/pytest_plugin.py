"""The pytest plugin: a fresh cluster for each test, on the virtual clock.

    def test_two_pods_share_the_traffic(cluster):
        cluster.apply(MANIFESTS)
        cluster.advance(5)
        assert cluster.run("curl -s http://10.96.0.50/info").exit_code == 0

    @pytest.mark.cluster(nodes=3, seed=7)
    def test_spread(cluster): ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minikube_sim.cluster import Cluster


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", "cluster(**options): the options of the `cluster` fixture, as ClusterOptions")


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A running cluster on the virtual clock; a bug in a controller fails the test."""
    from minikube_sim.cluster import Cluster

    marker = request.node.get_closest_marker("cluster")
    with Cluster(strict=True, **(marker.kwargs if marker else {})) as made:
        yield made
