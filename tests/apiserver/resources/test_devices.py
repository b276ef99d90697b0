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
LABEL = ("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
         "and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
         "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')")
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
    (RESOURCECLAIMS, claim({**exactly(), "name": ""}),
     [f'{PATH}.name: Invalid value: "": {LABEL}']),
    (RESOURCECLAIMS, claim(exactly(tolerations=[
        {"key": "a", "operator": "Exists", "value": "b"}, {"operator": "X", "effect": "Y"}])),
     [f'{PATH}.exactly.tolerations[0].value: Invalid value: "b": must be empty for operator '
      "`Exists`",
      f'{PATH}.exactly.tolerations[1].operator: Unsupported value: "X": supported values: '
      '"Equal", "Exists"',
      f'{PATH}.exactly.tolerations[1].effect: Unsupported value: "Y": supported values: '
      '"NoExecute", "NoSchedule", "None"']),
    (RESOURCECLAIMS, claim(constraints=[{"matchAttribute": "a"}, {"matchAttribute": "/"}]),
     ['spec.devices.constraints[0].matchAttribute: Invalid value: "a": a fully qualified name '
      "must be a domain and a name separated by a slash",
      'spec.devices.constraints[1].matchAttribute: Invalid value: "": the domain must not be empty',
      'spec.devices.constraints[1].matchAttribute: Invalid value: "": the name must not be '
      "empty"]),
    (RESOURCECLAIMS, claim(config=[{"opaque": {"driver": "x.io",
                                               "parameters": {"a": "b" * 10240}}}]),
     ["spec.devices.config[0].opaque.parameters: Too long: may not be more than 10240 bytes"]),
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


DEVICE = "spec.devices[0]"


@pytest.mark.parametrize(("device", "slice_", "expected"), [
    ({"attributes": {"a": {"string": "x"}, "x.io/b": {"version": "1.0.0-rc.1+b"}}}, {}, []),
    ({"attributes": {"a": {"version": "1.0"}, "b": {}, "c": {"int": 1, "bool": True}}}, {},
     [f'{DEVICE}.attributes[a].version: Invalid value: "1.0": must be a string compatible with '
      "semver.org spec 2.0.0",
      f'{DEVICE}.attributes[b]: Invalid value: "": exactly one value must be specified',
      f'{DEVICE}.attributes[c]: Invalid value: {{"bool":true,"int":1}}: exactly one value must be '
      "specified"]),
    ({"attributes": {"s": {"string": "x" * 65}}}, {},
     [f"{DEVICE}.attributes[s].string: Too long: may not be more than 64 bytes"]),
    ({"attributes": {f"a{i}": {"int": i} for i in range(33)}}, {},
     [f"{DEVICE}: Invalid value: 33: the total number of attributes and capacities must not "
      "exceed 32"]),
    ({"taints": [{"key": "a"}, {"key": "a", "effect": "X"}]}, {},
     [f"{DEVICE}.taints[0].effect: Required value",
      f'{DEVICE}.taints[1].effect: Unsupported value: "X": supported values: "NoExecute", '
      '"NoSchedule", "None"']),
    ({"allNodes": True}, {},
     [f"{DEVICE}: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set "
      "if `perDeviceNodeSelection` is set to true in the ResourceSlice spec"]),
    ({"nodeName": ""}, {"nodeName": None, "perDeviceNodeSelection": True},
     [f'{DEVICE}.nodeName: Invalid value: "": must not be empty',
      f"{DEVICE}: Required value: exactly one of `nodeName`, `nodeSelector`, or `allNodes` is "
      "required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec"]),
    ({"bindingConditions": ["a", "a"]}, {},
     [f'{DEVICE}.bindingConditions[1]: Duplicate value: "a"',
      f"{DEVICE}.bindingFailureConditions: Invalid value: null: bindingFailureConditions are "
      "required to use bindingConditions"]),
    ({"consumesCounters": [{"counterSet": "s"}]}, {},
     [f"{DEVICE}.consumesCounters[0].counters: Required value"]),
    ({"capacity": {"m": {"value": "1", "requestPolicy": {}}}}, {},
     [f"{DEVICE}.capacity[m].requestPolicy: Forbidden: allowMultipleAllocations must be true"]),
])
def test_what_a_device_may_be(device: dict[str, Any], slice_: dict[str, Any],
                              expected: list[str]) -> None:
    body = offer(**slice_)
    body["spec"]["devices"] = [{"name": "a", **device}]
    assert create_errors(RESOURCESLICES, **body) == expected


