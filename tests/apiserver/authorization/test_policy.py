"""The default policy, as it is stored and as it decides."""

from __future__ import annotations

import random
from typing import Any

import pytest

from apiserver.authorization.attributes import Attributes
from apiserver.authorization.bootstrap import ensure_policy
from apiserver.authorization.policy import AUTO_UPDATE, defaults
from apiserver.authorization.stored import StoredAuthorizer
from apiserver.context import User
from apiserver.machinery.errors import Forbidden
from apiserver.machinery.gvk import GVR, NAMESPACES
from controllers.drive import drive
from tests.apiserver.server import Server

RBAC = "rbac.authorization.k8s.io"
ROLES, BINDINGS, CLUSTERROLES, CLUSTERBINDINGS = (
    GVR(RBAC, "v1", kind)
    for kind in ("roles", "rolebindings", "clusterroles", "clusterrolebindings"))
JANE = User(name="jane", groups=("system:authenticated",))
VIEW = {"kind": "ClusterRole", "name": "view", "apiGroup": RBAC}
PLURALS = {"ClusterRole": CLUSTERROLES, "ClusterRoleBinding": CLUSTERBINDINGS, "Role": ROLES,
           "RoleBinding": BINDINGS}


@pytest.fixture
def server() -> Server:
    made = Server()
    drive(ensure_policy(made.registry, random.Random(5)))
    return made


@pytest.fixture
def authorizer(server: Server) -> StoredAuthorizer:
    made = StoredAuthorizer()
    drive(made.start(server.registry))
    return made


def may(authorizer: StoredAuthorizer, user: User, verb: str, resource: str, group: str = "",
        namespace: str = "default", name: str = "") -> bool:
    return authorizer.decide(Attributes(user=user, verb=verb, group=group, resource=resource,
                                        namespace=namespace, name=name)).allowed


def bind(server: Server, ref: dict[str, str], *users: str, name: str = "b") -> None:
    server.create(BINDINGS, {"metadata": {"name": name}, "roleRef": ref, "subjects": [
        {"kind": "User", "name": user, "apiGroup": RBAC} for user in users]})


def test_every_default_is_valid_and_has_what_it_refers_to() -> None:
    server = Server()
    for namespace in ("kube-system", "kube-public"):
        server.create(NAMESPACES, {"metadata": {"name": namespace}}, None)
    roles = {(each.kind, each.namespace, each.name) for each in defaults()}
    assert len(roles) == len(defaults())
    for each in defaults():
        server.create(PLURALS[each.kind], each.object, each.namespace or None)  # validates
        if ref := each.object.get("roleRef"):
            place = each.namespace if ref["kind"] == "Role" else ""
            assert (ref["kind"], place, ref["name"]) in roles


def test_clusters_share_the_policy_but_not_its_metadata() -> None:
    one, two = Server(), Server()
    for server, seed in ((one, 1), (two, 2)):
        drive(ensure_policy(server.registry, random.Random(seed)))
    first, second = (server.get(CLUSTERROLES, "view", None) for server in (one, two))
    assert first["rules"] is second["rules"]
    assert first["metadata"]["uid"] != second["metadata"]["uid"]


def test_a_restart_completes_the_policy_and_leaves_the_rest(server: Server) -> None:
    held = server.get(CLUSTERROLES, "system:kube-dns", None)
    own = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    server.update(CLUSTERROLES, {**held, "rules": [own]})
    dropped = server.get(CLUSTERBINDINGS, "system:discovery", None)
    server.update(CLUSTERBINDINGS, {**dropped, "subjects": []})
    kept = server.get(CLUSTERROLES, "system:heapster", None)
    server.update(CLUSTERROLES, {**kept, "rules": [], "metadata": {
        **kept["metadata"], "annotations": {AUTO_UPDATE: "false"}}})
    drive(ensure_policy(server.registry, random.Random(6)))
    assert server.get(CLUSTERROLES, "system:kube-dns", None)["rules"] == [own, *held["rules"]]
    assert server.get(CLUSTERBINDINGS, "system:discovery", None)["subjects"][0][
        "name"] == "system:authenticated"
    assert not server.get(CLUSTERROLES, "system:heapster", None)["rules"]


@pytest.mark.parametrize(("role", "verb", "resource", "group", "allowed"), [
    ("view", "list", "pods", "", True), ("view", "get", "secrets", "", False),
    ("view", "delete", "pods", "", False), ("view", "watch", "deployments", "apps", True),
    ("edit", "get", "secrets", "", True), ("edit", "create", "pods", "", True),
    ("edit", "create", "roles", RBAC, False), ("edit", "list", "endpointslices",
                                               "discovery.k8s.io", True),
    ("admin", "create", "roles", RBAC, True), ("admin", "update", "resourcequotas", "", False),
    ("cluster-admin", "delete", "widgets", "example.com", True),
])
def test_the_roles_for_people(server: Server, authorizer: StoredAuthorizer, role: str, verb: str,
                              resource: str, group: str, *, allowed: bool) -> None:
    bind(server, {**VIEW, "name": role}, "jane")
    assert may(authorizer, JANE, verb, resource, group) is allowed
    assert not may(authorizer, JANE, verb, resource, group, namespace="other")


@pytest.mark.parametrize(("user", "verb", "resource", "group"), [
    ("system:serviceaccount:kube-system:deployment-controller", "update", "deployments", "apps"),
    ("system:kube-scheduler", "create", "bindings", ""),
    ("system:kube-proxy", "watch", "endpointslices", "discovery.k8s.io"),
    ("system:kube-controller-manager", "list", "anything", "example.com"),
])
def test_the_roles_of_components(authorizer: StoredAuthorizer, user: str, verb: str, resource: str,
                                 group: str) -> None:
    assert may(authorizer, User(name=user), verb, resource, group)
    assert not may(authorizer, User(name="jane"), verb, resource, group)


