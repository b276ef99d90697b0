"""What is wrong with objects of kinds that no other file here is about: create and update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apiserver.resources.autoscaling.horizontalpodautoscalers import (
    HORIZONTALPODAUTOSCALERS as SCALERS,
)
from apiserver.resources.core.events import EVENTS
from apiserver.resources.discovery.endpointslices import ENDPOINTSLICES
from apiserver.resources.events.events import NEW_EVENTS
from apiserver.resources.networking.ingressclasses import INGRESSCLASSES
from apiserver.resources.networking.ipaddresses import SERVICECIDRS
from apiserver.resources.networking.networkpolicies import NETWORKPOLICIES
from apiserver.resources.node.runtimeclasses import RUNTIMECLASSES
from apiserver.resources.policy.poddisruptionbudgets import PODDISRUPTIONBUDGETS
from apiserver.resources.scheduling.priorityclasses import PRIORITYCLASSES
from apiserver.resources.storage.csi import (
    CSIDRIVERS,
    CSINODES,
    CSISTORAGECAPACITIES,
    VOLUMEATTACHMENTS,
)
from apiserver.resources.storage.storageclasses import STORAGECLASSES, VOLUMEATTRIBUTESCLASSES
from tests.apiserver.resources.kinds import context, create_errors, made, update_errors

if TYPE_CHECKING:
    from apiserver.resource import Resource

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')")
LABEL = ("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
         "and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
         "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')")
NAME_PART = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')")
BOTH = ("may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and "
        "2001:db8::/64")
IMMUTABLE = "field is immutable"


def slice_of(*addresses: str, **more: Any) -> dict[str, Any]:
    return {"addressType": "IPv4", "endpoints": [{"addresses": list(addresses), **more}]}


def topology(*keys: str) -> dict[str, Any]:
    return {"matchLabelExpressions": [{"key": key, "values": ["v"]} for key in keys]}


def attachment(**more: Any) -> dict[str, Any]:
    return {"spec": {"attacher": "x.io", "nodeName": "n",
                     "source": {"persistentVolumeName": "v"}, **more}}


def scaler(**more: Any) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
    return {"spec": {"maxReplicas": 3, "scaleTargetRef": target, **more}}


def metric(kind: str, **source: Any) -> dict[str, Any]:
    return scaler(metrics=[{"type": kind, kind[:1].lower() + kind[1:]: source}])


def event(**more: Any) -> dict[str, Any]:
    return {"regarding": {"kind": "Pod", "name": "p", "namespace": "other"}, "type": "Normal",
            "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "x.io/c",
            "reportingInstance": "i", "action": "a", "reason": "r", **more}


@pytest.mark.parametrize(("resource", "body", "expected"), [
    (NEW_EVENTS, event(), []),
    (NEW_EVENTS, event(regarding={"kind": "Node"}, reportingController=""),
     ["reportingController: Required value",
      'reportingController: Invalid value: "": name part must be non-empty',
      f'reportingController: Invalid value: "": {NAME_PART}']),
    (NEW_EVENTS, event(series={"count": 1}),
     ['series.count: Invalid value: "": should be at least 2',
      "series.lastObservedTime: Required value"]),
    (EVENTS, {"metadata": {"name": "Any_Name"}, "involvedObject": {"namespace": "other"}},
     ['involvedObject.namespace: Invalid value: "other": does not match event.namespace']),
    (EVENTS, {"metadata": {"namespace": "kube-system"}, "involvedObject": {}},
     ['involvedObject.namespace: Invalid value: "": does not match event.namespace']),
    (NEW_EVENTS, event(metadata={"namespace": "kube-system"}, regarding={}), []),
    (SCALERS, scaler(), []),
    (SCALERS, scaler(scaleTargetRef={"kind": "Deployment", "name": "d"}),
     ['spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group']),
    (SCALERS, scaler(scaleTargetRef={"kind": "ReplicationController", "name": "d"}), []),
    (SCALERS, scaler(scaleTargetRef={"apiVersion": "a/b/c", "kind": "X", "name": "d"}),
     ['spec.scaleTargetRef.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: '
      "a/b/c"]),
    (SCALERS, scaler(minReplicas=0),
     ["spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
      "spec.metrics: Forbidden: must specify at least one Object or External metric to support "
      "scaling to zero replicas"]),
    (SCALERS, metric("Object", describedObject={"kind": "K", "name": "n"}, metric={"name": "m"},
                     target={"type": "Value"}),
     ["spec.metrics[0].object.target.averageValue: Required value: must set either a target value "
      "or averageValue"]),
    (SCALERS, metric("ContainerResource", name="cpu", container="C",
                     target={"type": "Utilization", "averageUtilization": 1}),
     [f'spec.metrics[0].containerResource.container: Invalid value: "C": {LABEL}']),
    (SCALERS, scaler(behavior={"scaleUp": {"tolerance": "-1"}}),
     ['spec.behavior.scaleUp.tolerance: Invalid value: "-1": must be greater than or equal to 0']),
    (PODDISRUPTIONBUDGETS, {"spec": {"minAvailable": 1, "maxUnavailable": "10%", "selector": {}}},
     ['spec: Invalid value: {"MinAvailable":1,"Selector":{},"MaxUnavailable":"10%",'
      '"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set']),
    (PRIORITYCLASSES, {"value": 1, "preemptionPolicy": ""}, ["preemptionPolicy: Required value"]),
    (NETWORKPOLICIES, {"spec": {"policyTypes": ["X"]}},
     ['spec.policyTypes[0]: Unsupported value: "X": supported values: "Ingress", "Egress"']),
    (INGRESSCLASSES, {"spec": {"controller": "a.io/b", "parameters": {
        "kind": "K", "name": "n", "scope": "Namespace", "namespace": ""}}},
     [f'spec.parameters.namespace: Invalid value: "": {LABEL}']),
    (SERVICECIDRS, {"spec": {"cidrs": ["10.0.0.0/8"] * 3}},
     ['spec.cidrs: Invalid value: {"CIDRs":["10.0.0.0/8","10.0.0.0/8","10.0.0.0/8"]}: may only '
      "hold up to 2 values"]),
    (SERVICECIDRS, {"spec": {"cidrs": ["10.0.0.0/8", "11.0.0.0/8"]}},
     [f'spec.cidrs: Invalid value: {{"CIDRs":["10.0.0.0/8","11.0.0.0/8"]}}: {BOTH}']),
    (ENDPOINTSLICES, slice_of("x"),
     ['endpoints[0].addresses[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 '
      "or 2001:db8::ffff)"]),
    (ENDPOINTSLICES, slice_of("fd00::1"),
     ['endpoints[0].addresses: Invalid value: "fd00::1": must be an IPv4 address']),
    (ENDPOINTSLICES, slice_of("10.0.0.1", hints={"forNodes": [{"name": "n"}, {"name": "n"}]}),
     ['endpoints[0].hints.forNodes[1].name: Duplicate value: "n"']),
    (ENDPOINTSLICES, slice_of("10.0.0.1", hints={"forNodes": [{"name": str(i)}
                                                              for i in range(9)]}),
     ["endpoints[0].hints.forNodes: Too many: 9: must have at most 8 items"]),
    (RUNTIMECLASSES, {"handler": "h", "overhead": {"podFixed": {"x": "1"}}, "scheduling": {
        "tolerations": [{"key": "a", "operator": "Exists"}] * 2}},
     ['overhead.limits[x]: Invalid value: "x": must be a standard resource type or fully '
      "qualified",
      'overhead.limits[x]: Invalid value: "x": must be a standard resource for containers',
      'scheduling.tolerations[1]: Duplicate value: {"Key":"a","Operator":"Exists","Value":"",'
      '"Effect":"","TolerationSeconds":null}']),
    (STORAGECLASSES, {"provisioner": "p", "allowedTopologies": [
        topology("a", "a"), topology("b"), topology("b")]},
     ['allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: "a"',
      'allowedTopologies[2].matchLabelExpressions: Duplicate value: ""']),
    (CSIDRIVERS, {"metadata": {"name": "x.io"}, "spec": {
        "fsGroupPolicy": "X", "nodeAllocatableUpdatePeriodSeconds": 9,
        "serviceAccountTokenInSecrets": True}},
     ['spec.fsGroupPolicy: Unsupported value: "X": supported values: "File", "None", '
      '"ReadWriteOnceWithFSType"',
      "spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal "
      "to 10 seconds",
      "spec.serviceAccountTokenInSecrets: Invalid value: true: serviceAccountTokenInSecrets is "
      "set but no tokenRequests are specified"]),
    (CSINODES, {"spec": {"drivers": [
        {"name": "x.io", "nodeID": "n" * 257, "topologyKeys": ["a", "a"]}]}},
     [f'spec.drivers[0].nodeID: Invalid value: "{"n" * 257}": must be 256 characters or less',
      'spec.drivers[0]: Duplicate value: "a"']),
    (VOLUMEATTACHMENTS, attachment(attacher="a/b", nodeName=""),
     [f'spec.nodeName: Invalid value: "": {SUBDOMAIN}',
      f'spec.attacher: Invalid value: "a/b": {SUBDOMAIN}']),
    (VOLUMEATTACHMENTS, attachment(source={}),
     ["spec.source: Required value: must specify exactly one of inlineVolumeSpec and "
      "persistentVolumeName"]),
    (CSISTORAGECAPACITIES, {"capacity": "-1"},
     [f'storageClassName: Invalid value: "": {SUBDOMAIN}',
      'capacity: Invalid value: "-1": must be greater than or equal to 0']),
])
def test_what_is_wrong_with_a_new_one(resource: Resource, body: dict[str, Any],
                                      expected: list[str]) -> None:
    assert create_errors(resource, **body) == expected


@pytest.mark.parametrize(("resource", "body", "change", "expected"), [
    (SERVICECIDRS, {"spec": {"cidrs": ["10.0.0.0/8"]}},
     {"spec": {"cidrs": ["10.0.0.0/8", "fd00::/64"]}}, []),
    (SERVICECIDRS, {"spec": {"cidrs": ["10.0.0.0/8"]}}, {"spec": {"cidrs": ["11.0.0.0/8"]}},
     [f'spec.cidrs[0]: Invalid value: "11.0.0.0/8": {IMMUTABLE}']),
    (SERVICECIDRS, {"spec": {"cidrs": ["10.0.0.0/8"]}},
     {"spec": {"cidrs": ["11.0.0.0/8", "fd00::/64"]}},
     [f'spec.cidrs[0]: Invalid value: "11.0.0.0/8": {IMMUTABLE}']),
    (SERVICECIDRS, {"spec": {"cidrs": ["10.0.0.0/8", "fd00::/64"]}},
     {"spec": {"cidrs": ["10.0.0.0/8"]}},
     [f'spec.cidrs: Invalid value: ["10.0.0.0/8"]: {IMMUTABLE}']),
    (STORAGECLASSES, {"provisioner": "p"}, {"provisioner": "q", "parameters": {"a": "b"}},
     ["parameters: Forbidden: updates to parameters are forbidden.",
      "provisioner: Forbidden: updates to provisioner are forbidden."]),
    (VOLUMEATTRIBUTESCLASSES, {"driverName": "x.io", "parameters": {"a": "b"}},
     {"parameters": {}}, ["parameters: Forbidden: updates to parameters are forbidden.",
                          "parameters: Required value: must contain at least one key/value pair"]),
    (CSINODES, {"spec": {"drivers": [{"name": "x.io", "nodeID": "n"}]}},
     {"spec": {"drivers": [{"name": "x.io", "nodeID": "n", "allocatable": {"count": 3}}]}}, []),
    (CSINODES, {"spec": {"drivers": [{"name": "x.io", "nodeID": "n"}]}},
     {"spec": {"drivers": [{"name": "x.io", "nodeID": "m"}]}},
     ['spec.drivers: Invalid value: {"Name":"x.io","NodeID":"m","TopologyKeys":null,'
      f'"Allocatable":null}}: {IMMUTABLE}']),
    (NEW_EVENTS, event(), {"reason": "x", "regarding": {"kind": "Node"}},
     ['involvedObject: Invalid value: {"Kind":"Node","Namespace":"","Name":"","UID":"",'
      f'"APIVersion":"","ResourceVersion":"","FieldPath":""}}: {IMMUTABLE}',
      f'reason: Invalid value: "x": {IMMUTABLE}', f'reason: Invalid value: "x": {IMMUTABLE}']),
    (NEW_EVENTS, event(), {"series": {
        "count": 2, "lastObservedTime": "2026-01-01T00:00:00.000000Z"}}, []),
    (VOLUMEATTACHMENTS, attachment(), attachment(nodeName="m"),
     ['spec: Invalid value: {"Attacher":"x.io","Source":{"PersistentVolumeName":"v",'
      f'"InlineVolumeSpec":null}},"NodeName":"m"}}: {IMMUTABLE}']),
])
def test_what_may_not_change(resource: Resource, body: dict[str, Any], change: dict[str, Any],
                             expected: list[str]) -> None:
    old = made(resource, **body)
    assert update_errors(resource, old, lambda new: new.update(change)) == expected


def test_a_volume_attachments_status() -> None:
    old = made(VOLUMEATTACHMENTS, **attachment())
    new = {**old, "status": {"attachError": {"message": "m" * 1025, "errorCode": -1}}}
    assert [str(e) for e in VOLUMEATTACHMENTS.strategy.validate_status_update(
        context(VOLUMEATTACHMENTS, "update"), new, old)] == [
            "status.attachError.message: Too long: may not be more than 262144 bytes",
            "status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, "
            "inclusive"]