RANGE = "spec.devices[0].capacity[m].requestPolicy"


@pytest.mark.parametrize(("policy", "expected"), [
    ({"default": "1", "validValues": ["1", "2"]}, []),
    ({"validValues": ["1"]}, [f"{RANGE}.default: Required value: required when validValues is "
                              "defined"]),
    ({"default": "3", "validValues": ["2", "1", "9"]},
     [f'{RANGE}.validValues[1]: Invalid value: "1": values must be sorted in ascending order',
      f'{RANGE}.validValues[2]: Invalid value: "9": option is larger than capacity value: 8',
      f'{RANGE}.validValues: Invalid value: "3": default value is not valid according to the '
      "requestPolicy"]),
    ({"default": "1", "validValues": ["1"], "validRange": {"min": "1"}},
     [f'{RANGE}: Forbidden: exactly one policy can be specified, cannot specify "validValues" and '
      '"validRange" at the same time']),
    ({"default": "1", "validRange": {}},
     [f"{RANGE}.validRange.min: Required value: required when validRange is defined"]),
    ({"default": "1", "validRange": {"min": "2", "max": "9", "step": "2"}},
     [f'{RANGE}.validRange.default: Invalid value: "1": default is less than min: 2',
      f'{RANGE}.validRange.max: Invalid value: "9": max is larger than capacity value: 8',
      f'{RANGE}.validRange.step: Invalid value: "1": value is not a multiple of a given step (2) '
      "from (2)",
      f'{RANGE}.validRange.step: Invalid value: "9": value is not a multiple of a given step (2) '
      "from (2)"]),
    ({"default": "1", "validRange": {"min": "1", "step": "0"}},
     [f'{RANGE}.validRange.step: Invalid value: "0": must be greater than zero']),
])
def test_how_much_of_a_device_may_be_asked_for(policy: dict[str, Any],
                                               expected: list[str]) -> None:
    body = offer()
    body["spec"]["devices"] = [{"name": "a", "allowMultipleAllocations": True, "capacity": {
        "m": {"value": "8", "requestPolicy": policy}}}]
    assert create_errors(RESOURCESLICES, **body) == expected


RESULT = {"request": "r", "driver": "x.io", "pool": "p", "device": "d"}


@pytest.mark.parametrize(("status", "expected"), [
    ({"allocation": {"devices": {"results": [RESULT]}}, "devices": [
        {"driver": "x.io", "pool": "p", "device": "d", "networkData": {"ips": ["10.0.0.1/24"]}}]},
     []),
    ({"allocation": {"devices": {"results": [{**RESULT, "request": "q", "shareID": "x"}],
                                 "config": [{"source": "X", "opaque": {
                                     "driver": "x.io", "parameters": {}}}]}}},
     [f'status.allocation.devices.results[0].request: Invalid value: "q": {REFERENCE}',
      'status.allocation.devices.results[0].shareID: Invalid value: "x": error validating uid: '
      "invalid UUID length: 1",
      'status.allocation.devices.config[0].source: Unsupported value: "X": supported values: '
      '"FromClaim", "FromClass"']),
    ({"devices": [{"driver": "x.io", "pool": "p", "device": "d", "conditions": [{"type": "a"}],
                   "networkData": {"ips": ["10.0.0.1", "10.0.0.1/024"]}}]},
     ['status.devices[0]: Invalid value: "x.io/p/d": must be an allocated device in the claim',
      'status.devices[0].conditions[0].status: Unsupported value: "": supported values: "False", '
      '"True", "Unknown"',
      "status.devices[0].conditions[0].lastTransitionTime: Required value: must be set",
      "status.devices[0].conditions[0].reason: Required value: must be set",
      'status.devices[0].networkData.ips[0]: Invalid value: "10.0.0.1": must be a valid address '
      "in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)",
      'status.devices[0].networkData.ips[1]: Invalid value: "10.0.0.1/024": must be in canonical '
      'form ("10.0.0.1/24")']),
])
def test_what_a_claim_may_have(status: dict[str, Any], expected: list[str]) -> None:
    old = made(RESOURCECLAIMS, **claim())
    assert [str(e) for e in RESOURCECLAIMS.strategy.validate_status_update(
        context(RESOURCECLAIMS, "update"), {**old, "status": status}, old)] == expected
