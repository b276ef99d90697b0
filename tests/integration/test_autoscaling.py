"""Load changes the number of Pods, and back; metrics show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from apiserver.machinery.gvk import GVR
from controllers.drive import drive
from minikube_sim.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.machinery.types import Object

METRICS = GVR("metrics.k8s.io", "v1beta1", "pods")
MANIFESTS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: c, image: registry.k8s.io/hpa-example, resources: {requests: {cpu: 100m}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 4
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}
"""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster(strict=True) as made:
        made.apply(MANIFESTS)
        made.advance(45)
        yield made


def load(cluster: Cluster, seconds: int) -> None:
    """Four requests a second."""
    address = cluster.get("service", "web")["spec"]["clusterIP"]
    for _ in range(seconds):
        for _ in range(4):
            cluster.run(f"curl -s -o /dev/null http://{address}/")
        cluster.advance(1)


def replicas(cluster: Cluster) -> int:
    count: int = cluster.get("deployment", "web")["spec"]["replicas"]
    return count


def conditions(cluster: Cluster) -> dict[str, str]:
    hpa: Object = cluster.get("hpa", "web")
    return {one["type"]: one["reason"] for one in hpa["status"]["conditions"]}


def test_without_load_nothing_changes(cluster: Cluster) -> None:
    cluster.advance(120)
    assert replicas(cluster) == 1
    assert conditions(cluster) == {"AbleToScale": "ReadyForNewScale",
                                   "ScalingActive": "ValidMetricFound",
                                   "ScalingLimited": "DesiredWithinRange"}


def test_load_adds_pods_and_its_end_takes_them_away_five_minutes_later(cluster: Cluster) -> None:
    load(cluster, 40)
    grown = replicas(cluster)
    assert 1 < grown <= 4
    cluster.advance(200)
    assert replicas(cluster) >= grown
    assert conditions(cluster)["AbleToScale"] == "ScaleDownStabilized"
    cluster.advance(200)
    assert replicas(cluster) == 1


def test_metrics_show_what_pods_use(cluster: Cluster) -> None:
    cluster.delete("hpa", "web")
    load(cluster, 20)
    (busy,) = drive(cluster.client.list(METRICS, "default", label_selector="app=web"))["items"]
    assert busy["containers"] == [{"name": "c", "usage": {"cpu": "241m", "memory": "12288Ki"}}]
    assert drive(cluster.client.list(METRICS, "default", label_selector="app=other"))["items"] == []


def test_pods_without_requests_cannot_be_judged_by_utilization(cluster: Cluster) -> None:
    cluster.apply(MANIFESTS.replace("{requests: {cpu: 100m}}", "{requests: {memory: 1Mi}}"))
    cluster.advance(60)
    hpa = cluster.get("hpa", "web")
    (active,) = [one for one in hpa["status"]["conditions"] if one["type"] == "ScalingActive"]
    assert active["reason"] == "FailedGetResourceMetric"
    assert "missing request for cpu in container c of Pod web-" in active["message"]


def test_a_target_that_is_missing_is_told(cluster: Cluster) -> None:
    cluster.delete("deployment", "web")
    cluster.advance(30)
    assert conditions(cluster)["AbleToScale"] == "FailedGetScale"


def test_bounds_hold_at_once(cluster: Cluster) -> None:
    cluster.scale("deployment", "web", 9)
    cluster.advance(20)
    assert replicas(cluster) == 4
