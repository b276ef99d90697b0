"""Who may attest, who may sign for Pods, and which Pods a kubelet may ask for."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.app import KubernetesApp
from apiserver.authentication.authenticator import Authenticator
from apiserver.authorization.attributes import Attributes, Decision
from apiserver.context import User
from apiserver.machinery.gvk import NODES, PODS, SERVICEACCOUNTS
from tests.apiserver.handlers.asgi import Http, Reply
from tests.apiserver.resources.bodies import AUTHORITY, BODIES
from tests.apiserver.resources.test_trust import certificate
from tests.apiserver.server import Server

JANE = User(name="jane")
KUBELET = User(name="system:node:n", groups=("system:nodes",))
GROUP = "/apis/certificates.k8s.io/v1"
BUNDLES = f"{GROUP}/clustertrustbundles"
REQUESTS = f"{GROUP}/namespaces/default/podcertificaterequests"


class World:
    """A server whose authorizer lets pass what is in `granted`: (verb, signer)."""

    def __init__(self) -> None:
        self.server = Server(version="1.37")
        self.granted: set[tuple[str, str]] = set()
        self.server.registry.decide = self._decide
        self.http = Http(KubernetesApp(self.server.registry, authenticate=Authenticator(
            {"jane": JANE, "kubelet": KUBELET})))

    def _decide(self, asked: Attributes) -> Decision:
        return Decision(asked.resource == "signers" and (asked.verb, asked.name) in self.granted)

    def __call__(self, method: str, target: str, body: Any = None, who: str = "jane") -> Reply:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        return self.http(method, target, body, content_type=kind, authorization=f"Bearer {who}")


@pytest.fixture
def ask() -> World:
    return World()


def bundle(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"trustBundle": AUTHORITY, **spec}}


def test_a_bundle_of_nobody_needs_no_permission(ask: World) -> None:
    assert ask("POST", BUNDLES, bundle("a")).status == 201


@pytest.mark.parametrize("granted", ["x.io/s", "x.io/*"])
def test_a_signers_bundle_is_made_by_who_may_attest(ask: World, granted: str) -> None:
    body = bundle("x.io:s:a", signerName="x.io/s")
    refused = ask("POST", BUNDLES, body)
    assert refused.status == 403
    assert refused.json["message"] == (
        'clustertrustbundles.certificates.k8s.io "x.io:s:a" is forbidden: user not permitted to '
        'attest for signerName "x.io/s"')
    ask.granted.add(("sign", "x.io/s"))
    assert ask("POST", BUNDLES, body).status == 403
    ask.granted.add(("attest", granted))
    assert ask("POST", BUNDLES, body).status == 201


def test_garbage_collection_attests_nothing(ask: World) -> None:
    ask.granted.add(("attest", "x.io/s"))
    ask("POST", BUNDLES, bundle("x.io:s:a", signerName="x.io/s"))
    ask.granted.clear()
    one = f"{BUNDLES}/x.io:s:a"
    assert ask("PATCH", one, {"metadata": {"finalizers": ["x.io/f"]}}).status == 200
    assert ask("PATCH", one, {"metadata": {"labels": {"a": "b"}}}).status == 403
    assert ask("PATCH", one, {"metadata": {"finalizers": None}}).status == 200


def asking(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "r"},
            "spec": {**BODIES["podcertificaterequests"]["spec"], **spec}}


def test_a_pods_certificate_is_written_by_who_may_sign(ask: World) -> None:
    made = ask("POST", REQUESTS, asking())
    assert made.status == 201, made.json
    start = made.json["metadata"]["creationTimestamp"]
    answer = {"status": issued_at(start)}
    refused = ask("PATCH", f"{REQUESTS}/r/status", answer)
    assert (refused.status, refused.json["details"]["causes"][0]["message"]) == (
        422, 'Forbidden: User "jane" is not permitted to "sign" for signer "x.io/s"')
    ask.granted.add(("sign", "x.io/s"))
    assert ask("PATCH", f"{REQUESTS}/r/status", answer).status == 200


def test_a_denial_needs_no_permission_to_sign(ask: World) -> None:
    ask("POST", REQUESTS, asking())
    denied = ask("PATCH", f"{REQUESTS}/r/status", {"status": {"conditions": [
        {"type": "Denied", "status": "True", "reason": "R", "message": ""}]}})
    assert denied.status == 200, denied.json


def issued_at(start: str) -> dict[str, Any]:
    """A right answer of someone whose certificate begins at an RFC 3339 time."""
    import datetime as dt

    begin = dt.datetime.fromisoformat(start)
    times = {name: (begin + dt.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
             for name, hours in (("notBefore", 0), ("beginRefreshAt", 1), ("notAfter", 2))}
    return {"certificateChain": certificate(start=begin), **times, "conditions": [
        {"type": "Issued", "status": "True", "reason": "R", "message": ""}]}


def test_a_kubelet_asks_for_its_own_pods_only(ask: World) -> None:
    node = ask.server.create(NODES, {"metadata": {"name": "n"}}, None)["metadata"]["uid"]
    pod = {"containers": [{"name": "c", "image": "i"}]}
    mine, theirs = (ask.server.create(PODS, {"metadata": {"name": name}, "spec": {
        **pod, "nodeName": where}})["metadata"]["uid"] for name, where in (("p", "n"), ("q", "m")))
    account = ask.server.get(SERVICEACCOUNTS, "default")["metadata"]["uid"]
    right = {"nodeUID": node, "podUID": mine, "serviceAccountName": "default",
             "serviceAccountUID": account}

    def answer(**spec: Any) -> tuple[int, str]:
        reply = ask("POST", REQUESTS, asking(**right | spec), who="kubelet")
        return reply.status, reply.json.get("message", "")

    refused = 'podcertificaterequests.certificates.k8s.io "r" is forbidden: '
    assert answer(nodeName="m") == (
        403, f'{refused}PodCertificateRequest.Spec.NodeName="m", which is not the requesting node '
        '"n"')
    assert answer(podName="q", podUID=theirs) == (
        403, f'{refused}pod "default/q" is not running on node "n" named in the '
        "PodCertificateRequest")
    assert answer(serviceAccountName="other")[0] == 403
    assert answer(podUID="x") == (
        500, 'PodCertificateRequest for pod "default/p" contains pod UID ("x") which differs from '
        f'running pod "{mine}"')
    assert answer(podName="gone")[0] == 500
    assert answer()[0] == 201
