"""Endpoints and EndpointSlices of Services."""

from typing import Any

import pytest

from apiserver.machinery.gvk import ENDPOINTS, ENDPOINTSLICES, PODS, SERVICES
from apiserver.machinery.meta import labels, name, uid
from apiserver.machinery.types import Object
from controllers.controller import Options
from controllers.endpointslice.reconciler import Template, plan
from tests.controllers.world import World, obj, pod

ALL = ("endpoints-controller", "endpointslice-controller", "endpointslice-mirroring-controller")


def service(own: str = "s", **spec: Any) -> Object:
    return obj("v1", "Service", own, labels={"l": "v"}, spec={
        "selector": {"app": "web"}, "ports": [{"name": "a", "port": 80, "targetPort": "http"},
                                              {"name": "b", "port": 81, "targetPort": 9000}],
        **spec})


def web(own: str, node: str = "n1", **spec: Any) -> Object:
    body = pod(own, app="web", nodeName=node, **spec)
    body["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": 8080}]
    return body


def world_with(*pods: str, options: Options | None = None, **spec: Any) -> World:
    world = World(*ALL, options=options)
    world.add_node("n1")
    world.create(SERVICES, service(**spec))
    for number, own in enumerate(pods, start=1):
        world.create(PODS, web(own))
        world.make_ready(own, ip=f"172.17.9.{number}")
    return world


def subsets(world: World) -> Any:
    return world.get(ENDPOINTS, "s").get("subsets")


def slices(world: World) -> list[Object]:
    return world.all(ENDPOINTSLICES, "kubernetes.io/service-name=s")


def ips(world: World) -> list[str]:
    return sorted(one["addresses"][0] for part in slices(world)
                  for one in part.get("endpoints") or ())


@pytest.mark.verified("truth/api/endpoints endpoints-follow-pods")
def test_endpoints_have_an_address_per_ready_pod_and_its_ports() -> None:
    world = world_with("p1")
    made = world.get(PODS, "p1")
    assert subsets(world) == [{
        "addresses": [{"ip": "172.17.9.1", "nodeName": "n1", "targetRef": {
            "kind": "Pod", "name": "p1", "namespace": "default", "uid": uid(made)}}],
        "ports": [{"name": "a", "port": 8080, "protocol": "TCP"},
                  {"name": "b", "port": 9000, "protocol": "TCP"}]}]


def test_a_pod_that_is_not_ready_is_a_not_ready_address() -> None:
    world = world_with("p1")
    world.patch(PODS, "p1", {"status": {"conditions": [{"type": "Ready", "status": "False"}]}},
                subresource="status", type="strategic")
    (subset,) = subsets(world)
    assert "addresses" not in subset
    assert subset["notReadyAddresses"][0]["ip"] == "172.17.9.1"
    (part,) = slices(world)
    assert part["endpoints"][0]["conditions"] == {
        "ready": False, "serving": False, "terminating": False}


@pytest.mark.verified("truth/api/endpoints not-ready-published")
def test_not_ready_addresses_are_published_on_request() -> None:
    world = world_with(publishNotReadyAddresses=True)
    world.create(PODS, web("p1"))
    world.patch(PODS, "p1", {"status": {"podIP": "172.17.9.1", "podIPs": [{"ip": "172.17.9.1"}]}},
                subresource="status", type="strategic")
    assert subsets(world)[0]["addresses"][0]["ip"] == "172.17.9.1"
    assert slices(world)[0]["endpoints"][0]["conditions"] == {
        "ready": True, "serving": False, "terminating": False}


