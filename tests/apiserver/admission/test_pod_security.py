"""Pod Security Standards by labels of the namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apiserver.context import RequestContext
from apiserver.machinery.errors import Forbidden, Invalid
from apiserver.machinery.gvk import DEPLOYMENTS, GVR, NAMESPACES, PODS, SERVICEACCOUNTS
from controllers.drive import drive
from tests.apiserver.server import Server

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

P = "pod-security.kubernetes.io/"
SAFE: dict[str, Any] = {
    "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"}}


def server_with(**labels: str) -> Server:
    server = Server()
    server.create(NAMESPACES, {"metadata": {"name": "ns", "labels": {
        f"{P}{key}": value for key, value in labels.items()}}}, None)
    server.create(SERVICEACCOUNTS, {"metadata": {"name": "default"}}, "ns")
    return server


def pod(container: Object | None = None, **spec: Any) -> Object:
    return {"metadata": {"name": "p"}, "spec": {
        "containers": [{"name": "c", "image": "x", **(container or {})}], **spec}}


def warnings(server: Server, resource: GVR, body: Object) -> list[str]:
    found = server.registry.catalog.resource(resource)
    ctx = RequestContext(resource=found, verb="create", namespace="ns")
    drive(server.registry.create(ctx, server.registry.decode_trusted(found, body)))
    return ctx.warnings


@pytest.mark.parametrize(("body", "why"), [
    (pod(hostNetwork=True, hostPID=True), "host namespaces (hostNetwork=true, hostPID=true)"),
    (pod({"securityContext": {"privileged": True}}),
     'privileged (container "c" must not set securityContext.privileged=true)'),
    (pod({"securityContext": {"capabilities": {"add": ["NET_ADMIN", "CHOWN"]}}}),
     'non-default capabilities (container "c" must not include "NET_ADMIN" in'
     " securityContext.capabilities.add)"),
    (pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}]), 'hostPath volumes (volume "v")'),
    (pod({"ports": [{"containerPort": 80, "hostPort": 80}]}),
     'hostPort (container "c" uses hostPort 80)'),
    (pod(securityContext={"seccompProfile": {"type": "Unconfined"}}),
     'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")'),
    (pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}),
     "forbidden sysctls (kernel.msgmax)"),
])
def test_baseline_refuses(body: Object, why: str) -> None:
    server = server_with(enforce="baseline")
    with pytest.raises(Forbidden) as caught:
        server.create(PODS, body, "ns")
    assert caught.value.message == (
        f'pods "p" is forbidden: violates PodSecurity "baseline:latest": {why}')


def test_restricted_wants_much_and_lets_good_pods_pass() -> None:
    server = server_with(enforce="restricted")
    with pytest.raises(Forbidden) as caught:
        server.create(PODS, pod(), "ns")
    assert caught.value.message.partition(": violates ")[2] == (
        'PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "c" must'
        " set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities"
        ' (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot !='
        ' true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile'
        ' (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault"'
        ' or "Localhost")')
    server.create(PODS, pod({"securityContext": SAFE}), "ns")


def test_workloads_are_warned_of_what_their_pods_may_not() -> None:
    server = server_with(enforce="baseline")
    body = {"metadata": {"name": "web"}, "spec": {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod(hostIPC=True)["spec"]}}}
    assert warnings(server, DEPLOYMENTS, body) == [
        'would violate PodSecurity "baseline:latest": host namespaces (hostIPC=true)']


def test_the_label_warn_only_warns() -> None:
    server = server_with(warn="baseline")
    assert warnings(server, PODS, pod(hostIPC=True)) == [
        'would violate PodSecurity "baseline:latest": host namespaces (hostIPC=true)']


def test_labels_must_be_levels() -> None:
    with pytest.raises(Invalid, match="must be one of privileged, baseline, restricted"):
        server_with(enforce="strict")


def test_a_namespace_whose_level_rises_names_the_pods_that_are_against_it() -> None:
    server = server_with()
    server.create(PODS, pod(hostIPC=True), "ns")
    found = server.registry.catalog.resource(NAMESPACES)
    ctx = RequestContext(resource=found, verb="update", name="ns")
    body = {"metadata": {"name": "ns", "labels": {f"{P}enforce": "baseline"}}}
    drive(server.registry.update(ctx, server.registry.decode_trusted(found, body)))
    assert ctx.warnings == [
        'existing pods in namespace "ns" violate the new PodSecurity enforce level'
        ' "baseline:latest"', "p: host namespaces (hostIPC=true)"]


SYSCTL = pod(securityContext={"sysctls": [{"name": "net.ipv4.tcp_rmem", "value": "1"}]})
ENGINE = pod(securityContext={"seLinuxOptions": {"type": "container_engine_t"}})
PROBED = pod({"livenessProbe": {"tcpSocket": {"port": 1, "host": "a"}}})
WINDOWS = pod(os={"name": "windows"}, securityContext={"runAsNonRoot": True})


@pytest.mark.parametrize(("level", "body", "before", "since"), [
    ("baseline", SYSCTL, "v1.31", "v1.32"), ("baseline", ENGINE, "v1.30", "v1.31"),
    ("baseline", PROBED, "v1.34", "v1.33"), ("restricted", WINDOWS, "v1.24", "v1.25")])
def test_a_namespace_may_ask_for_the_rules_of_an_older_version(level: str, body: Object,
                                                               before: str, since: str) -> None:
    with pytest.raises(Forbidden, match=f'violates PodSecurity "{level}:{before}"'):
        server_with(enforce=level, **{"enforce-version": before}).create(PODS, body, "ns")
    server_with(enforce=level, **{"enforce-version": since}).create(PODS, body, "ns")


def test_before_there_was_a_stricter_rule_the_baseline_s_holds() -> None:
    body = pod({"securityContext": {"capabilities": {"add": ["CHOWN"]}}})
    found = "".join(warnings(server_with(**{
        "warn": "restricted", "warn-version": "v1.21"}), PODS, body))
    assert "capabilities" not in found
    assert "allowPrivilegeEscalation != false" in found


@pytest.mark.parametrize(("labels", "notes"), [
    ({}, {"enforce-policy": "privileged:latest"}),
    ({"enforce": "privileged", "enforce-version": "v1.20"},
     {"enforce-policy": "privileged:latest"}),
    ({"enforce": "baseline", "enforce-version": "v1.20"}, {"enforce-policy": "baseline:v1.20"}),
    ({"audit": "baseline"}, {
        "enforce-policy": "privileged:latest", "audit-violations":
        'would violate PodSecurity "baseline:latest": host namespaces (hostNetwork=true)'}),
])
def test_the_audit_event_tells_what_was_enforced(labels: dict[str, str],
                                                 notes: dict[str, str]) -> None:
    server = server_with(**labels)
    found = server.registry.catalog.resource(PODS)
    ctx = RequestContext(resource=found, verb="create", namespace="ns", notes={})
    body = pod(hostNetwork="audit" in labels or None)
    drive(server.registry.create(ctx, server.registry.decode_trusted(found, body)))
    assert ctx.notes == {f"{P}{key}": value for key, value in notes.items()}
