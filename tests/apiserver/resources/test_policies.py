"""Limits, roles, priorities and other rules."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.resources.apiextensions.customresourcedefinitions import (
    CUSTOMRESOURCEDEFINITIONS as CRDS,
)
from apiserver.resources.core.limitranges import LIMITRANGES
from apiserver.resources.core.resourcequotas import RESOURCEQUOTAS
from apiserver.resources.policy.poddisruptionbudgets import PODDISRUPTIONBUDGETS
from apiserver.resources.rbac.rolebindings import CLUSTERROLEBINDINGS, ROLEBINDINGS
from apiserver.resources.rbac.roles import CLUSTERROLES, ROLES
from apiserver.resources.scheduling.priorityclasses import PRIORITYCLASSES
from tests.apiserver.resources.kinds import cells, create_errors, made, update_errors


def test_quotas() -> None:
    spec = {"hard": {"pods": "2", "nosuch": "1"}, "scopes": ["BestEffort", "NotBestEffort"]}
    assert create_errors(RESOURCEQUOTAS, spec=spec) == [
        'spec.hard[nosuch]: Invalid value: "nosuch": must be a standard resource type or fully '
        "qualified",
        'spec.hard[nosuch]: Invalid value: "nosuch": must be a standard resource for quota',
        'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes']
    obj = made(RESOURCEQUOTAS, spec={"hard": {"pods": "2"}})
    obj["status"] = {"hard": {"pods": "2", "limits.cpu": "1"}, "used": {"pods": "1"}}
    row = cells(RESOURCEQUOTAS, obj)
    assert (row["Request"], row["Limit"]) == ("pods: 1/2", "limits.cpu: 0/1")


def test_limits_default_each_other() -> None:
    limit = {"type": "Container", "max": {"cpu": "1"}, "default": {"memory": "64Mi"}}
    made_limit = made(LIMITRANGES, spec={"limits": [limit]})["spec"]["limits"][0]
    both = {"cpu": "1", "memory": "64Mi"}
    assert (made_limit["default"], made_limit["defaultRequest"]) == (both, both)


def test_limits_must_be_in_order() -> None:
    errors = create_errors(LIMITRANGES, spec={"limits": [
        {"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]})
    assert "spec.limits[0].min[cpu]: Invalid value: \"2\": min value 2 is greater than max value " \
        "1" in errors
    assert create_errors(LIMITRANGES, spec={"limits": [
        {"type": "Pod", "default": {"cpu": "1"}}]}) == [
        "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"]


@pytest.mark.parametrize(("resource", "rule", "errors"), [
    (ROLES, {"verbs": ["get"], "nonResourceURLs": ["/x"]},
     ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to '
      "non-resource URLs"]),
    (CLUSTERROLES, {"verbs": ["get"], "nonResourceURLs": ["/x"]}, []),
    (ROLES, {"verbs": ["get"]},
     ["rules[0].apiGroups: Required value: resource rules must supply at least one api group",
      "rules[0].resources: Required value: resource rules must supply at least one resource"]),
])
def test_roles(resource: Any, rule: dict[str, Any], errors: list[str]) -> None:
    assert create_errors(resource, rules=[rule]) == errors


def test_bindings() -> None:
    role = {"kind": "Role", "name": "r"}
    obj = made(ROLEBINDINGS, roleRef=role, subjects=[{"kind": "User", "name": "u"}])
    assert obj["roleRef"]["apiGroup"] == obj["subjects"][0]["apiGroup"] == (
        "rbac.authorization.k8s.io")
    assert update_errors(ROLEBINDINGS, obj, lambda new: new["roleRef"].update(name="s")) == [
        'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role",'
        '"Name":"s"}: cannot change roleRef']
    errors = create_errors(CLUSTERROLEBINDINGS, roleRef=role, subjects=[
        {"kind": "ServiceAccount", "name": "a"}])
    assert errors == [
        'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
        "subjects[0].namespace: Required value"]


def test_priorities() -> None:
    assert create_errors(PRIORITYCLASSES, metadata={"name": "system-x"}, value=1) == [
        "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for "
        "system use only. error: system-x is not a known system priority class"]
    assert create_errors(PRIORITYCLASSES, metadata={"name": "system-node-critical"},
                         value=2000001000) == []
    assert create_errors(PRIORITYCLASSES, value=1000000001)
    old = made(PRIORITYCLASSES, value=1)
    assert update_errors(PRIORITYCLASSES, old, lambda new: new.update(value=2)) == [
        "value: Forbidden: may not be changed in an update."]


def test_budgets() -> None:
    errors = create_errors(PODDISRUPTIONBUDGETS, spec={"minAvailable": "x",
                                                       "maxUnavailable": "101%"})
    assert [error.partition(": ")[0] for error in errors] == [
        "spec", "spec.minAvailable", "spec.maxUnavailable"]
    row = cells(PODDISRUPTIONBUDGETS, made(PODDISRUPTIONBUDGETS, spec={"minAvailable": 1}))
    assert (row["Min Available"], row["Max Unavailable"], row["Allowed Disruptions"]) == (
        "1", "N/A", 0)


def definition(**more: Any) -> dict[str, Any]:
    return {"group": "x.io", "scope": "Namespaced", "names": {"plural": "as", "kind": "A"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {
                "openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "array", "items": {"type": "string"}}}}}}], **more}


def test_definitions() -> None:
    name = {"name": "as.x.io"}
    obj = made(CRDS, metadata=name, spec=definition())
    assert obj["spec"]["names"] == {"plural": "as", "kind": "A", "singular": "a",
                                    "listKind": "AList"}
    assert obj["spec"]["conversion"] == {"strategy": "None"}
    assert obj["status"]["storedVersions"] == ["v1"]
    assert create_errors(CRDS, metadata=name, spec=definition()) == []
    assert create_errors(CRDS, metadata={"name": "wrong"}, spec=definition()) == [
        'metadata.name: Invalid value: "wrong": must be spec.names.plural+"."+spec.group']


@pytest.mark.parametrize(("schema", "field"), [
    ({}, "type"),
    ({"type": "object", "properties": {"a": {}}}, "properties[a].type"),
    ({"type": "object", "properties": {"a": {"type": "array"}}}, "properties[a].items"),
    ({"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}},
     "properties[a].pattern"),
    ({"type": "object", "properties": {"a": {"type": "string", "default": 5}}},
     "properties[a].default"),
    ({"type": "object", "properties": {"a": {"type": "string", "uniqueItems": True}}},
     "properties[a].uniqueItems"),
])
def test_schemas_are_structural(schema: dict[str, Any], field: str) -> None:
    version = {"name": "v1", "storage": True, "schema": {"openAPIV3Schema": schema}}
    errors = create_errors(CRDS, metadata={"name": "as.x.io"},
                           spec=definition(versions=[version]))
    path = f"spec.validation.openAPIV3Schema.{field}"
    assert [error.partition(": ")[0] for error in errors] == [path]


def test_a_quota_is_not_for_what_excludes_itself() -> None:
    def one(scope: str) -> dict[str, Any]:
        return {"scopeName": scope, "operator": "Exists"}

    path = "spec.scopeSelector.matchExpressions"
    scopes = {"matchExpressions": [one("BestEffort"), one("NotBestEffort")]}
    assert create_errors(RESOURCEQUOTAS, spec={"scopeSelector": scopes}) == [
        f"{path}: Invalid value: null: conflicting scopes"]
    shown = '{"MatchExpressions":[{"ScopeName":"BestEffort","Operator":"Exists","Values":null}]}'
    assert create_errors(RESOURCEQUOTAS, spec={
        "hard": {"cpu": "1"}, "scopeSelector": {"matchExpressions": [one("BestEffort")]}}) == [
            f"{path}: Invalid value: {shown}: unsupported scope applied to resource"]
