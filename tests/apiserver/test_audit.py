"""The audit log: one event a stage, with who, what and how it ended."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from apiserver.app import KubernetesApp
from apiserver.audit import AuditedApp, AuditLog
from apiserver.authentication.authenticator import Authenticator
from apiserver.authorization.stored import StoredAuthorizer
from apiserver.context import User
from controllers.drive import drive
from tests.apiserver.handlers.asgi import Http
from tests.apiserver.server import Server

ROOT = User(name="root", groups=("system:masters",))
JANE = User(name="jane", uid="7", groups=("devs",))
CONFIGMAPS = "/api/v1/namespaces/default/configmaps"


class Audited:
    """A server with an audit log in a list."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        server, authorizer = Server(), StoredAuthorizer()
        drive(authorizer.start(server.registry))
        app = KubernetesApp(
            server.registry, authenticate=Authenticator({"root": ROOT, "jane": JANE}),
            authorize=authorizer.authorize)
        log = AuditLog(self.lines.append, clock=server.clock, chance=random.Random(1),
                       decide=authorizer.decide)
        self.http = Http(AuditedApp(app, log))  # type: ignore[arg-type]

    def __call__(self, method: str, target: str, body: Any = None, token: str = "root",
                 **headers: str) -> list[dict[str, Any]]:
        """Send a request; the events that it made."""
        self.lines.clear()
        self.reply = self.http(method, target, body, authorization=f"Bearer {token}", **headers)
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def audited() -> Audited:
    return Audited()


def test_a_request_is_received_and_completed(audited: Audited) -> None:
    received, complete = audited("GET", f"{CONFIGMAPS}?limit=5")
    assert (received["stage"], complete["stage"]) == ("RequestReceived", "ResponseComplete")
    assert received["auditID"] == complete["auditID"] == audited.reply.headers["audit-id"]
    assert received["requestURI"] == f"{CONFIGMAPS}?limit=5"
    assert received["objectRef"] == {"resource": "configmaps", "namespace": "default",
                                     "apiVersion": "v1"}
    assert received["user"] == {"username": "root", "groups": ["system:masters"]}
    assert complete["responseStatus"] == {"metadata": {}, "code": 200}
    assert complete["annotations"]["authorization.k8s.io/decision"] == "allow"
    assert "responseStatus" not in received


def test_a_created_object_is_named_once_it_has_a_name(audited: Audited) -> None:
    received, complete = audited("POST", CONFIGMAPS, {"metadata": {"generateName": "x-"}})
    assert "name" not in received["objectRef"]
    assert complete["objectRef"]["name"] == audited.reply.json["metadata"]["name"]
    assert complete["responseStatus"]["code"] == 201


def test_a_refusal_tells_why(audited: Audited) -> None:
    _, complete = audited("DELETE", f"{CONFIGMAPS}/a", token="jane")
    assert complete["responseStatus"]["reason"] == "Forbidden"
    assert complete["annotations"]["authorization.k8s.io/decision"] == "forbid"
    assert complete["verb"] == "delete"


def test_who_is_not_known_leaves_one_event(audited: Audited) -> None:
    (event,) = audited("GET", CONFIGMAPS, token="wrong")
    assert (event["stage"], event["responseStatus"]["code"]) == ("ResponseStarted", 401)
    assert event["user"] == {}


def test_both_users_of_an_impersonation_are_there(audited: Audited) -> None:
    _, complete = audited("GET", CONFIGMAPS, impersonate_user="jane")
    assert complete["user"]["username"] == "root"
    assert complete["impersonatedUser"] == {"username": "jane",
                                            "groups": ["system:authenticated"]}
    assert complete["responseStatus"]["code"] == 403


def test_a_given_id_is_kept(audited: Audited) -> None:
    received, _ = audited("GET", "/version", audit_id="mine")
    assert received["auditID"] == "mine"
    assert "objectRef" not in received


def test_a_watch_starts_before_it_ends(audited: Audited) -> None:
    audited.lines.clear()
    audited.http.stream(f"{CONFIGMAPS}?watch=1&timeoutSeconds=1", authorization="Bearer root")
    stages = [json.loads(line)["stage"] for line in audited.lines]
    assert stages == ["RequestReceived", "ResponseStarted", "ResponseComplete"]


def test_what_admission_notes_is_in_the_last_event(audited: Audited) -> None:
    for path, body in [
            ("validatingadmissionpolicies", {"metadata": {"name": "p"}, "spec": {
                "matchConstraints": {"resourceRules": [{
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"],
                    "resources": ["configmaps"]}]},
                "validations": [{"expression": "false", "message": "no"}]}}),
            ("validatingadmissionpolicybindings", {"metadata": {"name": "b"}, "spec": {
                "policyName": "p", "validationActions": ["Deny", "Audit"]}})]:
        audited("POST", f"/apis/admissionregistration.k8s.io/v1/{path}", body)
    received, complete = audited("POST", CONFIGMAPS, {"metadata": {"name": "a"}})
    assert "annotations" not in received
    assert complete["responseStatus"]["code"] == 422
    assert list(complete["annotations"]) == [
        "authorization.k8s.io/decision", "authorization.k8s.io/reason",
        "validation.policy.admission.k8s.io/validation_failure"]


def test_deprecated_versions_are_noted(audited: Audited) -> None:
    _, complete = audited("GET", "/api/v1/componentstatuses")
    assert complete["annotations"]["k8s.io/deprecated"] == "true"
