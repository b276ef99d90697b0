"""Wishes for devices, and what drivers offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apiserver.resources.resource.devices import DEVICECLASSES, RESOURCECLAIMS, RESOURCESLICES
from tests.apiserver.resources.kinds import context, create_errors, made, update_errors

if TYPE_CHECKING:
    from apiserver.resource import Resource

PATH = "spec.devices.requests[0]"
REFERENCE = ("must be the name of a request in the claim or the name of a request and a "
             "subrequest separated by '/'")
ONE_PLACE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection`"


def claim(*requests: dict[str, Any], **devices: Any) -> dict[str, Any]:
    asked = list(requests) or [exactly()]
    return {"spec": {"devices": {"requests": asked, **devices}}}


def exactly(name: str = "r", **more: Any) -> dict[str, Any]:
    return {"name": name, "exactly": {"deviceClassName": "x.io", **more}}


def either(*names: str) -> dict[str, Any]:
    return {"name": "r", "firstAvailable": [
        {"name": name, "deviceClassName": "x.io"} for name in names]}


def offer(*devices: str, **more: Any) -> dict[str, Any]:
    return {"spec": {"driver": "x.io", "nodeName": "n", "devices": [{"name": d} for d in devices],
                     "pool": {"name": "p", "resourceSliceCount": 1}, **more}}


@pytest.mark.parametrize(("resource", "body", "expected"), [
    (RESOURCECLAIMS, claim(), []),
    (RESOURCECLAIMS, claim({"name": "r"}),
     [f"{PATH}: Required value: exactly one of `exactly` or `firstAvailable` is required"]),
    (RESOURCECLAIMS, claim({**exactly(), **either("a")}),
     [f"{PATH}: Invalid value: null: exactly one of `exactly` or `firstAvailable` is required, "
      "but multiple fields are set"]),
    (RESOURCECLAIMS, claim(exactly(), exactly()),
     ['spec.devices.requests[1]: Duplicate value: "r"']),
    (RESOURCECLAIMS, claim(either("a", "a")), [f'{PATH}.firstAvailable[1]: Duplicate value: "a"']),
    (RESOURCECLAIMS, claim(exactly(deviceClassName="", allocationMode="All", count=2)),
     [f"{PATH}.exactly.deviceClassName: Required value",
      f"{PATH}.exactly.count: Invalid value: 2: must not be specified when allocationMode is "
      "'All'"]),
    (RESOURCECLAIMS, claim(exactly(selectors=[{}])),
     [f"{PATH}.exactly.selectors[0].cel: Required value"]),
    (RESOURCECLAIMS, claim(either("a"), constraints=[
        {"requests": ["r/a", "r", "r/b", "x"], "matchAttribute": "x.io/a"}]),
     [f'spec.devices.constraints[0].requests[{i}]: Invalid value: "{name}": {REFERENCE}'
      for i, name in ((2, "r/b"), (3, "x"))]),
    (RESOURCECLAIMS, claim(config=[{}]), ["spec.devices.config[0].opaque: Required value"]),
    (RESOURCECLAIMS, claim(config=[{"opaque": {"driver": "x.io"}}]),
     ["spec.devices.config[0].opaque.parameters: Required value"]),
    (RESOURCECLAIMS, claim(*(exactly(f"r{i}") for i in range(33))),
     ["spec.devices.requests: Too many: 33: must have at most 32 items"]),
    (DEVICECLASSES, {"spec": {"extendedResourceName": "cpu"}},
     ['spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name']),
    (RESOURCESLICES, offer("a", "a"), ['spec.devices[1]: Duplicate value: "a"']),
    (RESOURCESLICES, offer(nodeName=None), [f"spec: Required value: {ONE_PLACE} is required"]),
    (RESOURCESLICES, offer(allNodes=True),
     [f'spec: Invalid value: "{{`nodeName`, `allNodes`}}": {ONE_PLACE} is required, but multiple '
      "fields are set"]),
    (RESOURCESLICES, offer(allNodes=False, pool={"name": "p"}),
     ["spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
      "spec.allNodes: Invalid value: false: must be either unset or set to true"]),
])
def test_what_may_be_asked_and_offered(resource: Resource, body: dict[str, Any],
                                       expected: list[str]) -> None:
    assert create_errors(resource, **body) == expected


def test_an_offer_keeps_its_names() -> None:
    old = made(RESOURCESLICES, **offer("a"))
    assert update_errors(RESOURCESLICES, old, lambda new: new["spec"].update(nodeName="m")) == [
        'spec.nodeName: Invalid value: "m": field is immutable']


def test_a_claim_is_had_once_it_is_allocated() -> None:
    old = made(RESOURCECLAIMS, **claim())
    new = {**old, "status": {"reservedFor": [{"resource": "pods", "name": "p"}]}}
    assert [str(e) for e in RESOURCECLAIMS.strategy.validate_status_update(
        context(RESOURCECLAIMS, "update"), new, old)] == [
            "status.reservedFor[0].uid: Required value",
            "status.reservedFor: Forbidden: may not be specified when `allocated` is not set"]
