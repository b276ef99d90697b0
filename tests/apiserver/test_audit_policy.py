"""Audit policies: which requests are written down, and how much of them."""

from __future__ import annotations

import gzip
import json
import random
from typing import Any

import pytest

from apiserver.app import KubernetesApp
from apiserver.audit import SCOPE, AuditedApp, AuditLog
from apiserver.audit_policy import PolicyError, read_policy
from apiserver.authentication.authenticator import Authenticator
from apiserver.authorization.attributes import Attributes, Decision
from apiserver.context import User
from controllers.drive import drive
from tests.apiserver.handlers.asgi import Http
from tests.apiserver.server import Server

HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"
ROOT = User(name="root", groups=("system:masters",))
MAPS = "/api/v1/namespaces/default/configmaps"


def policy(*rules: str, more: str = ""):
    return read_policy(HEAD + more + "rules:\n" + "".join(f"- {rule}\n" for rule in rules))


def asked(what: str = "pods", verb: str = "get", namespace: str = "default", name: str = "",
          path: str = "", user: str = "jane", groups: tuple[str, ...] = ("devs",)) -> Attributes:
    group, _, resource = ("" if path else what).rpartition(":")
    resource, _, subresource = resource.partition("/")
    return Attributes(user=User(name=user, groups=groups), verb=verb, group=group, version="v1",
                      resource=resource, subresource=subresource, namespace=namespace, name=name,
                      path=path)


@pytest.mark.parametrize(("rule", "question", "level"), [
    ("{level: Request}", asked(), "Request"),
    ("{level: Request, users: [joe]}", asked(), "None"),
    ("{level: Request, userGroups: [ops, devs]}", asked(), "Request"),
    ("{level: Request, verbs: [create]}", asked(), "None"),
    ("{level: Request, namespaces: [kube-system]}", asked(), "None"),
    ('{level: Request, namespaces: [""]}', asked("nodes", namespace=""), "Request"),
    ('{level: Request, resources: [{group: ""}]}', asked("pods/log"), "Request"),
    ('{level: Request, resources: [{group: "", resources: [pods]}]}', asked("pods/log"), "None"),
    ('{level: Request, resources: [{group: "", resources: ["pods/*"]}]}', asked("pods/log"),
     "Request"),
    ('{level: Request, resources: [{group: "", resources: ["*/log"]}]}', asked("pods/log"),
     "Request"),
    ('{level: Request, resources: [{group: apps, resources: ["*"]}]}', asked("pods"), "None"),
    ('{level: Request, resources: [{group: "", resources: [pods], resourceNames: [a]}]}',
     asked(name="b"), "None"),
    ("{level: Request, nonResourceURLs: ['/healthz*']}", asked(path="/healthz/etcd"), "Request"),
    ("{level: Request, nonResourceURLs: ['*']}", asked(), "None"),
    ('{level: Request, resources: [{group: ""}]}', asked(path="/version"), "None")])
def test_a_rule_is_about_what_it_names(rule, question, level):
    assert policy(rule).decide(question).level == level


def test_the_first_rule_decides():
    made = policy("{level: None, users: [jane]}", "{level: Metadata}")
    assert [made.decide(asked(user=user)).level for user in ("jane", "joe")] == ["None", "Metadata"]


def test_stages_are_omitted_by_the_policy_and_by_its_rules():
    made = policy("{level: Metadata, omitStages: [ResponseStarted]}",
                  more="omitStages: [RequestReceived]\n")
    assert made.decide(asked()).omitted == {"ResponseStarted", "RequestReceived"}


@pytest.mark.parametrize(("text", "why"), [
    ("a: [", "failed decoding"), ("rules: []", "apiVersion audit.k8s.io/v1"),
    (HEAD, "0 rules"), (HEAD + "rules: [{level: All}]", 'Unsupported value: "All"'),
    (HEAD + "rules: [{level: None, omitStages: [Later]}]", 'Unsupported value: "Later"'),
    (HEAD + "rules: [{level: None, nonResourceURLs: [a]}]", "must begin with a '/'"),
    (HEAD + "rules: [{level: None, nonResourceURLs: ['/a*b']}]", "must be the final character"),
    (HEAD + "rules: [{level: None, nonResourceURLs: [/a], namespaces: [b]}]",
     "cannot apply to both"), (HEAD + "rules: [3]", "must be a rule")])
def test_a_file_that_is_no_policy_is_refused(text, why):
    with pytest.raises(PolicyError, match=why.replace("(", "\\(")):
        read_policy(text)


