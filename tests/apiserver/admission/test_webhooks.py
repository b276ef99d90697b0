"""Webhooks are really called: changes, refusals, failures, and who is asked at all."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from apiserver.admission.webhooks import CallFailed, WebhookCaller
from apiserver.context import SYSTEM, RequestContext
from apiserver.machinery.errors import ApiError, Forbidden, InternalError
from apiserver.machinery.gvk import CONFIGMAPS, GVR
from controllers.drive import drive
from tests.apiserver.admission.webhook_server import WebhookServer, patch, serving
from tests.apiserver.handlers.asgi import Http
from tests.apiserver.registry.test_update import deployment
from tests.apiserver.server import Server, pod

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from apiserver.machinery.types import Object

GROUP = "admissionregistration.k8s.io"
MUTATING = GVR(GROUP, "v1", "mutatingwebhookconfigurations")
VALIDATING = GVR(GROUP, "v1", "validatingwebhookconfigurations")


@pytest.fixture(scope="module")
def hook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebhookServer]:
    folder: Path = tmp_path_factory.mktemp("webhook")
    with serving(lambda request: {}, folder) as server:
        yield server


@pytest.fixture(autouse=True)
def fresh(hook: WebhookServer) -> None:
    hook.asked.clear()
    hook.status = 200
    hook.answer = lambda request: {}


def ask(server: Server, hook: WebhookServer, *, mutating: bool = False, **fields: Any) -> None:
    kind = "MutatingWebhookConfiguration" if mutating else "ValidatingWebhookConfiguration"
    server.create(MUTATING if mutating else VALIDATING, hook.configuration(kind, **fields), None)


def configmap(name: str = "a", **data: str) -> Object:
    return {"metadata": {"name": name}, "data": data}


def test_a_patch_changes_the_object_before_it_is_stored(hook: WebhookServer) -> None:
    server = Server()
    hook.answer = lambda request: patch({"op": "add", "path": "/data/added", "value": "yes"})
    ask(server, hook, mutating=True)
    assert server.create(CONFIGMAPS, configmap(own="1"))["data"] == {"own": "1", "added": "yes"}


def test_the_question_names_object_user_and_options(hook: WebhookServer) -> None:
    server = Server()
    ask(server, hook)
    server.create(CONFIGMAPS, configmap(own="1"), dry_run=True)
    (asked,) = hook.asked
    assert asked["kind"] == {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert asked["resource"] == {"group": "", "version": "v1", "resource": "configmaps"}
    assert (asked["operation"], asked["name"], asked["namespace"]) == ("CREATE", "a", "default")
    assert asked["object"]["data"] == {"own": "1"}
    assert asked["oldObject"] is None
    assert asked["dryRun"] is True
    assert asked["options"]["kind"] == "CreateOptions"
    assert asked["userInfo"]["username"] == SYSTEM.name


def test_a_refusal_says_which_webhook_and_why(hook: WebhookServer) -> None:
    server = Server()
    hook.answer = lambda request: {"allowed": False, "status": {"message": "not today"}}
    ask(server, hook)
    with pytest.raises(ApiError) as caught:
        server.create(CONFIGMAPS, configmap())
    assert caught.value.message == (
        'admission webhook "hooks.example.com" denied the request: not today')
    assert caught.value.code == 400
    assert server.names(CONFIGMAPS) == []


def test_a_refusal_may_choose_code_and_reason(hook: WebhookServer) -> None:
    server = Server()
    hook.answer = lambda request: {"allowed": False, "status": {"code": 403, "reason": "Forbidden"}}
    ask(server, hook)
    with pytest.raises(ApiError) as caught:
        server.create(CONFIGMAPS, configmap())
    status = caught.value.status()
    assert (status["code"], status["reason"]) == (403, "Forbidden")
    assert status["message"] == (
        'admission webhook "hooks.example.com" denied the request: Forbidden')


def test_warnings_reach_the_client(hook: WebhookServer) -> None:
    server = Server()
    hook.answer = lambda request: {"warnings": ["mind the gap"]}
    ask(server, hook)
    ctx = RequestContext(resource=server.registry.catalog.resource(CONFIGMAPS), verb="create",
                         namespace="default")
    obj = server.registry.decode_trusted(ctx.resource, configmap())
    drive(server.registry.create(ctx, obj))
    assert ctx.warnings == ["mind the gap"]


@pytest.mark.parametrize("policy", ["Fail", "Ignore"])
def test_a_webhook_that_fails_stops_the_request_or_not(hook: WebhookServer, policy: str) -> None:
    server = Server()
    hook.status = 500
    ask(server, hook, failurePolicy=policy)
    if policy == "Ignore":
        server.create(CONFIGMAPS, configmap())
        return
    with pytest.raises(InternalError, match=r'failed calling webhook "hooks\.example\.com": failed'
                       " to call webhook: an error on the server"):
        server.create(CONFIGMAPS, configmap())


def test_nobody_listens() -> None:
    server, hook = Server(), WebhookServer(lambda request: {})
    hook.url = "https://127.0.0.1:1/"
    ask(server, hook)
    with pytest.raises(InternalError) as caught:
        server.create(CONFIGMAPS, configmap())
    assert caught.value.message == (
        'Internal error occurred: failed calling webhook "hooks.example.com": failed to call'
        ' webhook: Post "https://127.0.0.1:1/?timeout=10s": dial tcp 127.0.0.1:1: connect:'
        " connection refused")


def test_a_certificate_of_somebody_else_is_not_trusted(hook: WebhookServer) -> None:
    server = Server()
    ask(server, hook, clientConfig={"url": hook.url})
    with pytest.raises(InternalError, match="x509"):
        server.create(CONFIGMAPS, configmap())
    assert hook.asked == []


def test_a_service_needs_a_network() -> None:
    server, hook = Server(), WebhookServer(lambda request: {})
    ask(server, hook, clientConfig={"service": {"namespace": "default", "name": "web"}})
    with pytest.raises(InternalError, match=r"https://web\.default\.svc:443/\?timeout=10s"):
        server.create(CONFIGMAPS, configmap())


def test_an_answer_to_another_question_is_not_believed(hook: WebhookServer) -> None:
    server = Server()
    hook.answer = lambda request: {"uid": "other"}
    ask(server, hook)
    with pytest.raises(InternalError, match="received invalid webhook response: expected"):
        server.create(CONFIGMAPS, configmap())


@pytest.mark.parametrize(("fields", "asked"), [
    ({}, True),
    ({"objectSelector": {"matchLabels": {"a": "b"}}}, False),
    ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}, True),
    ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}, False),
    ({"matchConditions": [{"name": "c", "expression": "object.data.own == '1'"}]}, True),
    ({"matchConditions": [{"name": "c", "expression": "object.metadata.name != 'a'"}]}, False),
    ({"matchConditions": [{"name": "c", "expression":
                           "request.userInfo.username.startsWith('x')"}]}, False),
])
def test_who_is_asked(hook: WebhookServer, fields: Object, asked: bool) -> None:
    server = Server()
    ask(server, hook, **fields)
    server.create(CONFIGMAPS, configmap(own="1"))
    assert bool(hook.asked) is asked


@pytest.mark.parametrize(("rule", "asked"), [
    ({"operations": ["UPDATE"]}, ["UPDATE"]),
    ({"operations": ["DELETE"]}, ["DELETE"]),
    ({"resources": ["*"]}, ["CREATE", "UPDATE", "DELETE"]),
    ({"resources": ["*/*"]}, ["CREATE", "UPDATE", "DELETE"]),
    ({"resources": ["pods"]}, []),
    ({"apiGroups": ["apps"]}, []),
    ({"scope": "Cluster"}, []),
    ({"scope": "Namespaced"}, ["CREATE", "UPDATE", "DELETE"]),
])
def test_rules_choose_operations_and_resources(hook: WebhookServer, rule: Object,
                                               asked: list[str]) -> None:
    server = Server()
    every = {"apiGroups": [""], "apiVersions": ["*"], "operations": ["*"],
             "resources": ["configmaps"]}
    ask(server, hook, rules=[every | rule])
    server.create(CONFIGMAPS, configmap())
    server.patch(CONFIGMAPS, "a", {"data": {"own": "2"}})
    server.delete(CONFIGMAPS, "a")
    assert [one["operation"] for one in hook.asked] == asked


def test_a_condition_that_fails_refuses(hook: WebhookServer) -> None:
    server = Server()
    ask(server, hook, matchConditions=[{"name": "c", "expression": "object.none.at.all == 1"}])
    with pytest.raises(Forbidden, match="resulted in error"):
        server.create(CONFIGMAPS, configmap())


def test_a_webhook_that_wants_it_sees_what_later_ones_changed(hook: WebhookServer) -> None:
    server = Server()

    def answer(request: Object) -> Object:
        data = request["object"]["data"]
        if "first" not in data:
            return patch({"op": "add", "path": "/data/first", "value": "1"})
        return {} if "second" in data else patch(
            {"op": "add", "path": "/data/second", "value": "2"})

    hook.answer = answer
    ask(server, hook, mutating=True, name="a.example.com", reinvocationPolicy="IfNeeded")
    ask(server, hook, mutating=True, name="b.example.com")
    assert server.create(CONFIGMAPS, configmap(own="1"))["data"] == {
        "own": "1", "first": "1", "second": "2"}
    assert len(hook.asked) == 3


def test_nobody_is_asked_about_the_configurations_themselves(hook: WebhookServer) -> None:
    server = Server()
    ask(server, hook, rules=[{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"],
                              "resources": ["*"]}])
    server.delete(VALIDATING, "hooks.example.com", None)
    assert hook.asked == []


def test_on_an_event_loop_others_go_on_while_webhooks_are_asked(hook: WebhookServer) -> None:
    server = Server()
    for name in ("a.example.com", "b.example.com"):
        ask(server, hook, name=name)
    ask(server, hook, mutating=True)
    hook.answer = lambda request: {"allowed": request["name"] != "bad"}

    async def create(name: str) -> Object:
        return await server.client.create(CONFIGMAPS, configmap(name), "default")

    async def all_at_once() -> list[Any]:
        return list(await asyncio.gather(create("good"), create("bad"), create("fine"),
                                         return_exceptions=True))

    good, bad, fine = asyncio.run(all_at_once())
    assert (good["metadata"]["name"], fine["metadata"]["name"]) == ("good", "fine")
    assert isinstance(bad, ApiError)
    assert "denied the request" in bad.message


def test_a_webhook_that_is_too_slow_has_failed(tmp_path: Path) -> None:
    # A server of its own: one that is late may still read the question when the next test runs.
    release = threading.Event()

    def slow(request: Object) -> Object:
        release.wait(5)
        return {}

    with serving(slow, tmp_path) as hook:
        call = WebhookCaller().call({"url": hook.url, "caBundle": hook.bundle},
                                    b'{"request": {"uid": "1"}}', 0.05)
        try:
            with pytest.raises(CallFailed, match="context deadline exceeded"):
                asyncio.run(call)
        finally:
            release.set()


RULES_OF_PODS = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"],
                  "resources": ["pods/*"]}]
PODS = "/api/v1/namespaces/default/pods"


def test_an_eviction_is_a_creation_of_an_eviction_and_nothing_else(hook: WebhookServer) -> None:
    http = Http()
    http("POST", PODS, pod())
    ask(http.server, hook, rules=[{**RULES_OF_PODS[0], "resources": ["*/*"]}])
    reply = http("POST", f"{PODS}/p/eviction", {
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}})
    assert reply.status == 201
    (asked,) = hook.asked
    assert asked["kind"] == {"group": "policy", "version": "v1", "kind": "Eviction"}
    assert asked["resource"] == {"group": "", "version": "v1", "resource": "pods"}
    assert (asked["subResource"], asked["operation"], asked["name"]) == ("eviction", "CREATE", "p")
    assert asked["object"]["metadata"]["name"] == "p"


def test_a_binding_can_be_refused_and_changed(hook: WebhookServer) -> None:
    http = Http()
    http("POST", PODS, pod())
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"},
               "target": {"kind": "Node", "name": "one"}}
    hook.answer = lambda request: patch(
        {"op": "replace", "path": "/target/name", "value": "two"})
    ask(http.server, hook, mutating=True, rules=RULES_OF_PODS)
    assert http("POST", f"{PODS}/p/binding", binding).status == 201
    assert http("GET", f"{PODS}/p").json["spec"]["nodeName"] == "two"
    hook.answer = lambda request: {"allowed": False}
    refused = http("POST", f"{PODS}/p/binding", binding)
    assert refused.message == (
        'admission webhook "hooks.example.com" denied the request without explanation')


def test_who_may_connect_is_asked_with_the_options(hook: WebhookServer) -> None:
    http = Http()
    http("POST", PODS, pod())
    hook.answer = lambda request: {"allowed": False, "status": {"message": "no shells"}}
    ask(http.server, hook, rules=RULES_OF_PODS)
    reply = http("POST", f"{PODS}/p/exec?command=sh&command=-c&container=c&tty=true")
    assert reply.message == 'admission webhook "hooks.example.com" denied the request: no shells'
    (asked,) = hook.asked
    assert (asked["operation"], asked["options"], asked["subResource"]) == (
        "CONNECT", None, "exec")
    assert asked["object"] == {
        "kind": "PodExecOptions", "apiVersion": "v1", "stdout": True, "stderr": True, "tty": True,
        "container": "c", "command": ["sh", "-c"]}


def test_a_webhook_may_change_a_scale(hook: WebhookServer) -> None:
    http = Http()
    target = "/apis/apps/v1/namespaces/default/deployments"
    http("POST", target, deployment())
    hook.answer = lambda request: patch({"op": "replace", "path": "/spec/replicas", "value": 2})
    ask(http.server, hook, mutating=True, rules=[{
        "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"],
        "resources": ["deployments/scale"]}])
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 9},
             "metadata": {"name": "d", "namespace": "default"}}
    assert http("PUT", f"{target}/d/scale", scale).json["spec"]["replicas"] == 2
    assert http("GET", f"{target}/d").json["spec"]["replicas"] == 2
    assert hook.asked[0]["kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}


@pytest.mark.parametrize(("answer", "status", "policy", "code", "error"), [
    ({}, 200, "Fail", "200", None),
    ({"allowed": False}, 200, "Fail", "400", "no_error"),
    ({"allowed": False, "status": {"code": 999}}, 200, "Fail", "600", "no_error"),
    ({}, 500, "Fail", "500", "calling_webhook_error"),
    ({"uid": "other"}, 200, "Fail", "503", "calling_webhook_error"),
    ({}, 500, "Ignore", "500", None)])
def test_what_webhooks_say_is_counted(hook: WebhookServer, answer: Object, status: int,
                                      policy: str, code: str, error: str | None) -> None:
    server = Server()
    hook.answer, hook.status = (lambda request: answer), status
    ask(server, hook, failurePolicy=policy)
    with suppress(ApiError):
        server.create(CONFIGMAPS, configmap())
    counts = server.registry.admission.counts
    asked = ("hooks.example.com", "validating", "CREATE")
    rejected = error is not None
    assert counts.webhook_requests == {(*asked, code, str(rejected).lower()): 1}
    assert counts.webhook_rejections == ({(*asked, error, code): 1} if rejected else {})
    assert counts.fail_open == ({asked[:2]: 1} if policy == "Ignore" else {})
    assert counts.webhooks[asked, rejected].number == 1


def noted(server: Server) -> Object:
    """The annotations of the audit event of a creation."""
    resource = server.registry.catalog.resource(CONFIGMAPS)
    ctx = RequestContext(resource=resource, verb="create", namespace="default", notes={})
    body = server.registry.decode_trusted(resource, configmap(own="1"))
    drive(server.registry.create(ctx, body))
    return ctx.notes or {}


def test_webhooks_annotate_the_audit_event(hook: WebhookServer) -> None:
    server = Server()
    hook.answer = lambda request: {"auditAnnotations": {"why": "so", "no good": "x"}, **patch(
        {"op": "add", "path": "/data/a", "value": "b"})}
    ask(server, hook, mutating=True)
    ask(server, hook)
    assert noted(server) == {
        "hooks.example.com/why": "so", "mutation.webhook.admission.k8s.io/round_0_index_0":
        '{"configuration":"hooks.example.com","webhook":"hooks.example.com","mutated":true}',
        "patch.webhook.admission.k8s.io/round_0_index_0":
        '{"configuration":"hooks.example.com","webhook":"hooks.example.com",'
        '"patch":[{"op":"add","path":"/data/a","value":"b"}],"patchType":"JSONPatch"}'}


def test_the_audit_event_tells_who_failed_and_was_passed_over(hook: WebhookServer) -> None:
    server = Server()
    hook.status = 500
    ask(server, hook, mutating=True, failurePolicy="Ignore")
    ask(server, hook, failurePolicy="Ignore")
    assert noted(server) == {
        "failed-open.mutation.webhook.admission.k8s.io/round_0_index_0": "hooks.example.com",
        "failed-open.validating.webhook.admission.k8s.io/round_0_index_0": "hooks.example.com",
        "mutation.webhook.admission.k8s.io/round_0_index_0":
        '{"configuration":"hooks.example.com","webhook":"hooks.example.com","mutated":false}'}


def test_a_deletion_cannot_be_changed(hook: WebhookServer) -> None:
    server = Server()
    server.create(CONFIGMAPS, configmap())
    hook.answer = lambda request: patch({"op": "add", "path": "/data/a", "value": "b"})
    ask(server, hook, mutating=True)
    with pytest.raises(InternalError) as caught:
        drive(server.client.delete(CONFIGMAPS, "a", "default"))
    assert caught.value.message == (
        'Internal error occurred: admission webhook "hooks.example.com" attempted to modify the'
        " object, which is not supported for this operation")


def test_a_patch_that_does_not_apply_is_an_internal_error(hook: WebhookServer) -> None:
    server = Server()
    hook.answer = lambda request: patch({"op": "add", "path": "/metadata/labels/a", "value": "b"})
    ask(server, hook, mutating=True)
    with pytest.raises(InternalError) as caught:
        server.create(CONFIGMAPS, configmap())
    assert caught.value.message == (
        'Internal error occurred: add operation does not apply: doc is missing path:'
        ' "/metadata/labels/a": missing value')


def test_a_webhook_may_select_what_one_before_it_made_of_the_object(hook: WebhookServer) -> None:
    server = Server()
    hook.answer = lambda request: {} if request["object"]["metadata"].get("labels") else patch(
        {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}})
    ask(server, hook, mutating=True, name="a.example.com")
    ask(server, hook, mutating=True, name="b.example.com",
        objectSelector={"matchLabels": {"a": "b"}})
    server.create(CONFIGMAPS, configmap())
    assert len(hook.asked) == 2


def test_who_made_a_change_sees_what_the_server_adds_to_it(hook: WebhookServer) -> None:
    server = Server()
    server.create(GVR("", "v1", "limitranges"), {"metadata": {"name": "l"}, "spec": {"limits": [
        {"type": "Container", "default": {"cpu": "1"}}]}})
    side = {"name": "side", "image": "x"}
    hook.answer = lambda request: {} if len(request["object"]["spec"]["containers"]) > 1 else patch(
        {"op": "add", "path": "/spec/containers/-", "value": side})
    ask(server, hook, mutating=True, reinvocationPolicy="IfNeeded",
        rules=[{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                "resources": ["pods"]}])
    server.create(GVR("", "v1", "pods"), pod("p"))
    assert [one["object"]["spec"]["containers"][-1]["name"] for one in hook.asked][-1] == "side"
    assert hook.asked[-1]["object"]["spec"]["containers"][-1]["resources"]["limits"] == {"cpu": "1"}
