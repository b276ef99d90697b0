"""Where pods go, and what is said when they go nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apiserver.machinery.gvk import EVENTS, NODES, PODS
from controllers.scheduler import Scheduler
from tests.controllers.world import World, obj

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

HELPLESS = ("preemption: 0/{n} nodes are available: "
            "{n} Preemption is not helpful for scheduling.")


class Cluster(World):
    """A scheduler, and nodes without kubelets."""

    def __init__(self) -> None:
        super().__init__()
        self.manager.add(Scheduler(self.context))

    def node(self, own: str, *, cpu: str = "2", memory: str = "4Gi", pods: str = "110",
             labels: Any = None, **spec: Any) -> None:
        made = obj("v1", "Node", own, None, spec=spec, labels={
            "kubernetes.io/hostname": own, **(labels or {})})
        made["status"] = {"allocatable": {"cpu": cpu, "memory": memory, "pods": pods}}
        self.create(NODES, made)
        self.patch(NODES, own, {"spec": {"taints": spec.get("taints")}}, place=None)  # not-ready

    def pod(self, own: str, *, requests: Any = None, labels: Any = None, **spec: Any) -> str:
        """Create a Pod; the node that it gets, '' for none."""
        container: Object = {"name": "c", "image": "nginx", **spec.pop("container", {})}
        if requests:
            container["resources"] = {"requests": requests}
        made = obj("v1", "Pod", own, spec={"containers": [container], **spec},
                   labels=labels or {"app": own})
        self.create(PODS, made)
        return self.place(own)

    def place(self, own: str) -> str:
        """The node of a Pod."""
        node: str = self.get(PODS, own)["spec"].get("nodeName", "")
        return node

    def why(self, own: str) -> str:
        """The message of the condition PodScheduled."""
        conditions = self.get(PODS, own)["status"]["conditions"]
        message: str = next(c for c in conditions if c["type"] == "PodScheduled")["message"]
        return message


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_pod_is_bound_with_an_event(cluster: Cluster) -> None:
    cluster.node("minikube")
    assert cluster.pod("web") == "minikube"
    event = cluster.all(EVENTS)[-1]
    assert (event["reason"], event["message"]) == (
        "Scheduled", "Successfully assigned default/web to minikube")
    assert event["reportingComponent"] == "default-scheduler"
    conditions = cluster.get(PODS, "web")["status"]["conditions"]
    assert [(c["type"], c["status"]) for c in conditions] == [("PodScheduled", "True")]


def test_no_nodes_at_all(cluster: Cluster) -> None:
    assert cluster.pod("web") == ""
    assert cluster.why("web") == "no nodes available to schedule pods"
    assert cluster.all(EVENTS)[-1]["reason"] == "FailedScheduling"


def test_reasons_are_counted_and_sorted(cluster: Cluster) -> None:
    taint = {"key": "a", "value": "b", "effect": "NoSchedule"}
    cluster.node("n1", taints=[taint])
    cluster.node("n2", cpu="100m")
    cluster.node("n3", cpu="100m", memory="1Mi")
    cluster.pod("web", requests={"cpu": "1", "memory": "1Gi"})
    assert cluster.why("web") == (
        "0/3 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint(s), "
        "2 Insufficient cpu. " + HELPLESS.format(n=3))


def test_full_node_could_be_helped_by_preemption(cluster: Cluster) -> None:
    cluster.node("n1", cpu="1")
    cluster.pod("a", requests={"cpu": "800m"})
    cluster.pod("b", requests={"cpu": "800m"})
    assert cluster.why("b") == (
        "0/1 nodes are available: 1 Insufficient cpu. preemption: "
        "0/1 nodes are available: 1 No preemption victims found for incoming pod.")


def test_deleted_pod_makes_room_after_the_backoff(cluster: Cluster) -> None:
    cluster.node("n1", pods="1")
    cluster.pod("a")
    assert cluster.pod("b") == ""
    assert "1 Too many pods." in cluster.why("b")
    cluster.delete(PODS, "a", grace_period_seconds=0)
    cluster.advance(1)
    assert cluster.place("b") == "n1"


def test_new_node_is_tried(cluster: Cluster) -> None:
    cluster.pod("web")
    cluster.node("n1")
    cluster.advance(1)
    assert cluster.place("web") == "n1"


def test_pods_spread_by_what_is_left(cluster: Cluster) -> None:
    cluster.node("n1")
    cluster.node("n2")
    places = [cluster.pod(f"p{i}", requests={"cpu": "100m"}) for i in range(4)]
    assert places == ["n1", "n2", "n1", "n2"]


def test_higher_priority_goes_first(cluster: Cluster) -> None:
    from controllers.scheduler.queue import SchedulingQueue

    queue = SchedulingQueue()
    for own, priority in (("low", 0), ("high", 10), ("low2", 0)):
        queue.add(own, priority)
    assert [queue.pop(0.0) for _ in range(4)] == ["high", "low", "low2", None]


@pytest.mark.parametrize(("spec", "place"), [
    ({"nodeSelector": {"disk": "ssd"}}, "n2"),
    ({"nodeSelector": {"disk": "tape"}}, ""),
    ({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [
            {"key": "disk", "operator": "NotIn", "values": ["ssd"]}]}]}}}}, "n1"),
    ({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [
            {"key": "cores", "operator": "Gt", "values": ["7"]}]}]}}}}, "n2"),
    ({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 1, "preference": {"matchExpressions": [
            {"key": "disk", "operator": "Exists"}]}}]}}}, "n2"),
])
def test_node_affinity(cluster: Cluster, spec: dict[str, Any], place: str) -> None:
    cluster.node("n1")
    cluster.node("n2", labels={"disk": "ssd", "cores": "8"})
    assert cluster.pod("web", **spec) == place
    if not place:
        assert "2 node(s) didn't match Pod's node affinity/selector." in cluster.why("web")


def test_cordoned_node_takes_nothing(cluster: Cluster) -> None:
    cluster.node("n1", unschedulable=True)
    cluster.pod("web")
    assert "1 node(s) were unschedulable." in cluster.why("web")


def test_toleration_opens_a_tainted_node(cluster: Cluster) -> None:
    cluster.node("n1", taints=[{"key": "a", "value": "b", "effect": "NoSchedule"}])
    tolerations = [{"key": "a", "operator": "Equal", "value": "b", "effect": "NoSchedule"}]
    assert cluster.pod("web", tolerations=tolerations) == "n1"


def test_host_ports_do_not_clash(cluster: Cluster) -> None:
    cluster.node("n1")
    cluster.node("n2")
    port = {"ports": [{"containerPort": 80, "hostPort": 8080}]}
    assert {cluster.pod("a", container=port), cluster.pod("b", container=port)} == {"n1", "n2"}
    assert cluster.pod("c", container=port) == ""
    assert "2 node(s) didn't have free ports" in cluster.why("c")


def test_anti_affinity_keeps_pods_apart(cluster: Cluster) -> None:
    cluster.node("n1")
    cluster.node("n2")
    term = {"labelSelector": {"matchLabels": {"app": "db"}},
            "topologyKey": "kubernetes.io/hostname"}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    places = [cluster.pod(f"db{i}", labels={"app": "db"}, affinity=affinity) for i in range(3)]
    assert places == ["n1", "n2", ""]
    assert "2 node(s) didn't match pod anti-affinity rules." in cluster.why("db2")
    assert cluster.pod("plain", labels={"app": "db"}) == ""
    assert "existing pods anti-affinity rules" in cluster.why("plain")


def test_affinity_brings_pods_together(cluster: Cluster) -> None:
    cluster.node("n1", labels={"zone": "a"})
    cluster.node("n2", labels={"zone": "b"})
    term = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "zone"}
    affinity = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    assert cluster.pod("web", affinity=affinity) == ""
    assert "2 node(s) didn't match pod affinity rules." in cluster.why("web")
    cluster.pod("db", labels={"app": "db"}, nodeSelector={"zone": "b"})
    cluster.advance(1)
    assert cluster.place("web") == "n2"
    assert cluster.pod("first", labels={"app": "db"}, affinity=affinity) == "n2"


def test_first_pod_of_a_group_with_affinity_to_itself_is_placed(cluster: Cluster) -> None:
    cluster.node("n1", labels={"zone": "a"})
    term = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "zone"}
    affinity = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    assert cluster.pod("db", labels={"app": "db"}, affinity=affinity) == "n1"


def test_topology_spread_keeps_the_skew(cluster: Cluster) -> None:
    cluster.node("n1", labels={"zone": "a"}, cpu="64")
    cluster.node("n2", labels={"zone": "b"}, cpu="1")
    spread = [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
               "labelSelector": {"matchLabels": {"app": "web"}}}]
    places = [cluster.pod(f"p{i}", labels={"app": "web"}, topologySpreadConstraints=spread,
                          requests={"cpu": "400m"}) for i in range(6)]
    assert places.count("n1") == 3
    assert places.count("n2") == 2
    assert places[-1] == ""


def test_gated_pods_and_those_of_other_schedulers_wait(cluster: Cluster) -> None:
    cluster.node("n1")
    assert cluster.pod("a", schedulerName="mine") == ""
    assert cluster.pod("b", schedulingGates=[{"name": "x/y"}]) == ""
    cluster.patch(PODS, "b", {"spec": {"schedulingGates": []}})
    assert cluster.place("b") == "n1"


def test_settled_scheduler_has_nothing_to_do(cluster: Cluster) -> None:
    cluster.node("n1", pods="1")
    cluster.pod("a")
    cluster.pod("b")
    cluster.advance(60)
    assert cluster.settle() == 0


def test_preemption_picks_the_cheapest_victims() -> None:
    from controllers.scheduler import preemption
    from controllers.scheduler.cache import NodeInfo, PodInfo
    from controllers.scheduler.plugins.noderesources import NodeResourcesFit

    def pod(own: str, cpu: str, priority: int = 0) -> PodInfo:
        spec = {"priority": priority, "containers": [
            {"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}]}
        return PodInfo(obj("v1", "Pod", own, spec=spec))

    def node(own: str, *pods: PodInfo) -> NodeInfo:
        made = obj("v1", "Node", own, None)
        info = NodeInfo(made)
        info.set_node({**made, "status": {"allocatable": {"cpu": "2", "pods": "10"}}})
        for one in pods:
            info.add(one)
        return info

    important = pod("important", "1", 100)
    filters = [NodeResourcesFit().filter_for(important, None)]  # type: ignore[arg-type]
    dear = node("dear", pod("a", "2", 50))
    cheap = node("cheap", pod("b", "500m", 5), pod("c", "1", 1), pod("d", "500m", 3))
    found = preemption.find(important, [dear, cheap], [one for one in filters if one])
    assert found is not None
    assert (found.node, [one.key for one in found.victims]) == ("cheap", ["default/c"])
    assert preemption.find(pod("x", "1", 1), [dear], [one for one in filters if one]) is None
    assert len(cheap.pods) == 3


def test_pod_of_higher_priority_takes_the_place(cluster: Cluster) -> None:
    from apiserver.machinery.gvk import GVR

    classes = GVR("scheduling.k8s.io", "v1", "priorityclasses")
    if not any(one.gvr == classes for one in cluster.registry.catalog):
        pytest.skip("PriorityClass is not served yet")
    cluster.node("n1", cpu="1")
    for own, value in (("low", 1), ("high", 1000)):
        made = obj("scheduling.k8s.io/v1", "PriorityClass", own, None)
        cluster.create(classes, {**made, "value": value})
    cluster.pod("a", requests={"cpu": "800m"}, priorityClassName="low")
    cluster.pod("b", requests={"cpu": "800m"}, priorityClassName="high")
    assert cluster.get(PODS, "b")["status"]["nominatedNodeName"] == "n1"
    assert cluster.get(PODS, "a")["metadata"]["deletionTimestamp"]
    cluster.delete(PODS, "a", grace_period_seconds=0)
    cluster.advance(1)
    assert cluster.place("b") == "n1"


@pytest.mark.parametrize(("minor", "text"), [
    (33, "1 node(s) had untolerated taint {a: b}. preemption: 0/1"),
    (34, "1 node(s) had untolerated taint {a: b}. no new claims to deallocate, preemption: 0/1"),
    (36, "1 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/1"),
    (37, "1 node(s) had untolerated taint(s). preemption: 0/1"),
])
def test_words_of_different_versions(minor: int, text: str) -> None:
    from controllers.scheduler.framework import Rejection, Unschedulable

    found = Unschedulable(1, (Rejection(("node(s) had untolerated taint {a: b}",)),))
    assert text in found.message(minor)
