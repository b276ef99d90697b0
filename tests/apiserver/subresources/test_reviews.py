"""Access reviews ask the authorizer and store nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apiserver.authorization.attributes import Decision
from tests.apiserver.handlers.asgi import Http

if TYPE_CHECKING:
    from apiserver.authorization.attributes import Attributes

GROUP = "/apis/authorization.k8s.io/v1"
PODS = {"namespace": "default", "resource": "pods", "verb": "get"}


@pytest.fixture
def http() -> Http:
    made = Http()

    def decide(asked: Attributes) -> Decision:
        return Decision(asked.verb == "get" and asked.user.name != "jane", "because")

    made.server.registry.decide = decide
    return made


def asked(**spec: Any) -> dict[str, Any]:
    return {"spec": {"resourceAttributes": PODS, **spec}}


def test_question_about_oneself(http: Http) -> None:
    reply = http("POST", f"{GROUP}/selfsubjectaccessreviews", asked())
    assert (reply.status, reply.json["status"]) == (201, {"allowed": True, "reason": "because"})


def test_question_about_others(http: Http) -> None:
    target = f"{GROUP}/subjectaccessreviews"
    assert not http("POST", target, asked(user="jane")).json["status"]["allowed"]
    local = f"{GROUP}/namespaces/default/localsubjectaccessreviews"
    assert http("POST", local, asked(user="joe")).json["status"]["allowed"]
    assert http("POST", local.replace("default", "kube-system"), asked(user="joe")).status == 422


@pytest.mark.verified(source="truth/api/auth")
@pytest.mark.parametrize(("plural", "spec", "message"), [
    ("selfsubjectaccessreviews", {}, "spec.resourceAttributes: Invalid value: null: exactly one of"
     " nonResourceAttributes or resourceAttributes must be specified"),
    ("subjectaccessreviews", {"resourceAttributes": PODS},
     'spec.user: Invalid value: "": at least one of user or group must be specified')])
def test_incomplete_questions(http: Http, plural: str, spec: Any, message: str) -> None:
    reply = http("POST", f"{GROUP}/{plural}", {"spec": spec})
    assert reply.message == f'.authorization.k8s.io "" is invalid: {message}'
    assert "kind" not in reply.json["details"]


def test_who_am_i(http: Http) -> None:
    reply = http("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {})
    assert reply.json["status"]["userInfo"] == {
        "username": "admin", "groups": ["system:masters", "system:authenticated"]}


def test_rules_of_a_server_without_an_authorizer(http: Http) -> None:
    reply = http("POST", f"{GROUP}/selfsubjectrulesreviews", {"spec": {"namespace": "default"}})
    assert reply.json["status"]["resourceRules"][0]["verbs"] == ["*"]
    assert http("POST", f"{GROUP}/selfsubjectrulesreviews", {"spec": {}}).status == 400


def test_reviews_cannot_be_read(http: Http) -> None:
    assert http("GET", f"{GROUP}/selfsubjectaccessreviews").status == 405


@pytest.mark.parametrize(("plural", "body", "message"), [
    ("selfsubjectaccessreviews", asked(nonResourceAttributes={"path": "/x", "verb": "get"}),
     "spec.nonResourceAttributes: Invalid value: "),
    ("selfsubjectaccessreviews", {**asked(), "metadata": {"name": "x"}}, "must be empty"),
    ("namespaces/default/localsubjectaccessreviews", {
        "spec": {"user": "joe", "resourceAttributes": {**PODS, "namespace": "other"}}},
     'spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace'),
    ("namespaces/default/localsubjectaccessreviews", {
        "spec": {"user": "joe", "nonResourceAttributes": {"path": "/x", "verb": "get"}}},
     "disallowed on this kind of request"),
])
def test_reviews_that_contradict_themselves(http: Http, plural: str, body: Any,
                                            message: str) -> None:
    reply = http("POST", f"{GROUP}/{plural}", body)
    assert reply.status == 422
    assert message in reply.message


def test_whose_token_it_is(http: Http) -> None:
    target = "/apis/authentication.k8s.io/v1/tokenreviews"
    token = http("POST", "/api/v1/namespaces/default/serviceaccounts/default/token",
                 {"spec": {}}).json["status"]["token"]
    status = http("POST", target, {"spec": {"token": token}}).json["status"]
    assert status["user"]["username"] == "system:serviceaccount:default:default"
    assert status["audiences"] == ["https://kubernetes.default.svc.cluster.local"]
    other = http("POST", target, {"spec": {"token": token, "audiences": ["vault"]}})
    assert "authenticated" not in other.json["status"]
    assert http("POST", target, {"spec": {"token": "nosuchtoken"}}).json["status"] == {
        "user": {}, "error": "invalid bearer token"}
    assert http("POST", target, {"spec": {}}).message == (
        "token is required for TokenReview in authentication")
