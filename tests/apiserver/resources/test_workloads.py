"""Deployments and their kin: defaults, selectors, rolling updates, rows."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from apiserver.resources.apps.controllerrevisions import CONTROLLERREVISIONS
from apiserver.resources.apps.daemonsets import DAEMONSETS
from apiserver.resources.apps.deployments import DEPLOYMENTS
from apiserver.resources.apps.replicasets import REPLICASETS
from apiserver.resources.apps.statefulsets import STATEFULSETS
from apiserver.resources.core.replicationcontrollers import REPLICATIONCONTROLLERS
from tests.apiserver.resources.kinds import cells, create_errors, made, update_errors

TEMPLATE = {"metadata": {"labels": {"app": "a"}},
            "spec": {"containers": [{"name": "c", "image": "i"}]}}
SELECTOR = {"matchLabels": {"app": "a"}}
SELECTING = pytest.mark.parametrize(
    "resource", [DEPLOYMENTS, REPLICASETS, STATEFULSETS, DAEMONSETS], ids=lambda r: r.kind)


def spec(**more: Any) -> dict[str, Any]:
    return {"selector": SELECTOR, "template": copy.deepcopy(TEMPLATE), **more}


@SELECTING
def test_the_simplest_is_right(resource: Any) -> None:
    assert create_errors(resource, spec=spec()) == []


@SELECTING
def test_the_template_must_be_selected(resource: Any) -> None:
    errors = create_errors(resource, spec=spec(selector={"matchLabels": {"app": "b"}}))
    assert errors == ['spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does '
                      "not match template `labels`"]


@SELECTING
def test_the_selector_stays(resource: Any) -> None:
    old = made(resource, spec=spec())

    def change(new: dict[str, Any]) -> None:
        new["spec"]["selector"] = {"matchLabels": {"app": "b"}}
        new["spec"]["template"]["metadata"]["labels"] = {"app": "b"}

    errors = update_errors(resource, old, change)
    assert len(errors) == 1
    assert errors[0].startswith("spec.selector: " if resource is not STATEFULSETS else "spec: ")


@SELECTING
def test_pods_of_a_workload_run_for_ever(resource: Any) -> None:
    body = spec()
    body["template"]["spec"]["restartPolicy"] = "Never"
    assert create_errors(resource, spec=body) == [
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"']


@SELECTING
def test_generation_follows_the_spec(resource: Any) -> None:
    old = made(resource, spec=spec())
    new = copy.deepcopy(old)
    new["metadata"]["labels"] = {"x": "y"}
    assert not resource.strategy.generation_changed(new, old)
    new["spec"]["minReadySeconds"] = 3
    assert resource.strategy.generation_changed(new, old)


def test_deployment_defaults() -> None:
    made_spec = made(DEPLOYMENTS, spec=spec())["spec"]
    assert made_spec["strategy"] == {
        "type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    assert (made_spec["replicas"], made_spec["revisionHistoryLimit"],
            made_spec["progressDeadlineSeconds"]) == (1, 10, 600)


@pytest.mark.parametrize(("strategy", "field"), [
    ({"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}, "spec.strategy.rollingUpdate"),
    ({"type": "X"}, "spec.strategy"),
    ({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}},
     "spec.strategy.rollingUpdate.maxUnavailable"),
    ({"rollingUpdate": {"maxUnavailable": "101%"}}, "spec.strategy.rollingUpdate.maxUnavailable"),
])
def test_wrong_strategies(strategy: dict[str, Any], field: str) -> None:
    errors = create_errors(DEPLOYMENTS, spec=spec(strategy=strategy))
    assert [error.partition(": ")[0] for error in errors] == [field]


def test_statefulsets_change_only_so_much() -> None:
    old = made(STATEFULSETS, spec=spec(serviceName="s"))
    assert update_errors(STATEFULSETS, old, lambda new: new["spec"].update(replicas=3)) == []
    errors = update_errors(STATEFULSETS, old, lambda new: new["spec"].update(serviceName="t"))
    assert len(errors) == 1
    assert errors[0].startswith("spec: Forbidden: updates to statefulset spec for fields other "
                                "than 'replicas', 'ordinals', 'template'")


def test_daemonsets_count_their_templates() -> None:
    old = made(DAEMONSETS, spec=spec())
    key = "deprecated.daemonset.template.generation"
    assert old["metadata"]["annotations"] == {key: "1"}
    new = copy.deepcopy(old)
    new["spec"]["template"]["spec"]["containers"][0]["image"] = "j"
    ctx: Any = None
    DAEMONSETS.strategy.prepare_update(ctx, new, old)
    assert new["metadata"]["annotations"] == {key: "2"}
    assert old["metadata"]["annotations"] == {key: "1"}


def test_replication_controllers_select_by_their_template() -> None:
    obj = made(REPLICATIONCONTROLLERS, spec={"template": copy.deepcopy(TEMPLATE)})
    assert obj["spec"]["selector"] == {"app": "a"}
    assert obj["metadata"]["labels"] == {"app": "a"}
    assert create_errors(REPLICATIONCONTROLLERS, spec={"template": copy.deepcopy(TEMPLATE)}) == []


def test_rows() -> None:
    obj = made(DEPLOYMENTS, spec=spec(replicas=3))
    obj["status"] = {"readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1}
    row = cells(DEPLOYMENTS, obj)
    assert (row["Ready"], row["Up-to-date"], row["Available"]) == ("1/3", 2, 1)
    assert (row["Containers"], row["Images"], row["Selector"]) == ("c", "i", "app=a")
    revision = made(CONTROLLERREVISIONS, data={}, revision=4, metadata={"ownerReferences": [
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "u",
         "controller": True}]})
    assert cells(CONTROLLERREVISIONS, revision)["Controller"] == "daemonset.apps/d"


def stateful(**more: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "c", "image": "i", "volumeMounts": [
        {"name": "data", "mountPath": "/d"}]}]}
    claim = {"metadata": {"name": "data"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    labels = {"a": "b"}
    return {"selector": {"matchLabels": labels}, "volumeClaimTemplates": [claim],
            "template": {"metadata": {"labels": labels}, "spec": pod}, **more}


@pytest.mark.parametrize(("spec", "expected"), [
    (stateful(), []),
    (stateful(volumeClaimTemplates=[]),
     ['spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"']),
    (stateful(volumeClaimTemplates=[{"metadata": {"name": "data"}}]),
     ["spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is "
      "required", "spec.volumeClaimTemplates[0].spec.resources[storage]: Required value"]),
    (stateful(selector={}),
     ["spec.selector: Invalid value: {}: empty selector is invalid for statefulset"]),
    (stateful(selector={"matchExpressions": [{"key": "a", "operator": "X"}]}),
     ['spec.selector.matchExpressions[0].operator: Invalid value: "X": not a valid selector '
      "operator",
      'spec.selector: Invalid value: {"matchExpressions":[{"key":"a","operator":"X"}]}']),
    (stateful(serviceName="a.b"),
     ['spec.serviceName: Invalid value: "a.b": must not contain dots']),
])
def test_stateful_sets_mount_what_they_claim(spec: dict[str, Any], expected: list[str]) -> None:
    assert create_errors(STATEFULSETS, spec=spec) == expected


def test_a_stateful_set_in_force_keeps_its_claims_and_its_service() -> None:
    old = made(STATEFULSETS, spec=stateful(serviceName="a.b"))
    assert update_errors(STATEFULSETS, old, lambda new: new["spec"].update(replicas=3)) == []


def test_strategies_are_shown_whole() -> None:
    shown = '{"Type":"X","RollingUpdate":null}'
    assert create_errors(DAEMONSETS, spec=spec(updateStrategy={"type": "X"})) == [
        f'spec.updateStrategy: Unsupported value: {shown}: supported values: "RollingUpdate", '
        '"OnDelete"']
    assert create_errors(STATEFULSETS, spec=spec(updateStrategy={"type": "X"})) == [
        f"spec.updateStrategy: Invalid value: {shown}: must be 'RollingUpdate' or 'OnDelete'"]


def test_a_replication_controller_without_a_template() -> None:
    assert create_errors(REPLICATIONCONTROLLERS, spec={}) == [
        "spec.selector: Required value", "spec.template: Required value"]
