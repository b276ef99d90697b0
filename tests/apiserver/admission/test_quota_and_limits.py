"""ResourceQuotas are charged inside the write; LimitRanges give defaults and set bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apiserver.machinery.errors import Forbidden
from apiserver.machinery.gvk import (
    CONFIGMAPS,
    DEPLOYMENTS,
    GVR,
    PODS,
    RESOURCEQUOTAS,
    SECRETS,
    SERVICES,
)
from tests.apiserver.server import Server

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

LIMITRANGES = GVR("", "v1", "limitranges")
CLAIMS = GVR("", "v1", "persistentvolumeclaims")


def quota(server: Server, hard: dict[str, str], **spec: Any) -> None:
    """A quota whose status the controller has filled."""
    made = server.create(RESOURCEQUOTAS, {"metadata": {"name": "q"}, "spec": {
        "hard": hard, **spec}})
    server.update(RESOURCEQUOTAS, {**made, "status": {
        "hard": hard, "used": dict.fromkeys(hard, "0")}}, subresource="status")


def used(server: Server) -> dict[str, str]:
    status: dict[str, str] = server.get(RESOURCEQUOTAS, "q")["status"]["used"]
    return status


def limits(server: Server, *rules: Object) -> None:
    server.create(LIMITRANGES, {"metadata": {"name": "l"}, "spec": {"limits": list(rules)}})


def pod(name: str = "p", resources: Object | None = None, **spec: Any) -> Object:
    return {"metadata": {"name": name}, "spec": {
        "containers": [{"name": "c", "image": "x", "resources": resources or {}}], **spec}}


def refusal(server: Server, resource: GVR, body: Object) -> str:
    with pytest.raises(Forbidden) as caught:
        server.create(resource, body)
    return caught.value.message


def test_a_new_object_is_charged_and_one_too_many_refused() -> None:
    server = Server()
    quota(server, {"secrets": "1", "count/configmaps": "1"})
    server.create(SECRETS, {"metadata": {"name": "a"}})
    assert used(server) == {"secrets": "1", "count/configmaps": "0"}
    assert refusal(server, SECRETS, {"metadata": {"name": "b"}}) == (
        'secrets "b" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=1,'
        " limited: secrets=1")
    assert server.names(SECRETS) == ["a"]


def test_a_dry_run_is_checked_and_not_charged() -> None:
    server = Server()
    quota(server, {"configmaps": "1"})
    server.create(CONFIGMAPS, {"metadata": {"name": "a"}}, dry_run=True)
    assert used(server) == {"configmaps": "0"}


def test_any_kind_can_be_counted() -> None:
    server = Server()
    quota(server, {"count/deployments.apps": "0"})
    message = refusal(server, DEPLOYMENTS, {"metadata": {"name": "web"}, "spec": {
        "selector": {"matchLabels": {"a": "b"}}, "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "c", "image": "x"}]}}}})
    assert message.endswith("exceeded quota: q, requested: count/deployments.apps=1, used:"
                            " count/deployments.apps=0, limited: count/deployments.apps=0")


def test_a_quota_without_status_limits_nothing() -> None:
    server = Server()
    server.create(RESOURCEQUOTAS, {"metadata": {"name": "q"}, "spec": {"hard": {"secrets": "0"}}})
    server.create(SECRETS, {"metadata": {"name": "a"}})


def test_containers_must_state_what_is_restricted() -> None:
    server = Server()
    quota(server, {"requests.cpu": "1", "limits.memory": "1Gi"})
    assert refusal(server, PODS, pod()).endswith(
        "failed quota: q: must specify limits.memory for: c; requests.cpu for: c")


@pytest.mark.parametrize(("scopes", "body", "charged"), [
    (["BestEffort"], pod(), "1"),
    (["BestEffort"], pod(resources={"requests": {"cpu": "1"}}), "0"),
    (["NotBestEffort"], pod(resources={"requests": {"cpu": "1"}}), "1"),
    (["Terminating"], pod(), "0"),
    (["Terminating"], pod(activeDeadlineSeconds=5), "1"),
    (["NotTerminating"], pod(), "1"),
])
def test_scopes_choose_pods(scopes: list[str], body: Object, charged: str) -> None:
    server = Server()
    quota(server, {"pods": "5"}, scopes=scopes)
    server.create(PODS, body)
    assert used(server) == {"pods": charged}


def test_a_service_that_gets_node_ports_is_charged_for_them() -> None:
    server = Server()
    quota(server, {"services.nodeports": "1"})
    made = server.create(SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})
    assert used(server) == {"services.nodeports": "0"}
    server.update(SERVICES, {**made, "spec": {**made["spec"], "type": "NodePort"}})
    assert used(server) == {"services.nodeports": "1"}


def test_claims_are_charged_by_storage_and_class() -> None:
    server = Server()
    gold = "gold.storageclass.storage.k8s.io/requests.storage"
    quota(server, {"requests.storage": "10Gi", gold: "5Gi"})
    server.create(CLAIMS, claim("3Gi"))
    assert used(server) == {"requests.storage": "3Gi", gold: "3Gi"}
    assert f"requested: {gold}=3Gi, used: {gold}=3Gi" in refusal(
        server, CLAIMS, claim("3Gi", "other"))


def claim(size: str, name: str = "c") -> Object:
    return {"metadata": {"name": name}, "spec": {
        "accessModes": ["ReadWriteOnce"], "storageClassName": "gold",
        "resources": {"requests": {"storage": size}}}}


def test_containers_get_the_defaults_and_an_annotation() -> None:
    server = Server()
    limits(server, {"type": "Container", "default": {"cpu": "2"}, "defaultRequest": {"cpu": "1"}})
    made = server.create(PODS, pod(initContainers=[{"name": "i", "image": "x"}]))
    assert made["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "2"}, "requests": {"cpu": "1"}}
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu request for container c; cpu limit for container c;"
        " cpu request for init container i; cpu limit for init container i")


@pytest.mark.parametrize(("rule", "resources", "why"), [
    ({"max": {"cpu": "1"}}, {"limits": {"cpu": "2"}},
     "maximum cpu usage per Container is 1, but limit is 2"),
    ({"min": {"cpu": "100m"}}, {"requests": {"cpu": "10m"}},
     "minimum cpu usage per Container is 100m, but request is 10m"),
    ({"min": {"cpu": "10m"}, "max": {"cpu": "1"}}, {"requests": {"cpu": "5m"},
                                                   "limits": {"cpu": "2"}},
     "[minimum cpu usage per Container is 10m, but request is 5m,"
     " maximum cpu usage per Container is 1, but limit is 2]"),
    ({"maxLimitRequestRatio": {"cpu": "2"}}, {"requests": {"cpu": "1"}, "limits": {"cpu": "3"}},
     "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000"),
    ({"maxLimitRequestRatio": {"cpu": "2"}}, {},
     "cpu max limit to request ratio per Container is 2, but no request is specified or request"
     " is 0"),
])
def test_bounds_of_containers(rule: Object, resources: Object, why: str) -> None:
    server = Server()
    limits(server, {"type": "Container", **rule})
    assert refusal(server, PODS, pod(resources=resources)) == f'pods "p" is forbidden: {why}'


def test_bounds_of_whole_pods_and_claims() -> None:
    server = Server()
    limits(server, {"type": "Pod", "max": {"memory": "1Gi"}},
           {"type": "PersistentVolumeClaim", "min": {"storage": "2Gi"}})
    assert "maximum memory usage per Pod is 1Gi.  No limit is specified" in refusal(
        server, PODS, pod())
    assert "minimum storage usage per PersistentVolumeClaim is 2Gi, but request is 1Gi" in refusal(
        server, CLAIMS, claim("1Gi"))
