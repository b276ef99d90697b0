"""What a kubelet may write: its own node, its Pods, their tokens."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.app import KubernetesApp
from apiserver.authentication.authenticator import Authenticator
from apiserver.context import User
from apiserver.machinery.gvk import NODES, PODS
from tests.apiserver.handlers.asgi import Http, Reply
from tests.apiserver.server import Server

KUBELET = User(name="system:node:here", groups=("system:nodes",))
ROOT = User(name="root", groups=("system:masters",))
SPEC = {"containers": [{"name": "c", "image": "nginx"}]}
MIRROR = {"name": "m", "annotations": {"kubernetes.io/config.mirror": "x"}, "ownerReferences": [
    {"apiVersion": "v1", "kind": "Node", "name": "here", "uid": "u", "controller": True}]}
API = "/api/v1/namespaces/default"


class Kubelet:
    """Requests of one kubelet to a server with two nodes and a Pod on each."""

    def __init__(self) -> None:
        self.server = Server()
        for node in ("here", "there"):
            self.server.create(NODES, {"metadata": {"name": node}}, None)
            self.server.create(PODS, {"metadata": {"name": f"on-{node}"},
                                      "spec": {**SPEC, "nodeName": node}})
        self.http = Http(KubernetesApp(self.server.registry, authenticate=Authenticator(
            {"kubelet": KUBELET, "root": ROOT})))

    def __call__(self, method: str, target: str, body: Any = None, who: str = "kubelet",
                 content_type: str = "application/merge-patch+json") -> Reply:
        kind = content_type if method == "PATCH" else "application/json"
        return self.http(method, target, body, content_type=kind, authorization=f"Bearer {who}")


@pytest.fixture
def ask() -> Kubelet:
    return Kubelet()


@pytest.mark.verified(source="plugin/pkg/admission/noderestriction")
@pytest.mark.parametrize(("method", "target", "body", "why"), [
    ("PATCH", "/api/v1/nodes/there", {"metadata": {"labels": {"a": "b"}}},
     'node "here" is not allowed to modify node "there"'),
    ("PATCH", "/api/v1/nodes/here",
     {"metadata": {"labels": {"node-restriction.kubernetes.io/a": "b", "k8s.io/z": ""}}},
     'node "here" is not allowed to modify labels: k8s.io/z, node-restriction.kubernetes.io/a'),
    ("PATCH", "/api/v1/nodes/here", {"spec": {"taints": []}},
     'node "here" is not allowed to modify taints'),
    ("POST", f"{API}/pods", {"metadata": {"name": "p"}, "spec": SPEC},
     'pod does not have "kubernetes.io/config.mirror" annotation, node "here" can only create '
     "mirror pods"),
    ("POST", f"{API}/pods", {"metadata": MIRROR, "spec": {**SPEC, "nodeName": "there"}},
     'node "here" can only create pods with spec.nodeName set to itself'),
    ("POST", f"{API}/pods", {"metadata": {**MIRROR, "ownerReferences": []},
                             "spec": {**SPEC, "nodeName": "here"}},
     'node "here" can only create pods with an owner reference set to itself'),
    ("POST", f"{API}/pods", {"metadata": MIRROR, "spec": {
        **SPEC, "nodeName": "here", "volumes": [{"name": "s", "secret": {"secretName": "k"}}]}},
     'node "here" can not create pods that reference secrets'),
    ("DELETE", f"{API}/pods/on-there", None,
     'node "here" can only delete pods with spec.nodeName set to itself'),
    ("PATCH", f"{API}/pods/on-there/status", {"status": {"phase": "Failed"}},
     'node "here" can only update pod status for pods with spec.nodeName set to itself'),
    ("POST", f"{API}/pods/on-there/eviction", {"metadata": {"name": "on-there"}},
     "node here can only evict pods with spec.nodeName set to itself"),
    ("POST", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
     {"metadata": {"name": "there"}},
     "can only access node lease with the same name as the requesting node"),
    ("POST", "/apis/coordination.k8s.io/v1/namespaces/default/leases",
     {"metadata": {"name": "here"}},
     'can only access leases in the "kube-node-lease" system namespace'),
    ("POST", "/apis/storage.k8s.io/v1/csinodes", {"metadata": {"name": "there"},
                                                   "spec": {"drivers": []}},
     "can only access CSINode with the same name as the requesting node"),
    ("POST", f"{API}/serviceaccounts/default/token", {"spec": {}},
     "node requested token not bound to a pod"),
    ("POST", f"{API}/serviceaccounts/default/token", {"spec": {"boundObjectRef": {
        "apiVersion": "v1", "kind": "Pod", "name": "on-here"}}},
     "node requested token with a pod binding without a uid")])
def test_a_kubelet_may_not_write_about_others(ask, method, target, body, why):
    if "kube-node-lease" in target:
        ask("POST", "/api/v1/namespaces", {"metadata": {"name": "kube-node-lease"}}, "root")
    if "taints" in why:
        ask("PATCH", target, {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}}, "root")
    reply = ask(method, target, body)
    assert (reply.status, reply.message.partition(" is forbidden: ")[2]) == (403, why)


@pytest.mark.parametrize(("method", "target", "body", "status"), [
    ("PATCH", "/api/v1/nodes/here", {"metadata": {"labels": {
        "a": "b", "kubernetes.io/os": "linux", "node.kubernetes.io/x": "y"}}}, 200),
    ("PATCH", "/api/v1/nodes/here/status", {"status": {"phase": "Running"}}, 200),
    ("POST", f"{API}/pods", {"metadata": MIRROR, "spec": {**SPEC, "nodeName": "here"}}, 201),
    ("PATCH", f"{API}/pods/on-here/status", {"status": {"phase": "Failed"}}, 200),
    ("DELETE", f"{API}/pods/on-here?gracePeriodSeconds=0", None, 200)])
def test_a_kubelet_writes_about_its_own(ask, method, target, body, status):
    assert ask(method, target, body).status == status


@pytest.mark.parametrize(("name", "status"), [("on-here", 201), ("on-there", 403)])
def test_a_kubelet_gets_tokens_for_its_pods(ask, name, status):
    uid = ask.server.get(PODS, name)["metadata"]["uid"]
    reply = ask("POST", f"{API}/serviceaccounts/default/token", {"spec": {"boundObjectRef": {
        "apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}}})
    assert reply.status == status
    if status == 403:
        assert "bound to a pod scheduled on a different node" in reply.message


def test_others_are_asked_nothing(ask):
    assert ask("PATCH", "/api/v1/nodes/there", {"metadata": {"labels": {"k8s.io/z": "1"}}},
               "root").status == 200
