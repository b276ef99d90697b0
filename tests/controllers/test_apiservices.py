"""Whether an APIService of a Service can be asked."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.machinery.gvk import ENDPOINTSLICES, GVR, SERVICES
from controllers.apiservices import APIServiceAvailability
from tests.controllers.world import World, obj

APISERVICES = GVR("apiregistration.k8s.io", "v1", "apiservices")


@pytest.fixture
def world() -> World:
    made = World()
    made.manager.add(APIServiceAvailability(made.context))
    made.create(APISERVICES, obj("apiregistration.k8s.io/v1", "APIService", "v1.shop.io", None,
                                 spec={
        "group": "shop.io", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 1,
        "service": {"namespace": "default", "name": "shop", "port": 8443}}))
    return made


def state(world: World) -> tuple[Any, ...]:
    condition, = world.get(APISERVICES, "v1.shop.io", None)["status"]["conditions"]
    return condition["status"], condition["reason"], condition["message"]


def service(world: World, port: int = 8443, **spec: Any) -> None:
    world.create(SERVICES, obj("v1", "Service", "shop", spec={
        "selector": {"a": "b"}, "ports": [{"name": "api", "port": port}], **spec}))


def endpoints(world: World, *addresses: str, port: str = "api") -> None:
    world.create(ENDPOINTSLICES, {
        **obj("discovery.k8s.io/v1", "EndpointSlice", "shop-1",
              labels={"kubernetes.io/service-name": "shop"}),
        "addressType": "IPv4", "ports": [{"name": port, "port": 1}],
        "endpoints": [{"addresses": [each], "conditions": {"ready": True}} for each in addresses]})


def test_it_is_available_once_somebody_listens(world: World) -> None:
    assert state(world) == ("False", "ServiceNotFound",
                            'service/shop in "default" is not present')
    service(world)
    assert state(world) == ("False", "EndpointsNotFound",
                            'cannot find endpoints for service/shop in "default"')
    endpoints(world, "10.0.0.1")
    assert state(world) == ("True", "Passed", "all checks passed")
    world.delete(SERVICES, "shop")
    assert state(world)[1] == "ServiceNotFound"


def test_a_service_must_listen_on_the_port(world: World) -> None:
    service(world, port=443)
    assert state(world) == ("False", "ServicePortError",
                            'service/shop in "default" is not listening on port 8443')


@pytest.mark.parametrize(("addresses", "port"), [((), "api"), (("10.0.0.1",), "other")])
def test_endpoints_must_have_an_address_with_the_port(world: World, addresses, port) -> None:
    service(world)
    endpoints(world, *addresses, port=port)
    assert state(world) == ("False", "MissingEndpoints", (
        'endpoints for service/shop in "default" have no addresses with port name "api"'))


def test_services_outside_are_believed(world: World) -> None:
    world.create(SERVICES, obj("v1", "Service", "shop", spec={
        "type": "ExternalName", "externalName": "shop.example.com"}))
    assert state(world)[1] == "Passed"
