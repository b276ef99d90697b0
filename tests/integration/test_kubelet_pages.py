"""What a kubelet's port tells, through the proxy of its Node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from apiserver.context import SYSTEM
from minikube_sim.cluster import Cluster
from minikube_sim.config import ClusterOptions
from tests.apiserver.handlers.asgi import Http, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - {name: c, image: nginx, resources: {limits: {memory: 64Mi}}}
  - {name: d, image: "busybox:1.36", command: [sleep, "90"]}
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """For those who only look."""
    yield from _made()


@pytest.fixture
def own() -> Iterator[Cluster]:
    yield from _made()


def _made() -> Iterator[Cluster]:
    with Cluster(ClusterOptions(nodes=2)) as cluster:
        cluster.apply(POD)
        cluster.advance(60)
        yield cluster


def ask(cluster: Cluster, path: str, node: str = "") -> Reply:
    async def authenticate(scope: Any) -> Any:
        return SYSTEM

    http = Http(cluster.http_app(authenticate))
    where = node or node_of(cluster)
    return http("GET", f"/api/v1/nodes/{where}/proxy/{path}")


def node_of(cluster: Cluster) -> str:
    name: str = cluster.get("pod", "web")["spec"]["nodeName"]
    return name


def samples(reply: Reply, name: str, **labels: str) -> list[float]:
    return [sample.value for family in text_string_to_metric_families(reply.body.decode())
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()]


def of_web(reply: Reply) -> Any:
    (found,) = [pod for pod in reply.json["pods"] if pod["podRef"]["name"] == "web"]
    return found


def test_the_summary_has_a_pods_containers_with_what_they_use(cluster: Cluster) -> None:
    pod = of_web(ask(cluster, "stats/summary"))
    stored = cluster.get("pod", "web")
    assert pod["podRef"] == {"name": "web", "namespace": "default",
                             "uid": stored["metadata"]["uid"]}
    assert pod["startTime"] == stored["status"]["startTime"]
    first, second = pod["containers"]
    assert (first["name"], second["name"]) == ("c", "d")
    assert first["startTime"] == stored["status"]["containerStatuses"][0]["state"]["running"][
        "startedAt"]
    used = first["memory"]["workingSetBytes"]
    assert first["memory"]["availableBytes"] == 64 * 2**20 - used
    assert "availableBytes" not in second["memory"]
    assert pod["memory"]["usageBytes"] == used + second["memory"]["usageBytes"]


def test_only_cpu_and_memory_is_all_that_was_asked_for(cluster: Cluster) -> None:
    assert "fs" in ask(cluster, "stats/summary").json["node"]
    assert "fs" not in ask(cluster, "stats/summary?only_cpu_and_memory=true").json["node"]


def test_pods_of_another_node_are_not_there(cluster: Cluster) -> None:
    (other,) = set(cluster.options.node_names()) - {node_of(cluster)}
    pods = ask(cluster, "stats/summary", other).json["pods"]
    assert all(pod["podRef"]["name"] != "web" for pod in pods)


def test_the_cpu_of_pods_never_goes_back_when_a_container_ends(own: Cluster) -> None:
    node = node_of(own)

    def used() -> int:
        (pods,) = ask(own, "stats/summary", node).json["node"]["systemContainers"]
        number: int = pods["cpu"]["usageCoreNanoSeconds"]
        return number

    before = used()
    own.delete("pod", "web")
    own.advance(31)  # what does not heed SIGTERM is killed
    assert own.list("pods", "default") == []
    assert used() > before


def test_resource_metrics_say_the_same_as_the_summary(cluster: Cluster) -> None:
    pod = of_web(ask(cluster, "stats/summary"))
    metrics = ask(cluster, "metrics/resource")
    labels = {"pod": "web", "namespace": "default"}
    assert samples(metrics, "pod_cpu_usage_seconds_total", **labels) == [
        pod["cpu"]["usageCoreNanoSeconds"] / 1e9]
    assert samples(metrics, "container_memory_working_set_bytes", container="c", **labels) == [
        pod["containers"][0]["memory"]["workingSetBytes"]]
    assert samples(metrics, "resource_scrape_error") == [0]
    assert f" {int(cluster.clock.now() * 1000)}\n".encode() in metrics.body


def test_cadvisor_tells_of_containers_and_of_their_pod(cluster: Cluster) -> None:
    pod, metrics = of_web(ask(cluster, "stats/summary")), ask(cluster, "metrics/cadvisor")
    labels = {"pod": "web", "namespace": "default"}
    name = "container_memory_working_set_bytes"
    assert samples(metrics, name, container="", **labels) == [pod["memory"]["workingSetBytes"]]
    assert samples(metrics, name, container="c", image="nginx", **labels) == [
        pod["containers"][0]["memory"]["workingSetBytes"]]
    (cpu,) = samples(metrics, "container_cpu_usage_seconds_total", container="", cpu="total",
                     **labels)
    assert round(cpu * 1e9) == pod["cpu"]["usageCoreNanoSeconds"]
    group = cluster.get("pod", "web")["metadata"]["uid"].replace("-", "_")
    where = f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{group}.slice"
    assert samples(metrics, name, id=where) == [pod["memory"]["workingSetBytes"]]
    assert samples(metrics, "machine_cpu_cores") == [2]


def test_the_kubelet_counts_pods_and_containers(cluster: Cluster) -> None:
    running = len([pod for pod in cluster.list("pods")
                   if pod["spec"]["nodeName"] == node_of(cluster)])
    metrics = ask(cluster, "metrics")
    assert samples(metrics, "kubelet_running_pods") == [running]
    assert samples(metrics, "kubelet_running_containers", container_state="running") == [
        running + 1]
    assert samples(metrics, "kubelet_node_name", node=node_of(cluster)) == [1]


def test_the_configuration_is_what_the_kubelet_keeps_to(cluster: Cluster) -> None:
    config = ask(cluster, "configz").json["kubeletconfig"]
    assert config["clusterDNS"] == ["10.96.0.10"]
    assert config["maxPods"] == int(
        cluster.get("node", node_of(cluster))["status"]["capacity"]["pods"])
    assert config["nodeStatusReportFrequency"] == "5m0s"


@pytest.mark.parametrize(("path", "status", "body"), [
    ("healthz", 200, b"ok"), ("healthz/ping", 200, b"ok"), ("healthz/syncloop", 200, b"ok"),
    ("nothing", 404, b"404 page not found\n")])
def test_plain_pages(cluster: Cluster, path: str, status: int, body: bytes) -> None:
    reply = ask(cluster, path)
    assert (reply.status, reply.body) == (status, body)


def test_a_kubelet_that_is_silent_refuses_connections(own: Cluster) -> None:
    node = node_of(own)
    own.nodes.kubelets[node].pause()
    reply = ask(own, "healthz", node)
    assert reply.status == 503
    assert reply.message.startswith("error trying to reach service: dial tcp ")
    assert reply.message.endswith(":10250: connect: connection refused")
