"""Plugins by themselves: filters and scores on values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from controllers.informer import Informers
from controllers.scheduler.cache import Cache, PodInfo
from controllers.scheduler.framework import (
    Framework,
    Plugin,
    Snapshot,
    Unschedulable,
    nodes_to_find,
    normalized,
)
from controllers.scheduler.plugins import PLUGINS
from controllers.scheduler.plugins.imagelocality import ImageLocality
from controllers.scheduler.plugins.interpodaffinity import InterPodAffinity
from controllers.scheduler.plugins.nodename import NodeName
from controllers.scheduler.plugins.noderesources import NodeResourcesBalancedAllocation
from controllers.scheduler.plugins.nodeunschedulable import NodeUnschedulable
from controllers.scheduler.plugins.podtopologyspread import PodTopologySpread
from controllers.scheduler.plugins.tainttoleration import TaintToleration, tolerates
from controllers.scheduler.resources import pod_requests
from tests.controllers.world import World, obj

if TYPE_CHECKING:
    from apiserver.machinery.types import Object


class Bench:
    """Nodes with pods, and a pod to place."""

    def __init__(self) -> None:
        self.cache = Cache()
        self.snapshot = Snapshot(self.cache, Informers(World().client))

    def node(self, own: str, *, labels: Any = None, images: Any = None, spec: Any = None) -> None:
        made = obj("v1", "Node", own, None, labels=labels or {}, spec=spec or {})
        made["status"] = {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
                          "images": [{"names": [n], "sizeBytes": s} for n, s in images or ()]}
        self.cache.set_node(made)

    def place(self, own: str, node: str, labels: Any = None, **spec: Any) -> None:
        self.cache.set_pod(pod(own, labels=labels, **spec).pod, node)

    def scores(self, plugin: Plugin, one: PodInfo) -> list[float] | None:
        found = plugin.scores_for(one, self.snapshot, list(self.cache))
        return None if found is None else list(found)

    def rejected(self, plugin: Plugin, one: PodInfo) -> dict[str, str]:
        check = plugin.filter_for(one, self.snapshot)
        if check is None:
            return {}
        found = {node.name: check(node) for node in self.cache}
        return {name: why.reasons[0] for name, why in found.items() if why is not None}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def pod(own: str = "p", *, labels: Any = None, image: str = "nginx", **spec: Any) -> PodInfo:
    container = {"name": "c", "image": image, **spec.pop("container", {})}
    owners = spec.pop("owners", None)
    made = obj("v1", "Pod", own, labels=labels, ownerReferences=owners,
               spec={"containers": [container], **spec})
    return PodInfo(made)


def test_plugins_are_in_the_default_order() -> None:
    assert [plugin.name for plugin in PLUGINS] == [
        "NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity", "NodePorts",
        "NodeResourcesFit", "PodTopologySpread", "InterPodAffinity",
        "NodeResourcesBalancedAllocation", "ImageLocality"]


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda one: one.name)
def test_plugins_have_no_say_about_a_plain_pod(plugin: Plugin, bench: Bench) -> None:
    bench.node("n1")
    assert bench.rejected(plugin, pod()) == {}
    scores = bench.scores(plugin, pod())
    assert scores is None or len(scores) == 1


def test_first_reason_of_the_first_plugin_counts(bench: Bench) -> None:
    bench.node("n1", spec={"unschedulable": True})
    chosen = Framework(PLUGINS).choose(pod(nodeSelector={"a": "b"}), bench.snapshot)
    assert isinstance(chosen, Unschedulable)
    assert [one.reasons for one in chosen.rejections] == [("node(s) were unschedulable",)]


def test_equals_go_to_the_first_by_name(bench: Bench) -> None:
    for own in ("b", "a", "c"):
        bench.node(own)
    assert Framework(PLUGINS).choose(pod(), bench.snapshot) == "a"


@pytest.mark.parametrize(("count", "wanted"), [(5, 5), (99, 99), (200, 100), (1000, 420),
                                               (5000, 500), (20000, 1000)])
def test_big_clusters_are_sampled(count: int, wanted: int) -> None:
    assert nodes_to_find(count) == wanted


def test_normalized_scores() -> None:
    assert normalized([1, 4, 2]) == [25, 100, 50]
    assert normalized([1, 4], reverse=True) == [75, 0]
    assert normalized([0, 0]) == [0, 0]


def test_node_name(bench: Bench) -> None:
    bench.node("n1")
    bench.node("n2")
    assert bench.rejected(NodeName(), pod(nodeName="n2")) == {
        "n1": "node(s) didn't match the requested node name"}


def test_cordon_can_be_tolerated(bench: Bench) -> None:
    bench.node("n1", spec={"unschedulable": True})
    toleration = {"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}
    assert bench.rejected(NodeUnschedulable(), pod()) == {"n1": "node(s) were unschedulable"}
    assert bench.rejected(NodeUnschedulable(), pod(tolerations=[toleration])) == {}


@pytest.mark.parametrize(("toleration", "yes"), [
    ({"key": "k", "operator": "Equal", "value": "v", "effect": "NoSchedule"}, True),
    ({"key": "k", "value": "v"}, True),
    ({"key": "k", "operator": "Exists"}, True),
    ({"operator": "Exists"}, True),
    ({"key": "k", "value": "other"}, False),
    ({"key": "other", "operator": "Exists"}, False),
    ({"key": "k", "operator": "Exists", "effect": "NoExecute"}, False),
    ({}, False),
])
def test_tolerations(toleration: Object, yes: bool) -> None:
    assert tolerates([toleration], {"key": "k", "value": "v", "effect": "NoSchedule"}) is yes


def test_soft_taints_count_against_a_node(bench: Bench) -> None:
    bench.node("n1", spec={"taints": [{"key": "a", "effect": "PreferNoSchedule"}]})
    bench.node("n2")
    assert bench.scores(TaintToleration(), pod()) == [0, 100]
    assert bench.rejected(TaintToleration(), pod()) == {}


def test_balanced_use_of_cpu_and_memory(bench: Bench) -> None:
    bench.node("n1")
    bench.node("n2")
    bench.place("x", "n1", container={"resources": {"requests": {"cpu": "2"}}})
    ask = {"resources": {"requests": {"cpu": "1", "memory": "2Gi"}}}
    scores = bench.scores(NodeResourcesBalancedAllocation(), pod(container=ask))
    assert scores == [75, 100]


def test_images_that_are_there_draw_pods(bench: Bench) -> None:
    bench.node("n1", images=[("shop:latest", 900_000_000)])
    bench.node("n2")
    scores = bench.scores(ImageLocality(), pod(image="shop"))
    assert scores is not None
    assert scores[0] > scores[1] == 0


def test_requests_of_init_containers_and_sidecars() -> None:
    def asks(cpu: str) -> Object:
        return {"name": cpu, "image": "i", "resources": {"requests": {"cpu": cpu}}}

    made = pod(container=asks("300m"), overhead={"cpu": "10m"}, initContainers=[
        {**asks("100m"), "restartPolicy": "Always"}, asks("900m")])
    assert pod_requests(made.pod)["cpu"] == 1010
    assert pod_requests(pod().pod, assume=True) == {"cpu": 100, "memory": 200 * 2**20}


def test_soft_spread_prefers_the_emptier_zone(bench: Bench) -> None:
    bench.node("n1", labels={"zone": "a"})
    bench.node("n2", labels={"zone": "b"})
    bench.place("x", "n1", {"app": "web"})
    constraint = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway",
                  "labelSelector": {"matchLabels": {"app": "web"}}}
    scores = bench.scores(PodTopologySpread(), pod(
        labels={"app": "web"}, topologySpreadConstraints=[constraint]))
    assert scores is not None
    assert scores[1] > scores[0]


def test_pods_of_a_controller_spread_over_hosts(bench: Bench) -> None:
    for own in ("n1", "n2"):
        bench.node(own, labels={"kubernetes.io/hostname": own})
    bench.place("x", "n1", {"app": "web"})
    owner = [{"kind": "ReplicaSet", "name": "r", "uid": "u", "controller": True}]
    scores = bench.scores(PodTopologySpread(), pod(labels={"app": "web"}, owners=owner))
    assert scores is not None
    assert scores[1] > scores[0]
    assert bench.scores(PodTopologySpread(), pod(labels={"app": "web"})) is None


@pytest.mark.parametrize(("more", "wrong"), [
    ({}, {"n1": "node(s) didn't match pod topology spread constraints",
          "n3": "node(s) didn't match pod topology spread constraints (missing required label)"}),
    ({"minDomains": 3}, {
        "n1": "node(s) didn't match pod topology spread constraints",
        "n3": "node(s) didn't match pod topology spread constraints (missing required label)"}),
    ({"maxSkew": 2}, {
        "n3": "node(s) didn't match pod topology spread constraints (missing required label)"}),
    ({"matchLabelKeys": ["rev"]}, {
        "n3": "node(s) didn't match pod topology spread constraints (missing required label)"}),
])
def test_hard_spread(bench: Bench, more: Object, wrong: dict[str, str]) -> None:
    bench.node("n1", labels={"zone": "a"})
    bench.node("n2", labels={"zone": "b"})
    bench.node("n3")
    bench.place("x", "n1", {"app": "web", "rev": "1"})
    constraint = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
                  "labelSelector": {"matchLabels": {"app": "web"}}, **more}
    one = pod(labels={"app": "web", "rev": "2"}, topologySpreadConstraints=[constraint])
    assert bench.rejected(PodTopologySpread(), one) == wrong


def preferring(kind: str, weight: int = 10) -> dict[str, Any]:
    term = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "db"}}}
    return {kind: {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": weight, "podAffinityTerm": term}]}}


@pytest.mark.parametrize(("kind", "better"), [("podAffinity", 0), ("podAntiAffinity", 1)])
def test_preferred_pod_affinity(bench: Bench, kind: str, better: int) -> None:
    bench.node("n1", labels={"zone": "a"})
    bench.node("n2", labels={"zone": "b"})
    bench.place("db", "n1", {"app": "db"})
    scores = bench.scores(InterPodAffinity(), pod(affinity=preferring(kind)))
    assert scores is not None
    assert scores[better] == 100
    assert scores[1 - better] == 0


def test_pods_that_are_there_have_wishes_too(bench: Bench) -> None:
    bench.node("n1", labels={"zone": "a"})
    bench.node("n2", labels={"zone": "b"})
    bench.place("web", "n2", {"app": "web"}, affinity=preferring("podAffinity"))
    assert bench.scores(InterPodAffinity(), pod(labels={"app": "db"})) == [0, 100]


@pytest.mark.parametrize(("term", "near"), [
    ({}, False),
    ({"namespaces": ["other"]}, True),
    ({"matchLabelKeys": ["rev"], "namespaces": ["other"]}, False),
    ({"mismatchLabelKeys": ["rev"], "namespaces": ["other"]}, True),
])
def test_whom_a_term_speaks_of(bench: Bench, term: Object, near: bool) -> None:
    bench.node("n1", labels={"zone": "a"})
    db = pod("db", labels={"app": "db", "rev": "1"})
    db.pod["metadata"]["namespace"] = "other"
    bench.cache.set_pod(db.pod, "n1")
    full = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "db"}}, **term}
    affinity = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [full]}}
    wrong = bench.rejected(InterPodAffinity(), pod(labels={"rev": "2"}, affinity=affinity))
    assert (not wrong) is near


def test_cache_keeps_pods_of_nodes_that_come_later(bench: Bench) -> None:
    bench.place("x", "late", {"app": "web"})
    bench.node("late")
    node = bench.cache.get("late")
    assert node is not None
    assert list(node.pods) == ["default/x"]
    bench.cache.remove_node("late")
    assert bench.cache.get("late") is None
    bench.cache.remove_pod("default/x")
    bench.node("late")
    assert [len(node.pods) for node in bench.cache] == [0]
