"""What a kubelet does for its pods, with the texts of v1.36."""

from __future__ import annotations

import pytest

from apiserver.machinery.errors import NotFound
from apiserver.machinery.gvk import LEASES, NODES, PODS
from controllers.drive import drive
from tests.controllers.node.world import NodeWorld, condition
from tests.controllers.world import obj


@pytest.fixture
def world() -> NodeWorld:
    return NodeWorld()


def test_node_registers_and_is_ready(world: NodeWorld) -> None:
    node = world.get(NODES, "minikube", None)
    assert condition(node, "Ready")["reason"] == "KubeletReady"
    assert node["status"]["addresses"][0] == {"type": "InternalIP", "address": "10.211.55.120"}


def test_lease_is_renewed_every_ten_seconds(world: NodeWorld) -> None:
    before = world.get(LEASES, "minikube", "kube-node-lease")["spec"]["renewTime"]
    world.advance(10)
    after = world.get(LEASES, "minikube", "kube-node-lease")["spec"]["renewTime"]
    assert (before[17:19], after[17:19]) == ("00", "10")


def test_bound_pod_becomes_ready_with_an_address(world: NodeWorld) -> None:
    pod = world.run("web")
    status = pod["status"]
    assert (status["phase"], status["podIP"], status["hostIP"]) == (
        "Running", "172.17.0.2", "10.211.55.120")
    assert [c["type"] for c in status["conditions"] if c["status"] == "True"] == [
        "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
    assert not any("reason" in c or "message" in c for c in status["conditions"])
    entry = status["containerStatuses"][0]
    assert (entry["ready"], entry["started"], entry["image"]) == (True, True, "nginx:latest")
    assert "running" in entry["state"]


def test_events_of_a_start(world: NodeWorld) -> None:
    world.run("web", "nginx:1.27")
    assert world.told("web") == [
        'Pulling: Pulling image "nginx:1.27"',
        'Pulled: Successfully pulled image "nginx:1.27" in 0s (0s including waiting). '
        "Image size: 191998640 bytes.",
        "Created: Container created", "Started: Container started"]
    world.run("web2", "nginx:1.27")
    assert world.told("web2")[0] == (
        'Pulled: Container image "nginx:1.27" already present on machine and can be accessed '
        "by the pod")


def test_container_creating_is_seen_before_running(world: NodeWorld) -> None:
    watch = drive(world.client.watch(PODS, "default"))
    world.run("web")
    states = [event.object["status"].get("containerStatuses", [{}])[0].get("state")
              for event in watch.poll()]
    assert {"waiting": {"reason": "ContainerCreating"}} in states


def test_deleted_pod_ends_well_and_goes(world: NodeWorld) -> None:
    world.run("web")
    watch = drive(world.client.watch(PODS, "default"))
    world.delete(PODS, "web")
    last = watch.poll()[-1]
    assert last.type == "DELETED"
    assert last.object["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
    assert world.told("web")[-1] == "Killing: Stopping container c"
    with pytest.raises(NotFound):
        world.pod("web")
    assert not world.fabric.nodes["minikube"].pods


def test_address_is_not_reused_until_the_range_has_gone_round() -> None:
    world = NodeWorld(pod_cidr="172.17.{}.0/29")
    got = []
    for number in range(6):
        got.append(world.run(f"p{number}")["status"]["podIP"])
        world.delete(PODS, f"p{number}")
    assert [ip.rpartition(".")[2] for ip in got] == ["2", "3", "4", "5", "6", "2"]


def test_pod_without_an_address_waits_for_one() -> None:
    world = NodeWorld(pod_cidr="172.17.{}.0/30")
    world.run("first")
    assert world.run("second")["status"]["phase"] == "Pending"
    assert world.told("second")[0].startswith(
        "FailedCreatePodSandBox: Failed to create pod sandbox")
    world.delete(PODS, "first")
    world.advance(10)
    assert world.pod("second")["status"]["phase"] == "Running"


def test_unknown_image_says_which_there_are(world: NodeWorld) -> None:
    world.run("web", "nope:1.0")
    waiting = world.state("web")["waiting"]
    assert waiting["reason"] == "ErrImagePull"
    assert "pull access denied for nope" in waiting["message"]
    assert "simpleapi:1.0" in waiting["message"]


def test_image_pull_backs_off(world: NodeWorld) -> None:
    world.run("web", "nginx:1.161")
    world.advance(1)
    waiting = world.state("web")["waiting"]
    assert waiting["reason"] == "ImagePullBackOff"
    assert waiting["message"].startswith('Back-off pulling image "nginx:1.161": ErrImagePull: ')
    tries = 'Pulling: Pulling image "nginx:1.161"'
    assert tries in world.told("web")
    world.advance(9)
    assert f"{tries} (x2)" in world.told("web")
    world.advance(15)
    assert f"{tries} (x2)" in world.told("web")
    world.advance(10)
    assert f"{tries} (x3)" in world.told("web")


def test_image_that_appears_is_pulled_at_the_next_try(world: NodeWorld) -> None:
    world.run("web", "shop:1.0")
    world.images["shop:1.0"] = world.images["nginx"]
    world.advance(11)
    assert world.pod("web")["status"]["phase"] == "Running"


def test_force_deleted_pod_is_killed(world: NodeWorld) -> None:
    world.run("web")
    world.delete(PODS, "web", grace_period_seconds=0)
    assert not world.fabric.nodes["minikube"].pods
    assert world.kubelets[0].record("default/web") is None


def test_two_nodes_have_ranges_of_their_own() -> None:
    world = NodeWorld(nodes=2)
    assert world.run("a")["status"]["podIP"] == "172.17.0.2"
    assert world.run("b", node="minikube-m02")["status"]["podIP"] == "172.17.1.2"


def test_pod_of_a_node_without_kubelet_stays_pending(world: NodeWorld) -> None:
    world.add_node("elsewhere")
    assert world.run("web", node="elsewhere")["status"]["phase"] == "Pending"


def test_settled_cluster_has_nothing_to_do(world: NodeWorld) -> None:
    world.run("web")
    assert world.settle() == 0


def test_pod_that_does_not_fit_fails(world: NodeWorld) -> None:
    asks = {"resources": {"requests": {"cpu": "1500m"}}}
    world.run("a", container=asks)
    status = world.run("b", container=asks)["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "OutOfcpu")
    assert status["message"].endswith("cpu, requested: 1500, used: 1500, capacity: 2000")
    world.delete(PODS, "a")
    assert world.run("c", container=asks)["status"]["phase"] == "Running"


def test_pod_that_does_not_match_the_node_fails(world: NodeWorld) -> None:
    status = world.run("a", nodeSelector={"disk": "ssd"})["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "NodeAffinity")


def test_deleted_node_stays_away(world: NodeWorld) -> None:
    world.delete(NODES, "minikube", place=None)
    world.advance(600)
    assert world.names(NODES) == []


def test_silent_kubelet_sends_no_heartbeat_and_catches_up(world: NodeWorld) -> None:
    world.run("old")
    world.kubelets[0].pause()
    before = world.get(LEASES, "minikube", "kube-node-lease")["spec"]["renewTime"]
    assert world.run("new")["status"]["phase"] == "Pending"
    world.delete(PODS, "old")
    world.advance(60)
    assert world.get(LEASES, "minikube", "kube-node-lease")["spec"]["renewTime"] == before
    world.kubelets[0].resume()
    world.settle()
    assert world.names(PODS) == ["new"]
    assert world.pod("new")["status"]["phase"] == "Running"
    assert world.get(LEASES, "minikube", "kube-node-lease")["spec"]["renewTime"] > before


def test_many_pods_at_once_skip_what_is_soon_outdated() -> None:
    world = NodeWorld(pod_cidr="172.17.{}.0/24", capacity={"cpu": "2", "pods": "500"})
    watch = drive(world.client.watch(PODS, "default"))
    for number in range(150):
        spec = {"nodeName": "minikube", "containers": [{"name": "c", "image": "nginx"}]}
        drive(world.client.create(PODS, obj("v1", "Pod", f"p{number}", spec=spec), "default"))
    world.settle()
    phases = [event.object["status"]["phase"] for event in watch.poll()
              if event.object["status"].get("hostIP")]
    assert phases.count("Running") == 150
    assert 0 < phases.count("Pending") <= 110
