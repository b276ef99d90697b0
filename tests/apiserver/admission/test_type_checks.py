"""Policies' expressions against the kinds that the policies are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apiserver.admission.policies.type_checks import type_warnings
from tests.apiserver.server import Server

if TYPE_CHECKING:
    from apiserver.machinery.types import Object


def policy(*expressions: str, groups: tuple[str, ...] = ("apps",), resource: str = "deployments",
           **spec: Any) -> Object:
    return {"spec": {"matchConstraints": {"resourceRules": [{
        "apiGroups": list(groups), "apiVersions": ["v1"], "operations": ["*"],
        "resources": [resource]}]},
        "validations": [{"expression": each} for each in expressions], **spec}}


def test_a_field_that_is_not_there_is_told_with_its_kind() -> None:
    found = type_warnings(Server().registry, policy("true", "object.replicas > 1"))
    assert found == [{
        "fieldRef": "spec.validations[1].expression",
        "warning": "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n"
                   " | object.replicas > 1\n | ......^\n"}]


def test_every_kind_has_its_own_say_and_messages_are_looked_at() -> None:
    body = policy("has(object.spec.replicas)", groups=("", "apps"))
    rule = body["spec"]["matchConstraints"]["resourceRules"][0]
    rule["resources"] = ["pods", "deployments", "pods/status"]
    body["spec"]["validations"][0]["messageExpression"] = "'no ' + object.spec.nodeName"
    found = type_warnings(Server().registry, body)
    assert [one["fieldRef"].rpartition(".")[2] for one in found] == [
        "expression", "messageExpression"]
    assert found[0]["warning"].startswith("/v1, Kind=Pod: ERROR: <input>:1:4: undefined field")
    assert found[1]["warning"].startswith("apps/v1, Kind=Deployment: ERROR: <input>:1:20:")


@pytest.mark.parametrize("expression", [
    "object.spec.replicas <= 5 && oldObject == null",
    "object.metadata.labels['a'] == 'b' && object.metadata.creationTimestamp < timestamp('x')",
    "object.spec.template.spec.containers.all(c, c.image.startsWith('r/') && "
    "quantity(c.resources.limits['cpu']).isLessThan(quantity('1')))",
    "variables.none.such && request.any.thing", "has(object.spec.strategy.rollingUpdate.maxSurge)"
    " && object.spec.strategy.rollingUpdate.maxSurge == '5%'",
    "object.spec.template.spec.containers[0].__none__ == 1 ||"])
def test_what_fits_is_not_told(expression: str) -> None:
    assert type_warnings(Server().registry, policy(expression)) == []


@pytest.mark.parametrize(("expression", "why"), [
    ("object.spec.replicas == 'a'",
     "found no matching overload for '_==_' applied to '(int, string)'"),
    ("object.spec.template.spec.containers.all(c, c.imag == '')", "undefined field 'imag'"),
    ("params.dat == 'a'", "undefined field 'dat'"),
    ("params.data.a > 1", "found no matching overload for '_>_' applied to '(string, int)'")])
def test_what_does_not_fit(expression: str, why: str) -> None:
    (found,) = type_warnings(Server().registry, policy(
        expression, paramKind={"apiVersion": "v1", "kind": "ConfigMap"}))
    assert why in found["warning"]


@pytest.mark.parametrize("groups", [("*",), ("none.example.com",)])
def test_without_a_known_kind_there_is_nothing_to_check(groups: tuple[str, ...]) -> None:
    assert type_warnings(Server().registry, policy("object.none", groups=groups)) == []