@pytest.mark.verified("truth/api/endpoints endpointslices-follow-pods")
def test_a_slice_carries_the_services_labels_and_its_own() -> None:
    world = world_with(clusterIP="None")
    (part,) = slices(world)
    made = world.get(SERVICES, "s")
    assert labels(part) == {
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": "s", "l": "v", "service.kubernetes.io/headless": ""}
    assert (part["endpoints"], part["ports"]) == (None, None)
    assert part["metadata"]["generateName"] == "s-"
    assert part["metadata"]["ownerReferences"] == [{
        "apiVersion": "v1", "kind": "Service", "name": "s", "uid": uid(made),
        "controller": True, "blockOwnerDeletion": True}]
    assert labels(world.get(ENDPOINTS, "s")) == {"l": "v", "service.kubernetes.io/headless": ""}


@pytest.mark.verified("truth/api/endpoints endpointslices-follow-pods")
def test_a_terminating_pod_stays_in_the_slice_and_leaves_the_endpoints() -> None:
    world = world_with("p1")
    world.delete(PODS, "p1")
    assert subsets(world) is None
    assert slices(world)[0]["endpoints"][0]["conditions"] == {
        "ready": False, "serving": True, "terminating": True}
    world.delete(PODS, "p1", grace_period_seconds=0)
    assert ips(world) == []


def test_a_pod_that_stops_matching_leaves() -> None:
    world = world_with("p1", "p2")
    world.patch(PODS, "p1", {"metadata": {"labels": {"app": "other"}}})
    assert ips(world) == ["172.17.9.2"]
    assert [one["ip"] for one in subsets(world)[0]["addresses"]] == ["172.17.9.2"]


def test_a_phase_alone_writes_nothing() -> None:
    world = world_with("p1")
    before = world.store.revision
    world.patch(PODS, "p1", {"status": {"phase": "Unknown"}}, subresource="status")
    assert world.store.revision == before + 1


def test_a_deleted_service_takes_its_endpoints_along() -> None:
    world = World(*ALL, "garbage-collector-controller")
    world.add_node("n1")
    world.create(SERVICES, service())
    world.delete(SERVICES, "s")
    assert world.all(ENDPOINTS) == []
    assert slices(world) == []


def test_slices_are_filled_to_their_limit_before_there_is_another() -> None:
    world = world_with("p1", "p2", "p3", options=Options(max_endpoints_per_slice=2))
    assert sorted(len(part["endpoints"]) for part in slices(world)) == [1, 2]
    world.create(PODS, web("p4"))
    world.make_ready("p4", ip="172.17.9.4")
    assert [len(part["endpoints"]) for part in slices(world)] == [2, 2]


def test_a_slice_that_somebody_changes_is_put_right() -> None:
    world = world_with("p1")
    (part,) = slices(world)
    world.patch(ENDPOINTSLICES, name(part), {"endpoints": []})
    assert ips(world) == ["172.17.9.1"]


def test_a_slice_that_somebody_deletes_comes_back() -> None:
    world = world_with("p1")
    world.delete(ENDPOINTSLICES, name(slices(world)[0]))
    assert ips(world) == ["172.17.9.1"]


def test_a_pod_of_a_missing_node_waits_for_the_node() -> None:
    world = world_with()
    world.create(PODS, web("p1", node="late"))
    world.make_ready("p1", ip="172.17.9.1")
    assert ips(world) == []
    world.add_node("late")
    world.advance(10)
    assert ips(world) == ["172.17.9.1"]


def test_traffic_distribution_gives_hints_by_zone() -> None:
    world = World(*ALL)
    world.add_node("n1", **{"topology.kubernetes.io/zone": "z1"})
    world.create(SERVICES, service(trafficDistribution="PreferClose"))
    world.create(PODS, web("p1"))
    world.make_ready("p1", ip="172.17.9.1")
    (endpoint,) = slices(world)[0]["endpoints"]
    assert endpoint["zone"] == "z1"
    assert endpoint["hints"] == {"forZones": [{"name": "z1"}]}


@pytest.mark.verified("truth/api/endpoints selectorless-service")
def test_hand_made_endpoints_are_mirrored() -> None:
    world = World(*ALL)
    body = service(ports=[{"port": 80}])
    del body["spec"]["selector"]
    world.create(SERVICES, body)
    made = world.create(ENDPOINTS, {**obj("v1", "Endpoints", "s"), "subsets": [
        {"addresses": [{"ip": "192.0.2.55"}], "ports": [{"port": 8080}]}]})
    (part,) = slices(world)
    assert part["endpoints"] == [{"addresses": ["192.0.2.55"], "conditions": {"ready": True}}]
    assert part["ports"] == [{"name": "", "port": 8080, "protocol": "TCP"}]
    assert part["metadata"]["ownerReferences"][0]["uid"] == uid(made)
    assert labels(part)["endpointslice.kubernetes.io/managed-by"] == (
        "endpointslicemirroring-controller.k8s.io")


def test_endpoints_that_ask_not_to_be_mirrored_are_not() -> None:
    world = World(*ALL)
    body = service(ports=[{"port": 80}])
    del body["spec"]["selector"]
    world.create(SERVICES, body)
    made = {**obj("v1", "Endpoints", "s", labels={
        "endpointslice.kubernetes.io/skip-mirror": "true"}), "subsets": [
        {"addresses": [{"ip": "192.0.2.55"}], "ports": [{"port": 8080}]}]}
    world.create(ENDPOINTS, made)
    assert slices(world) == []


def test_pods_that_get_ready_together_are_one_write_of_the_slice() -> None:
    world = world_with()
    for number in range(20):
        world.create(PODS, web(f"q{number}"))
    before = world.store.revision
    world.make_ready(*[f"q{number}" for number in range(20)], ip="172.17.9.9")
    assert len(slices(world)[0]["endpoints"]) == 20
    assert world.store.revision == before + 20 + 2


@pytest.mark.parametrize("controller", ["endpoints-controller", "endpointslice-controller"])
def test_once_settled_there_is_nothing_to_do(controller: str) -> None:
    world = world_with("p1", "p2")
    before = world.store.revision
    world.manager.controllers[controller].queue.add("default/s")
    world.settle()
    assert world.store.revision == before


def test_a_slice_to_delete_is_reused_rather_than_another_created() -> None:
    owner = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "uid": "1"}}
    template = Template(owner, {"a": "b"})
    old = {**template.new("IPv4", (("", "TCP", 1, ""),)),
           "endpoints": [{"addresses": ["1.2.3.4"]}]}
    old["metadata"]["name"] = "s-x"
    fresh = {"1.2.3.4": {"addresses": ["1.2.3.4"]}}
    changes = plan(template, {"IPv4": {(("", "TCP", 2, ""),): fresh}}, [old], 100, placeholder=True)
    assert (changes.create, changes.delete) == ([], [])
    assert [one["metadata"]["name"] for one in changes.update] == ["s-x"]
    assert changes.update[0]["ports"][0]["port"] == 2