def test_everybody_known_may_look_around(authorizer: StoredAuthorizer) -> None:
    def reads(user: User, path: str) -> bool:
        return authorizer.decide(Attributes(user=user, verb="get", path=path)).allowed

    nobody = User(name="system:anonymous", groups=("system:unauthenticated",))
    assert [reads(JANE, path) for path in ("/api/v1", "/version", "/metrics")] == [
        True, True, False]
    assert [reads(nobody, path) for path in ("/api/v1", "/version", "/healthz")] == [
        False, True, True]


def test_what_was_granted_is_forgotten_at_once_when_it_changes(
        server: Server, authorizer: StoredAuthorizer) -> None:
    assert not may(authorizer, JANE, "list", "pods")
    bind(server, VIEW, "jane")
    assert may(authorizer, JANE, "list", "pods")
    server.delete(BINDINGS, "b")
    assert not may(authorizer, JANE, "list", "pods")


def test_a_binding_without_its_role_says_so(server: Server, authorizer: StoredAuthorizer) -> None:
    bind(server, {**VIEW, "name": "none"}, "jane")
    with pytest.raises(Forbidden) as caught:
        drive(authorizer.authorize(Attributes(user=JANE, verb="list", resource="pods",
                                              namespace="default")))
    assert caught.value.message.endswith(
        ': RBAC: clusterrole.rbac.authorization.k8s.io "none" not found')
    problem = server.registry.rules_problem(JANE, "default")
    assert problem == 'clusterrole.rbac.authorization.k8s.io "none" not found'


def as_jane(server: Server) -> Any:
    """What Jane does, as a client in the process."""
    from apiserver.local import LocalClient

    return LocalClient(server.registry, user=JANE)


def test_nobody_grants_what_he_does_not_hold(server: Server, authorizer: StoredAuthorizer) -> None:
    bind(server, VIEW, "jane")
    jane = as_jane(server)
    read = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    drive(jane.create(ROLES, {"metadata": {"name": "ok"}, "rules": [read]}, "default"))
    with pytest.raises(Forbidden) as caught:
        drive(jane.create(ROLES, {"metadata": {"name": "more"}, "rules": [
            {**read, "verbs": ["get", "delete", "create"]}]}, "default"))
    assert caught.value.message == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "jane"'
        ' (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently'
        ' held:\n{APIGroups:[""], Resources:["pods"], Verbs:["delete" "create"]}')
    assert server.names(ROLES) == ["ok"]


def test_nobody_binds_what_he_does_not_hold(server: Server, authorizer: StoredAuthorizer) -> None:
    bind(server, VIEW, "jane")
    jane = as_jane(server)
    body = {"metadata": {"name": "own"}, "roleRef": {**VIEW, "name": "edit"}, "subjects": []}
    with pytest.raises(Forbidden, match="attempting to grant"):
        drive(jane.create(BINDINGS, body, "default"))
    drive(jane.create(BINDINGS, {**body, "roleRef": VIEW}, "default"))


def test_the_verbs_bind_and_escalate_let_one_grant_more(
        server: Server, authorizer: StoredAuthorizer) -> None:
    server.create(ROLES, {"metadata": {"name": "r"}, "rules": [
        {"apiGroups": [RBAC], "resources": ["clusterroles"], "verbs": ["bind"],
         "resourceNames": ["edit"]},
        {"apiGroups": [RBAC], "resources": ["roles"], "verbs": ["escalate"]}]})
    bind(server, {"kind": "Role", "name": "r", "apiGroup": RBAC}, "jane")
    jane = as_jane(server)
    body = {"metadata": {"name": "own"}, "roleRef": {**VIEW, "name": "edit"}, "subjects": []}
    drive(jane.create(BINDINGS, body, "default"))
    drive(jane.create(ROLES, {"metadata": {"name": "all"}, "rules": [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}, "default"))
    with pytest.raises(Forbidden):
        drive(jane.create(BINDINGS, {**body, "metadata": {"name": "x"}, "roleRef": {
            **VIEW, "name": "admin"}}, "default"))


def test_an_update_that_grants_nothing_new_needs_nothing(
        server: Server, authorizer: StoredAuthorizer) -> None:
    server.create(ROLES, {"metadata": {"name": "r"}, "rules": [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]})
    held = server.get(ROLES, "r")
    drive(as_jane(server).update(ROLES, {**held, "metadata": {
        **held["metadata"], "labels": {"a": "b"}}}))
    with pytest.raises(Forbidden):
        drive(as_jane(server).update(ROLES, {**server.get(ROLES, "r"), "rules": [
            {"apiGroups": ["*"], "resources": ["pods"], "verbs": ["get"]}]}))


def test_only_administrators_aggregate(server: Server, authorizer: StoredAuthorizer) -> None:
    body = {"metadata": {"name": "agg"}, "rules": [], "aggregationRule": {
        "clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}
    with pytest.raises(Forbidden, match="must have cluster-admin privileges"):
        drive(as_jane(server).create(CLUSTERROLES, body))


def test_what_came_with_a_version_is_not_granted_by_older_ones() -> None:
    name = "system:cluster-trust-bundle-discovery"
    for minor, there in ((36, False), (37, True)):
        made = {(each.kind, each.name): each.object for each in defaults(minor)}
        assert (("ClusterRole", name) in made) is there
        assert (("ClusterRoleBinding", name) in made) is there
        assert any("podcertificaterequests" in rule.get("resources", ())
                   for rule in made["ClusterRole", "system:node"]["rules"]) is there