# --- what is written ------------------------------------------------------------------------------

def audited(*rules: str, more: str = ""):
    """A function that sends a request and gives its events."""
    lines: list[bytes] = []
    server = Server()
    app = KubernetesApp(server.registry, authenticate=Authenticator({"root": ROOT}))
    log = AuditLog(lines.append, clock=server.clock, chance=random.Random(1),
                   decide=lambda asked: Decision(True), policy=policy(*rules, more=more))
    http = Http(AuditedApp(app, log))  # type: ignore[arg-type]

    def send(method: str, target: str, body: Any = None, **how: str) -> list[dict[str, Any]]:
        lines.clear()
        http(method, target, body, authorization="Bearer root", **how)
        return [json.loads(line) for line in lines]

    return send


def test_the_metadata_tells_no_objects():
    events = audited("{level: Metadata}")("POST", MAPS, {"metadata": {"name": "a"}})
    assert not any("requestObject" in each or "responseObject" in each for each in events)


def test_a_request_tells_what_was_sent():
    received, complete = audited("{level: Request}")("POST", MAPS, {
        "metadata": {"name": "a"}, "data": {"k": "v"}})
    assert "requestObject" not in received
    assert complete["requestObject"]["data"] == {"k": "v"}
    assert complete["requestObject"]["kind"] == "ConfigMap"
    assert "responseObject" not in complete
    assert complete["level"] == "Request"


def test_a_response_tells_what_came_back():
    send = audited("{level: RequestResponse}")
    complete = send("POST", MAPS, {"metadata": {"name": "a"}})[-1]
    assert "uid" not in complete["requestObject"]["metadata"]
    assert complete["responseObject"]["metadata"]["uid"]
    assert send("GET", f"{MAPS}/b")[-1]["responseObject"]["reason"] == "NotFound"


@pytest.mark.parametrize(("body", "content_type", "shown"), [
    ({"data": {"k": "2"}}, "application/merge-patch+json", {"data": {"k": "2"}}),
    ([{"op": "add", "path": "/data", "value": {}}], "application/json-patch+json",
     [{"op": "add", "path": "/data", "value": {}}]),
    ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "application/apply-patch+yaml",
     {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})])
def test_patches_and_options_are_told_as_they_came(body, content_type, shown):
    send = audited("{level: Request}")
    send("POST", MAPS, {"metadata": {"name": "a"}})
    complete = send("PATCH", f"{MAPS}/a?fieldManager=me", body, content_type=content_type)[-1]
    assert (complete["responseStatus"]["code"], complete["requestObject"]) == (200, shown)
    deleted = send("DELETE", f"{MAPS}/a", {"propagationPolicy": "Orphan"})[-1]
    assert deleted["requestObject"]["propagationPolicy"] == "Orphan"


def test_managed_fields_are_left_out_on_request():
    send = audited("{level: RequestResponse}", more="omitManagedFields: true\n")
    assert "managedFields" not in send("POST", MAPS, {"metadata": {"name": "a"}})[-1][
        "responseObject"]["metadata"]
    listed = send("GET", MAPS)[-1]["responseObject"]["items"]
    assert all("managedFields" not in each["metadata"] for each in listed)


def test_what_no_rule_is_about_leaves_nothing():
    send = audited("{level: None, verbs: [get]}",
                   "{level: Metadata, omitStages: [RequestReceived]}")
    assert send("GET", f"{MAPS}/a") == []
    assert [each["stage"] for each in send("GET", MAPS)] == ["ResponseComplete"]


def test_an_answer_in_gzip_is_told_too():
    lines: list[bytes] = []

    async def app(scope, receive, send):
        scope[SCOPE].known(ROOT, asked())
        await send({"type": "http.response.start", "status": 200,
                    "headers": [(b"content-encoding", b"gzip")]})
        body = gzip.compress(b'{"kind":"Pod","metadata":{"name":"a"}}')
        await send({"type": "http.response.body", "body": body[:9], "more_body": True})
        await send({"type": "http.response.body", "body": body[9:]})

    async def nothing(message=None):
        pass

    log = AuditLog(lines.append, clock=Server().clock, chance=random.Random(1),
                   decide=lambda asked: Decision(True), policy=policy("{level: RequestResponse}"))
    drive(AuditedApp(app, log)({"headers": [], "path": "/x"}, nothing, nothing))
    assert json.loads(lines[-1])["responseObject"] == {"kind": "Pod", "metadata": {"name": "a"}}
