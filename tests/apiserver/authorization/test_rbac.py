"""RBAC: which rule allows what, and what a refusal says."""

from __future__ import annotations

import pytest

from apiserver.authorization.attributes import Attributes, forbidden
from apiserver.authorization.rbac import Authorizer
from apiserver.authorization.rules import allows, compact, describe, uncovered
from apiserver.context import User

JANE = User(name="jane", groups=("devs", "system:authenticated"))
READ_PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}


def ask(verb="get", resource="pods", **others):
    return Attributes(user=JANE, verb=verb, resource=resource, **others)


HEALTH = ask(resource="", path="/healthz/x")


class Objects:
    """Roles and bindings in plain dicts."""

    def __init__(self, roles=(), cluster_roles=(), bindings=(), cluster_bindings=()):
        self._roles = {(r["metadata"]["namespace"], r["metadata"]["name"]): r for r in roles}
        self._cluster_roles = {r["metadata"]["name"]: r for r in cluster_roles}
        self._bindings = bindings
        self._cluster_bindings = cluster_bindings

    def role(self, namespace, name):
        return self._roles.get((namespace, name))

    def cluster_role(self, name):
        return self._cluster_roles.get(name)

    def role_bindings(self, namespace):
        return [b for b in self._bindings if b["metadata"]["namespace"] == namespace]

    def cluster_role_bindings(self):
        return self._cluster_bindings


def role(name, *rules, namespace=None):
    meta = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    return {"metadata": meta, "rules": list(rules)}


def binding(name, kind, role_name, *subjects, namespace=None):
    meta = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    return {"metadata": meta, "roleRef": {"kind": kind, "name": role_name},
            "subjects": list(subjects)}


@pytest.mark.parametrize(("rule", "question", "allowed"), [
    (READ_PODS, ask(), True),
    (READ_PODS, ask("delete"), False),
    (READ_PODS, ask(group="apps"), False),
    (READ_PODS, ask(subresource="log"), False),
    ({**READ_PODS, "resources": ["pods/log"]}, ask(subresource="log"), True),
    ({**READ_PODS, "resources": ["*/log"]}, ask(subresource="log"), True),
    ({**READ_PODS, "resources": ["*"]}, ask(subresource="log"), True),
    ({**READ_PODS, "verbs": ["*"]}, ask("delete"), True),
    ({**READ_PODS, "resourceNames": ["a"]}, ask(name="a"), True),
    ({**READ_PODS, "resourceNames": ["a"]}, ask(name="b"), False),
    ({**READ_PODS, "resourceNames": ["a"]}, ask("list"), False),
    ({"nonResourceURLs": ["/healthz/*"], "verbs": ["get"]}, HEALTH, True),
    ({"nonResourceURLs": ["/healthz"], "verbs": ["get"]}, HEALTH, False),
    ({"nonResourceURLs": ["*"], "verbs": ["get"]}, ask(), False),
])
def test_a_rule_allows_what_it_names(rule, question, allowed):
    assert allows(rule, question) is allowed


@pytest.mark.parametrize("subject", [
    {"kind": "User", "name": "jane"}, {"kind": "Group", "name": "devs"},
])
def test_a_binding_grants_its_role_in_its_namespace_only(subject):
    objects = Objects(roles=[role("r", READ_PODS, namespace="a")],
                      bindings=[binding("b", "Role", "r", subject, namespace="a")])
    authorizer = Authorizer(objects)
    assert authorizer.decide(ask(namespace="a")).allowed
    assert not authorizer.decide(ask(namespace="b")).allowed
    assert not authorizer.decide(ask()).allowed


def test_a_cluster_binding_grants_everywhere_and_says_why():
    subject = {"kind": "User", "name": "jane"}
    objects = Objects(cluster_roles=[role("view", READ_PODS)],
                      cluster_bindings=[binding("b", "ClusterRole", "view", subject)])
    decision = Authorizer(objects).decide(ask(namespace="a"))
    assert decision.allowed
    assert decision.reason == ('RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "view" '
                               'to User "jane"')


def test_a_service_account_is_a_subject_of_its_namespace():
    objects = Objects(cluster_roles=[role("view", READ_PODS)], bindings=[binding(
        "v", "ClusterRole", "view", {"kind": "ServiceAccount", "name": "default"}, namespace="a")])
    user = User(name="system:serviceaccount:a:default")
    decision = Authorizer(objects).decide(
        Attributes(user=user, verb="get", resource="pods", namespace="a"))
    assert decision.reason == ('RBAC: allowed by RoleBinding "v/a" of ClusterRole "view" '
                               'to ServiceAccount "default/a"')


def test_a_binding_to_a_missing_role_grants_nothing():
    subject = {"kind": "User", "name": "jane"}
    objects = Objects(cluster_bindings=[binding("b", "ClusterRole", "none", subject)])
    assert not Authorizer(objects).decide(ask()).allowed


def test_masters_may_do_all():
    root = User(name="root", groups=("system:masters",))
    assert Authorizer(Objects()).decide(
        Attributes(user=root, verb="delete", resource="nodes")).allowed


@pytest.mark.parametrize(("question", "message", "details"), [
    (ask("list", namespace="a"),
     'pods is forbidden: User "jane" cannot list resource "pods" in API group "" '
     'in the namespace "a"',
     {"kind": "pods"}),
    (ask("patch", "deployments", group="apps", subresource="scale", name="x"),
     'deployments.apps "x" is forbidden: User "jane" cannot patch resource "deployments/scale" '
     'in API group "apps" at the cluster scope',
     {"name": "x", "group": "apps", "kind": "deployments"}),
    (ask(resource="", path="/metrics"), 'forbidden: User "jane" cannot get path "/metrics"', {}),
])
@pytest.mark.verified("truth/api/auth.golden.jsonl forbidden-messages")
def test_a_refusal_says_who_what_and_where(question, message, details):
    error = forbidden(question)
    assert error.message == message
    assert error.details == details


@pytest.mark.parametrize(("held", "wanted", "missing"), [
    ([READ_PODS], [READ_PODS], []),
    ([{**READ_PODS, "verbs": ["*"]}], [READ_PODS], []),
    ([{**READ_PODS, "resourceNames": ["a"]}], [READ_PODS],
     ['{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}']),
    ([READ_PODS], [{**READ_PODS, "resourceNames": ["a"]}], []),
    ([], [{"nonResourceURLs": ["/x"], "verbs": ["get"]}],
     ['{NonResourceURLs:["/x"], Verbs:["get"]}']),
    ([{"nonResourceURLs": ["/x/*"], "verbs": ["get"]}],
     [{"nonResourceURLs": ["/x/y"], "verbs": ["get"]}], []),
])
def test_nobody_grants_what_they_do_not_hold(held, wanted, missing):
    assert [describe(rule) for rule in compact(uncovered(held, wanted))] == missing
