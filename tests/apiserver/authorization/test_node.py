"""What kubelets may do, by what their Pods refer to."""

from __future__ import annotations

import pytest

from apiserver.authorization.attributes import Attributes
from apiserver.authorization.bootstrap import ensure_policy
from apiserver.authorization.references import references_of
from apiserver.authorization.stored import StoredAuthorizer
from apiserver.context import User
from apiserver.machinery.gvk import CONFIGMAPS, GVR, PODS, SECRETS
from controllers.drive import drive
from tests.apiserver.server import Server

KUBELET = User(name="system:node:here", groups=("system:nodes", "system:authenticated"))
POD = {"metadata": {"name": "web"}, "spec": {
    "nodeName": "here", "imagePullSecrets": [{"name": "pull"}],
    "volumes": [{"name": "s", "secret": {"secretName": "keys"}},
                {"name": "c", "persistentVolumeClaim": {"claimName": "data"}},
                {"name": "p", "projected": {"sources": [{"configMap": {"name": "words"}}]}},
                {"name": "e", "ephemeral": {"volumeClaimTemplate": {"spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "1"}}}}}}],
    "initContainers": [{"name": "i", "image": "busybox",
                        "envFrom": [{"configMapRef": {"name": "early"}}]}],
    "containers": [{"name": "c", "image": "nginx", "env": [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "env", "key": "k"}}}]}]}}


@pytest.fixture(scope="module")
def authorizer():
    server = Server()
    server.create(PODS, POD)
    server.create(PODS, {**POD, "metadata": {"name": "far"}, "spec": {
        **POD["spec"], "nodeName": "there", "volumes": [
            {"name": "s", "secret": {"secretName": "theirs"}}]}})
    for name in ("keys", "loose"):
        server.create(SECRETS, {"metadata": {"name": name}})
    server.create(CONFIGMAPS, {"metadata": {"name": "words"}})
    drive(ensure_policy(server.registry, server.registry.chance))
    made = StoredAuthorizer()
    drive(made.start(server.registry))
    return made


def ask(authorizer, verb, what, namespace="", name="", *, user=KUBELET, selector=""):
    group, _, resource = what.rpartition(":")
    resource, _, subresource = resource.partition("/")
    return authorizer.decide(Attributes(
        user=user, verb=verb, group=group, version="v1", resource=resource,
        subresource=subresource, namespace=namespace, name=name, field_selector=selector))


@pytest.mark.parametrize(("verb", "what", "namespace", "name"), [
    ("get", "secrets", "default", "keys"), ("watch", "secrets", "default", "pull"),
    ("get", "secrets", "default", "env"), ("list", "configmaps", "default", "words"),
    ("get", "configmaps", "default", "early"), ("get", "persistentvolumeclaims", "default", "data"),
    ("get", "persistentvolumeclaims", "default", "web-e"), ("get", "pods", "default", "web"),
    ("create", "serviceaccounts/token", "default", "default"),
    ("update", "coordination.k8s.io:leases", "kube-node-lease", "here"),
    ("create", "storage.k8s.io:csinodes", "", ""), ("get", "nodes", "", "here"),
    ("patch", "nodes/status", "", "here"), ("create", "pods/eviction", "default", "web"),
    ("list", "services", "", ""), ("create", "events", "default", ""),
    ("create", "certificates.k8s.io:certificatesigningrequests", "", "")])
def test_a_kubelet_may_do_what_its_work_needs(authorizer, verb, what, namespace, name):
    assert ask(authorizer, verb, what, namespace, name).allowed


@pytest.mark.verified(source="node_authorizer.go")
@pytest.mark.parametrize(("verb", "what", "namespace", "name", "reason"), [
    ("get", "secrets", "default", "loose",
     "no relationship found between node 'here' and this object"),
    ("get", "secrets", "default", "theirs",
     "no relationship found between node 'here' and this object"),
    ("get", "secrets", "other", "keys",
     "no relationship found between node 'here' and this object"),
    ("list", "secrets", "default", "", "No Object name found"),
    ("list", "secrets", "", "", "can only read namespaced object of this type"),
    ("delete", "secrets", "default", "keys", "can only read resources of this type"),
    ("list", "persistentvolumes", "", "", "can only get individual resources of this type"),
    ("get", "nodes", "", "there",
     "node 'here' cannot read 'there', only its own Node object"),
    ("list", "pods", "", "", "can only list/watch pods with spec.nodeName field selector"),
    ("update", "coordination.k8s.io:leases", "kube-node-lease", "there",
     "can only access node lease with the same name as the requesting node"),
    ("update", "coordination.k8s.io:leases", "default", "here",
     'can only access leases in the "kube-node-lease" system namespace'),
    ("get", "storage.k8s.io:csinodes", "", "there",
     "can only access CSINode with the same name as the requesting node"),
    ("update", "apps:deployments", "default", "web", "")])
def test_a_kubelet_may_do_nothing_else(authorizer, verb, what, namespace, name, reason):
    decision = ask(authorizer, verb, what, namespace, name)
    assert (decision.allowed, decision.reason) == (False, reason)


@pytest.mark.parametrize(("selector", "allowed"), [
    ("spec.nodeName=here", True), ("spec.nodeName=here,status.phase=Running", True),
    ("spec.nodeName=there", False), ("spec.nodeName!=here", False), ("a,b", False)])
def test_a_kubelet_lists_the_pods_of_its_node(authorizer, selector, allowed):
    assert ask(authorizer, "watch", "pods", selector=selector).allowed is allowed


@pytest.mark.parametrize("user", [
    User(name="system:node:here"), User(name="here", groups=("system:nodes",)),
    User(name="system:serviceaccount:default:here", groups=("system:nodes",))])
def test_only_a_node_of_the_group_of_nodes_is_a_kubelet(authorizer, user):
    assert not ask(authorizer, "get", "nodes", name="here", user=user).allowed


def test_rbac_may_allow_what_the_node_authorizer_does_not(authorizer):
    user = User(name="system:node:here", groups=("system:nodes", "system:masters"))
    assert ask(authorizer, "get", "secrets", "other", "keys", user=user).allowed


def test_volumes_lead_to_their_secrets():
    server = Server()
    server.create(PODS, POD)
    authorizer = StoredAuthorizer()
    drive(authorizer.start(server.registry))
    server.create(GVR("", "v1", "persistentvolumeclaims"), {"metadata": {"name": "data"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "volumeName": "disk",
        "resources": {"requests": {"storage": "1Gi"}}}})
    server.create(GVR("", "v1", "persistentvolumes"), {"metadata": {"name": "disk"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
        "csi": {"driver": "d.example.com", "volumeHandle": "h",
                "nodeStageSecretRef": {"name": "stage", "namespace": "store"}}}}, None)
    assert ask(authorizer, "get", "persistentvolumes", name="disk").allowed
    assert ask(authorizer, "get", "secrets", "store", "stage").allowed
    assert not ask(authorizer, "get", "persistentvolumes", name="other").allowed


def test_ephemeral_containers_and_claims_count_too():
    pod = {"metadata": {"name": "p"}, "spec": {
        "ephemeralContainers": [{"envFrom": [{"secretRef": {"name": "debug"}}]}],
        "resourceClaims": [{"name": "gpu", "resourceClaimName": "card"}]}}
    assert set(references_of(pod)) == {("secrets", "debug"), ("resourceclaims", "card")}


@pytest.mark.parametrize(("verb", "what", "selector", "allowed"), [
    ("create", "podcertificaterequests", "", True),
    ("list", "podcertificaterequests", "", False),
    ("watch", "podcertificaterequests", "spec.nodeName=here", True),
    ("list", "podcertificaterequests", "spec.nodeName=there", False),
    ("update", "podcertificaterequests/status", "", False),
])
def test_certificates_of_its_pods(authorizer, verb, what, selector, allowed) -> None:
    asked = ask(authorizer, verb, f"certificates.k8s.io:{what}", "default", selector=selector)
    assert asked.allowed is allowed
