"""Cells of kinds that no other file here is about, in their odd states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apiserver.resources import BUILTIN
from apiserver.resources.admissionregistration.policies import VALIDATINGADMISSIONPOLICYBINDINGS
from apiserver.resources.autoscaling.horizontalpodautoscalers import HORIZONTALPODAUTOSCALERS
from apiserver.resources.core.resourcequotas import RESOURCEQUOTAS
from apiserver.resources.flowcontrol.flows import FLOWSCHEMAS, PRIORITYLEVELCONFIGURATIONS
from apiserver.resources.networking.ingressclasses import INGRESSCLASSES
from apiserver.resources.networking.ingresses import INGRESSES
from apiserver.resources.networking.ipaddresses import IPADDRESSES
from apiserver.resources.storage.storageclasses import STORAGECLASSES, VOLUMEATTRIBUTESCLASSES
from apiserver.storage.store import Version
from apiserver.table import scale_table, table_of
from tests.apiserver.resources.kinds import NOW, cells

if TYPE_CHECKING:
    from apiserver.resource import Resource

CREATED = "2025-12-31T23:00:00Z"


def obj(name: str = "a", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "creationTimestamp": CREATED, "resourceVersion": "7"}
    return {"metadata": metadata | more.pop("metadata", {}), **more}


def metric(kind: str, **target: Any) -> dict[str, Any]:
    source = {"name": "cpu", "container": "c", "target": target}
    return {"type": kind, kind[:1].lower() + kind[1:]: source}


@pytest.mark.parametrize(("resource", "given", "column", "text"), [
    (INGRESSES, obj(spec={"rules": [{"host": h} for h in ("a", "b", "c")] + [{}, {}]}), "Hosts",
     "a,b,c + 2 more..."),
    (INGRESSES, obj(spec={"rules": [{}, {}]}), "Hosts", "*"),
    (INGRESSCLASSES, obj(spec={"parameters": {"apiGroup": "x", "kind": "K", "name": "n"}}),
     "Parameters", "K.x/n"),
    (INGRESSCLASSES, obj(spec={"parameters": {"kind": "K", "name": "n"}}), "Parameters", "K/n"),
    (IPADDRESSES, obj(spec={}), "ParentRef", "<none>"),
    (VOLUMEATTRIBUTESCLASSES, obj(metadata={"annotations": {
        "volumeattributesclass.alpha.kubernetes.io/is-default-class": "true"}}), "Name",
     "a (default)"),
    (STORAGECLASSES, obj(metadata={"annotations": {
        "storageclass.beta.kubernetes.io/is-default-class": "true"}}), "Name", "a (default)"),
    (RESOURCEQUOTAS, obj(status={"hard": {"limits.cpu": "1", "cpu": "2"}, "used": {"cpu": "1"}}),
     "Request", "cpu: 1/2"),
    (RESOURCEQUOTAS, obj(status={"hard": {"limits.cpu": "1", "cpu": "2"}}), "Limit",
     "limits.cpu: 0/1"),
    (HORIZONTALPODAUTOSCALERS, obj(spec={"metrics": [
        metric("ContainerResource", averageUtilization=50)]}), "Targets", "cpu: <unknown>/50%"),
    (HORIZONTALPODAUTOSCALERS, obj(spec={"metrics": [{"type": "Odd"}]}), "Targets",
     "<unknown type>"),
    (PRIORITYLEVELCONFIGURATIONS, obj(spec={"type": "Limited", "limited": {
        "nominalConcurrencyShares": 30, "limitResponse": {"queuing": {"queues": 64}}}}), "Queues",
     64),
    (PRIORITYLEVELCONFIGURATIONS, obj(spec={"type": "Exempt"}), "NominalConcurrencyShares",
     "<none>"),
    (VALIDATINGADMISSIONPOLICYBINDINGS, obj(spec={"paramRef": {"name": "p"}}), "ParamRef", "*/p"),
    (VALIDATINGADMISSIONPOLICYBINDINGS, obj(spec={"paramRef": {"namespace": "n", "selector": {
        "matchLabels": {"a": "b"}, "matchExpressions": [
            {"key": "k", "operator": "In", "values": ["v", "w"]}]}}}), "ParamRef",
     "&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:"
     "[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[v w],},},}"),
    (VALIDATINGADMISSIONPOLICYBINDINGS, obj(spec={}), "ParamRef", "<unset>"),
])
def test_cells(resource: Resource, given: dict[str, Any], column: str, text: object) -> None:
    assert cells(resource, given)[column] == text


def test_flow_schemas_are_listed_in_the_order_in_which_they_are_tried() -> None:
    schemas = [obj(name, spec={"matchingPrecedence": precedence})
               for name, precedence in (("a", 900), ("b", 2), ("c", 2))]
    table = table_of(FLOWSCHEMAS, [Version("k", each, 1, 1) for each in schemas], NOW)
    assert [row["cells"][0] for row in table["rows"]] == ["b", "c", "a"]


def test_a_scale_is_a_table_of_its_own() -> None:
    scale = obj(spec={"replicas": 3}, status={"replicas": 2})
    table = scale_table(scale, NOW, "None", "v1")
    assert [column["name"] for column in table["columnDefinitions"]] == [
        "Name", "Desired", "Available", "Age"]
    assert table["rows"] == [{"cells": ["a", 3, 2, "60m"], "object": None}]


def test_what_extends_the_api_is_a_category() -> None:
    extending = {r.plural for r in BUILTIN if "api-extensions" in r.categories}
    assert extending == {
        "apiservices", "customresourcedefinitions", "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings", "mutatingwebhookconfigurations",
        "validatingadmissionpolicies", "validatingadmissionpolicybindings",
        "validatingwebhookconfigurations"}
