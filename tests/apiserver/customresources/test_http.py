"""Custom resources over HTTP: bodies, lists, discovery, OpenAPI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apiserver.customresources.definitions import CRDS
from apiserver.openapi.pages import OpenAPI
from tests.apiserver.customresources.crds import GROUP, NAME, crd, fields, version
from tests.apiserver.handlers.asgi import TABLE, Http
from tests.integration.api_server import make_app

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

BASE = f"/apis/{GROUP}/v1"
PATH = f"{BASE}/namespaces/default/crontabs"
SPEC = fields(x={"type": "integer"}, free={
    "type": "string", "nullable": True, "description": "As one likes."})


@pytest.fixture
def http() -> Http:
    made = Http()
    registry = made.server.registry
    made.app = make_app(registry)
    made.app._pages |= OpenAPI(registry.schema, registry.catalog).pages()
    made.server.create(CRDS, crd(version(
        spec=SPEC, subresources={"status": {}}), version("v1beta1", storage=False,
                                                          deprecated=True)), None)
    return made


def body(**changes: Any) -> Object:
    return {"apiVersion": f"{GROUP}/v1", "kind": "CronTab", "metadata": {"name": "a"},
            "spec": {"x": 1}} | changes


def test_lists_show_continue_and_the_type_of_their_items(http: Http) -> None:
    assert http("POST", PATH, body()).status == 201
    listed = http("GET", PATH).json
    assert listed["kind"] == "CronTabList"
    assert listed["metadata"]["continue"] == ""
    assert listed["items"][0]["kind"] == "CronTab"
    assert "continue" not in http("GET", PATH, accept=TABLE).json["metadata"]


def test_another_kind_in_the_body_is_invalid_another_version_a_bad_request(http: Http) -> None:
    reply = http("POST", PATH, body(kind="Other"))
    assert (reply.status, reply.message) == (
        422, f'Other.{GROUP} "a" is invalid: kind: Invalid value: "Other": must be CronTab')
    reply = http("POST", PATH, body(apiVersion=f"{GROUP}/v2"))
    assert (reply.status, reply.message) == (
        400, f"the API version in the data ({GROUP}/v2) does not match the expected API version "
             f"({GROUP}/v1)")


@pytest.mark.parametrize(("missing", "shown"), [("kind", "Kind"), ("apiVersion", "apiVersion")])
def test_bodies_without_a_type_are_refused(http: Http, missing: str, shown: str) -> None:
    without = {key: value for key, value in body().items() if key != missing}
    reply = http("POST", PATH, without)
    assert reply.status == 400
    assert f"Object '{shown}' is missing in '{{" in reply.message


def test_unknown_fields_are_told_in_order_of_their_paths(http: Http) -> None:
    reply = http("POST", f"{PATH}?fieldValidation=Strict", body(spec={"x": 1, "z": 1}, b=1))
    assert reply.message == (
        'CronTab in version "v1" cannot be handled as a CronTab: strict decoding error: '
        'unknown field "b", unknown field "spec.z"')
    warned = http("POST", f"{PATH}?fieldValidation=Warn", body(spec={"x": 1, "z": 1}))
    assert warned.warnings == [r'299 - "unknown field \"spec.z\""']


def test_strategic_patches_and_protobuf_are_not_understood(http: Http) -> None:
    http("POST", PATH, body())
    patch = http("PATCH", f"{PATH}/a", {}, content_type="application/strategic-merge-patch+json")
    proto = http("POST", PATH, b"k8s\0", content_type="application/vnd.kubernetes.protobuf")
    assert (patch.status, proto.status) == (415, 415)


def test_what_is_not_served_is_plain_text_but_below_an_object_a_status(http: Http) -> None:
    assert http("GET", f"/apis/{GROUP}/v9/crontabs").body == b"404 page not found\n"
    assert http("GET", f"{BASE}/nosuch").body == b"404 page not found\n"
    assert http("GET", f"{PATH}/a/nosuch").message == f'crontabs.{GROUP} "a" not found'
    assert http("GET", f"{PATH}?fieldSelector=spec.x%3D1").message == (
        "field label not supported: spec.x")


def test_deprecated_versions_warn(http: Http) -> None:
    reply = http("GET", f"/apis/{GROUP}/v1beta1/crontabs")
    assert reply.warnings == [
        f'299 - "{GROUP}/v1beta1 CronTab is deprecated; use {GROUP}/v1 CronTab"']


def test_discovery_comes_and_goes_with_the_crd(http: Http) -> None:
    group = http("GET", f"/apis/{GROUP}").json
    assert [each["version"] for each in group["versions"]] == ["v1", "v1beta1"]
    resources = http("GET", BASE).json["resources"]
    assert [(each["name"], each["verbs"]) for each in resources] == [
        ("crontabs", ["delete", "deletecollection", "get", "list", "patch", "create", "update",
                      "watch"]), ("crontabs/status", ["get", "patch", "update"])]
    http.server.delete(CRDS, NAME, None)
    assert http("GET", BASE).status == http("GET", f"/apis/{GROUP}").status == 404


def test_openapi_v3_describes_the_kind(http: Http) -> None:
    path = f"/openapi/v3/apis/{GROUP}/v1"
    assert f"apis/{GROUP}/v1" in http("GET", "/openapi/v3").json["paths"]
    document = http("GET", path).json
    schema = document["components"]["schemas"]["com.example.stable.v1.CronTab"]
    assert schema["x-kubernetes-group-version-kind"] == [
        {"group": GROUP, "version": "v1", "kind": "CronTab"}]
    assert schema["properties"]["spec"]["properties"]["free"]["nullable"] is True
    post = document["paths"][f"{BASE}/namespaces/{{namespace}}/crontabs"]["post"]
    assert post["requestBody"]["content"]["*/*"]["schema"]["$ref"].endswith("v1.CronTab")
    http.server.delete(CRDS, NAME, None)
    assert http("GET", path).status == 404


def test_openapi_v2_has_no_shape_for_what_it_cannot_say(http: Http) -> None:
    definitions = http("GET", "/openapi/v2").json["definitions"]
    spec = definitions["com.example.stable.v1.CronTab"]["properties"]["spec"]
    assert spec["properties"]["free"] == {"description": "As one likes."}
    assert "com.example.stable.v1.CronTabList" in definitions
    proto = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    assert http("GET", "/openapi/v2", accept=proto).status == 200
    http.server.delete(CRDS, NAME, None)
    assert "com.example.stable.v1.CronTab" not in http("GET", "/openapi/v2").json["definitions"]
