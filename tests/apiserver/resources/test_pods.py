"""Pods: what is filled in, refused, immutable."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from apiserver.resources.core.pods import PODS
from tests.apiserver.resources.kinds import create_errors, made, update_errors, warnings


def container(**more: Any) -> dict[str, Any]:
    return {"name": "c", "image": "nginx:1", **more}


def spec(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"containers": list(containers) or [container()], **more}


def test_defaults() -> None:
    pod = made(PODS, spec=spec(container(
        image="nginx", ports=[{"containerPort": 80}],
        livenessProbe={"httpGet": {"port": 80}},
        env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}])))
    assert pod["spec"] | {"containers": None} == {
        "containers": None, "dnsPolicy": "ClusterFirst", "enableServiceLinks": True,
        "restartPolicy": "Always", "schedulerName": "default-scheduler", "securityContext": {},
        "terminationGracePeriodSeconds": 30}
    assert pod["spec"]["containers"][0] == {
        "name": "c", "image": "nginx", "imagePullPolicy": "Always", "resources": {},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        "ports": [{"containerPort": 80, "protocol": "TCP"}],
        "livenessProbe": {"httpGet": {"path": "/", "port": 80, "scheme": "HTTP"},
                          "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1,
                          "failureThreshold": 3},
        "env": [{"name": "A", "valueFrom": {"fieldRef": {"apiVersion": "v1",
                                                         "fieldPath": "metadata.name"}}}]}
    assert pod["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def test_requests_follow_limits() -> None:
    pod = made(PODS, spec=spec(container(resources={"limits": {"cpu": "0.5", "memory": "1Gi"}})))
    assert pod["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "500m",
                                                                     "memory": "1Gi"}
    assert pod["status"]["qosClass"] == "Guaranteed"


@pytest.mark.parametrize(("image", "policy"), [
    ("a", "Always"), ("a:latest", "Always"), ("a:1", "IfNotPresent"), ("r:5000/a", "Always"),
    ("r:5000/a:1", "IfNotPresent"), ("a@sha256:" + "0" * 64, "IfNotPresent")])
def test_pull_policy_by_tag(image: str, policy: str) -> None:
    pod = made(PODS, spec=spec(container(image=image)))
    assert pod["spec"]["containers"][0]["imagePullPolicy"] == policy


@pytest.mark.parametrize(("body", "error"), [
    ({"containers": []}, "spec.containers: Required value"),
    (spec(container(name="")), "spec.containers[0].name: Required value"),
    (spec(container(image="")), "spec.containers[0].image: Required value"),
    (spec(container(), container()), 'spec.containers[1].name: Duplicate value: "c"'),
    (spec(restartPolicy="Sometimes"),
     'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", '
     '"Never"'),
    (spec(container(ports=[{"containerPort": 0}])),
     "spec.containers[0].ports[0].containerPort: Required value"),
    (spec(container(volumeMounts=[{"name": "v", "mountPath": "/v"}])),
     'spec.containers[0].volumeMounts[0].name: Not found: "v"'),
    (spec(container(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}})),
     'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu '
     "limit of 1"),
    (spec(volumes=[{"name": "v"}, {"name": "v", "emptyDir": {}}][1:] * 2),
     'spec.volumes[1].name: Duplicate value: "v"'),
    (spec(tolerations=[{"operator": "Exists", "value": "x", "key": "a"}]),
     'spec.tolerations[0].operator: Invalid value: "x": value must be empty when `operator` is '
     "'Exists'"),
    (spec(activeDeadlineSeconds=0),
     "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"),
    (spec(hostNetwork=True, containers=[container(ports=[{"containerPort": 80,
                                                                "hostPort": 81}])]),
     "spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when "
     "`hostNetwork` is true"),
])
def test_each_fault_is_found(body: dict[str, Any], error: str) -> None:
    assert error in create_errors(PODS, spec=body)


def test_image_may_change_and_nothing_else() -> None:
    old = made(PODS, spec=spec())
    assert update_errors(PODS, old, lambda new: new["spec"]["containers"][0].update(
        image="nginx:2")) == []
    errors = update_errors(PODS, old, lambda new: new["spec"].update(hostname="h"))
    assert len(errors) == 1
    assert errors[0].startswith("spec: Forbidden: pod updates may not change fields other than "
                                "`spec.containers[*].image`")


def test_deadline_only_shrinks() -> None:
    old = made(PODS, spec=spec(activeDeadlineSeconds=10))
    assert update_errors(PODS, old, lambda new: new["spec"].update(activeDeadlineSeconds=5)) == []
    assert update_errors(PODS, old, lambda new: new["spec"].update(activeDeadlineSeconds=11))
    assert update_errors(PODS, old, lambda new: new["spec"].pop("activeDeadlineSeconds"))


def test_tolerations_are_only_added() -> None:
    one = {"key": "a", "operator": "Exists"}
    old = made(PODS, spec=spec(tolerations=[one]))
    assert update_errors(PODS, old, lambda new: new["spec"]["tolerations"].append(
        {"key": "b", "operator": "Exists"})) == []
    assert update_errors(PODS, old, lambda new: new["spec"].update(tolerations=[]))


def test_an_update_does_not_touch_the_old_object() -> None:
    old = made(PODS, spec=spec(tolerations=[{"key": "a", "operator": "Exists"}]))
    before = copy.deepcopy(old)
    update_errors(PODS, old, lambda new: new["spec"]["containers"][0].update(image="x"))
    assert old == before


def test_a_pod_says_which_labels_are_old() -> None:
    assert warnings(PODS, spec=spec(nodeSelector={"beta.kubernetes.io/os": "linux"})) == [
        'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" '
        "instead"]
    assert warnings(PODS, spec=spec()) == []


def test_fields_for_selectors() -> None:
    fields = PODS.strategy.fields(made(PODS, spec=spec(nodeName="n")))
    assert fields["spec.nodeName"] == "n"
    assert fields["status.phase"] == "Pending"


@pytest.mark.parametrize(("whole", "part", "expected"), [
    ({"requests": {"cpu": "1"}}, {"requests": {"cpu": "1", "ephemeral-storage": "1Gi"}}, []),
    ({"requests": {"cpu": "1"}}, {"requests": {"cpu": "2"}},
     ['spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to '
      "aggregate container requests of 2"]),
    ({"limits": {"cpu": "1", "hugepages-2Mi": "2Mi"}},
     {"limits": {"cpu": "1", "hugepages-2Mi": "4Mi"}},
     ['spec.resources.requests[hugepages-2Mi]: Invalid value: "2Mi": must be greater than or '
      "equal to aggregate container requests of 4Mi",
      'spec.resources.limits[hugepages-2Mi]: Invalid value: "2Mi": must be greater than or equal '
      "to aggregate container limits of 4Mi",
      'spec.resources.containers[0][hugepages-2Mi].limits: Invalid value: "4Mi": must be less '
      "than or equal to pod limits of 2Mi"]),
])
def test_a_pod_is_given_what_its_containers_are_given(
        whole: dict[str, Any], part: dict[str, Any], expected: list[str]) -> None:
    assert create_errors(PODS, spec={"resources": whole, "containers": [
        {"name": "c", "image": "i", "resources": part}]}) == expected


def test_a_pod_has_the_huge_pages_of_its_containers() -> None:
    pod = made(PODS, spec={"resources": {"requests": {"cpu": "1"}}, "containers": [
        {"name": name, "image": "i", "resources": {"limits": {"hugepages-2Mi": "2Mi",
                                                              "cpu": "500m"}}}
        for name in ("a", "b")]})
    assert pod["spec"]["resources"] == {
        "limits": {"hugepages-2Mi": "4Mi"}, "requests": {"cpu": "1", "hugepages-2Mi": "4Mi"}}


def test_a_windows_pod_has_no_resources_of_its_own() -> None:
    assert create_errors(PODS, spec={
        "os": {"name": "windows"}, "resources": {"requests": {"cpu": "1"}},
        "containers": [{"name": "c", "image": "i"}]}) == [
            "spec.resources: Forbidden: may not be set for a windows pod"]
