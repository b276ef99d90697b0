"""OpenAPI documents: what kubectl looks for in them, and that they hold together."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from apiserver.handlers.answer import Answer
from apiserver.handlers.request import Request
from apiserver.machinery.errors import NotAcceptable
from apiserver.openapi.documents import Documents
from apiserver.openapi.enums import enums
from apiserver.openapi.pages import V2_PROTOBUF, OpenAPI
from apiserver.protobuf.wire import fields
from apiserver.registry.catalog import Catalog
from apiserver.resources import BUILTIN
from apiserver.schema.schema import schema_for

if TYPE_CHECKING:
    from collections.abc import Iterator

CORE = [resource for resource in BUILTIN if not resource.group]
SERVED = [resource for resource in BUILTIN if schema_for("1.36").knows(resource.gvk)]


@cache
def v3() -> dict[str, Any]:
    return Documents(schema_for("1.36")).v3(CORE)


@cache
def v2() -> dict[str, Any]:
    return Documents(schema_for("1.36")).v2(SERVED)


def request(path: str, accept: str = "", tag: str = "") -> Request:
    headers = [(b"accept", accept.encode()), (b"if-none-match", tag.encode())]

    async def receive() -> dict[str, Any]:
        raise AssertionError("a GET has no body")

    path, _, query = path.partition("?")
    return Request({"method": "GET", "path": path, "headers": headers,
                    "query_string": query.encode()}, receive)


def answer(path: str, accept: str = "", tag: str = "") -> Answer:
    pages = OpenAPI(schema_for("1.36"), Catalog(SERVED)).pages()
    page = pages.get(path.partition("?")[0]) or pages["/openapi/v3/"]
    made = page(request(path, accept, tag))
    assert isinstance(made, Answer)
    return made


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_every_reference_of_v3_leads_somewhere() -> None:
    known = {f"#/components/schemas/{name}" for name in v3()["components"]["schemas"]}
    assert set(references(v3())) <= known


def test_every_reference_of_v2_leads_somewhere() -> None:
    known = {f"#/definitions/{name}" for name in v2()["definitions"]}
    assert set(references(v2())) <= known


def test_operation_ids_are_unique() -> None:
    methods = ("get", "put", "post", "delete", "patch")
    ids = [item[method]["operationId"] for item in v2()["paths"].values() for method in methods
           if method in item]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", ["dryRun", "fieldManager", "fieldValidation", "force"])
def test_patch_names_the_parameters_that_kubectl_checks(name: str) -> None:
    patch = v3()["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]["patch"]
    assert name in [parameter["name"] for parameter in patch["parameters"]]
    assert patch["x-kubernetes-group-version-kind"] == {
        "group": "", "version": "v1", "kind": "Pod"}


def test_structs_have_a_default_and_references_stand_in_all_of() -> None:
    spec = v3()["components"]["schemas"]["io.k8s.api.core.v1.Pod"]["properties"]["spec"]
    assert spec["allOf"] == [{"$ref": "#/components/schemas/io.k8s.api.core.v1.PodSpec"}]
    assert spec["default"] == {}


def test_merge_keys_are_told() -> None:
    spec = v3()["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]
    assert spec["containers"]["x-kubernetes-patch-merge-key"] == "name"
    assert spec["containers"]["x-kubernetes-list-map-keys"] == ["name"]


def test_nothing_of_the_source_s_dialect_is_left() -> None:
    assert b"$defs" not in orjson.dumps(v3()) + orjson.dumps(v2())
    assert b'["string","null"]' not in orjson.dumps(v3()) + orjson.dumps(v2())


def test_the_index_names_a_document_per_group_and_version() -> None:
    paths = orjson.loads(answer("/openapi/v3").body)["paths"]
    assert paths["apis/apps/v1"]["serverRelativeURL"].startswith("/openapi/v3/apis/apps/v1?hash=")
    document = orjson.loads(answer("/openapi/v3/apis/apps/v1").body)
    assert "/apis/apps/v1/namespaces/{namespace}/deployments" in document["paths"]


def test_a_group_that_is_not_served_has_no_document() -> None:
    assert answer("/openapi/v3/apis/nosuch.example.com/v1").status == 404


def test_a_client_that_has_the_document_gets_304() -> None:
    first = answer("/openapi/v2")
    tag = dict(first.headers)[b"etag"].decode()
    second = answer("/openapi/v2", tag=tag)
    assert (second.status, second.body) == (304, b"")


@pytest.mark.parametrize("accept", V2_PROTOBUF)
def test_v2_comes_in_protobuf_for_kubectl(accept: str) -> None:
    made = answer("/openapi/v2", accept)
    assert made.media_type == V2_PROTOBUF[1]  # mime.ParseMediaType refuses the other one's @
    definitions = next(content for number, _, _, content in fields(made.body) if number == 9)
    first = next(content for _, _, _, content in fields(definitions))
    name = next(content for number, _, _, content in fields(first) if number == 1)
    assert name.decode() in v2()["definitions"]


def test_v2_in_another_form_is_not_acceptable() -> None:
    with pytest.raises(NotAcceptable):
        answer("/openapi/v2", "text/html")


def test_the_index_leads_to_documents_that_may_be_kept() -> None:
    index = orjson.loads(answer("/openapi/v3").body)["paths"]
    found = answer(index["apis/apps/v1"]["serverRelativeURL"])
    headers = dict(found.headers)
    assert found.status == 200
    assert headers[b"cache-control"] == b"public, immutable"
    assert headers[b"etag"].decode().strip('"') in index["apis/apps/v1"]["serverRelativeURL"]


def test_an_old_hash_leads_to_the_new_one() -> None:
    index = orjson.loads(answer("/openapi/v3").body)["paths"]
    moved = answer("/openapi/v3/apis/apps/v1?hash=OLD")
    assert (moved.status, dict(moved.headers)[b"location"].decode()) == (
        301, index["apis/apps/v1"]["serverRelativeURL"])


@pytest.mark.parametrize(("path", "operation"), [
    ("version", "getCodeVersion"), ("api", "getCoreAPIVersions"), ("apis", "getAPIVersions"),
    ("apis/apps", "getAppsAPIGroup"),
    ("openid/v1/jwks", "getServiceAccountIssuerOpenIDKeyset")])
def test_what_is_no_resource_has_documents_too(path: str, operation: str) -> None:
    document = orjson.loads(answer(f"/openapi/v3/{path}").body)
    ids = [each["operationId"] for item in document["paths"].values()
           for name, each in item.items() if name != "parameters"]
    assert ids == [operation]


@pytest.mark.verified(source="api/openapi-spec/swagger.json")
@pytest.mark.parametrize(("path", "method", "operation", "tag"), [
    ("/apis/rbac.authorization.k8s.io/v1/roles", "get",
     "listRbacAuthorizationV1RoleForAllNamespaces", "rbacAuthorization_v1"),
    ("/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", "post",
     "createFlowcontrolApiserverV1FlowSchema", "flowcontrolApiserver_v1"),
    ("/api/v1/namespaces/{namespace}/pods", "delete", "deleteCoreV1CollectionNamespacedPod",
     "core_v1"),
    ("/api/v1/namespaces/{namespace}/pods/{name}/exec", "post",
     "connectCoreV1PostNamespacedPodExec", "core_v1"),
    ("/api/v1/nodes/{name}/proxy/{path}", "head", "connectCoreV1HeadNodeProxyWithPath", "core_v1"),
    ("/api/v1/watch/namespaces/{namespace}/pods/{name}", "get", "watchCoreV1NamespacedPod",
     "core_v1"),
    ("/api/v1/watch/pods", "get", "watchCoreV1PodListForAllNamespaces", "core_v1"),
    ("/apis/apps/v1/watch/namespaces/{namespace}/deployments", "get",
     "watchAppsV1NamespacedDeploymentList", "apps_v1"),
    ("/apis/autoscaling/v2/", "get", "getAutoscalingV2APIResources", "autoscaling_v2")])
def test_operations_have_the_names_that_generators_know(path, method, operation, tag) -> None:
    found = v2()["paths"][path][method]
    assert (found["operationId"], found["tags"]) == (operation, [tag])


def test_the_python_client_knows_every_operation() -> None:
    """Its methods come from the real document."""
    real = dict(generated())
    served = Documents(schema_for("1.37")).v2(BUILTIN)["paths"]
    ours = {(path, method.upper()) for path, item in served.items()
            for method in item if method != "parameters" and "/watch/" not in path}
    kinds = {tuple(path.strip("/").split("/")[:3]) for path, _ in ours}
    missing = {key for key in real if key not in ours
               and tuple(key[0].strip("/").split("/")[:3]) in kinds
               and not any(name in key[0] for name in _NOT_SERVED)}
    assert not missing
    assert not ours - set(real)


_NOT_SERVED = ("csinodes/{name}/status", "{plural}")
"""What is behind a gate that is off by default, and any kind."""


def test_what_is_served_is_the_document() -> None:
    assert orjson.loads(answer("/openapi/v2").body) == orjson.loads(orjson.dumps(v2()))
    served = orjson.loads(answer("/openapi/v3/api/v1").body)["components"]["schemas"]
    assert orjson.loads(orjson.dumps(v3()))["components"]["schemas"].items() <= served.items()


def test_every_enum_is_of_a_field_that_is_there() -> None:
    schemas = {name.removeprefix("io.k8s.api."): schema
               for name, schema in v2()["definitions"].items()}
    for (group, type_, field), (values, listed) in enums().items():
        shown = schemas[f"{group}.v1.{type_}"]["properties"][field]
        assert (shown["items"] if listed else shown)["enum"] == values, (group, type_, field)
        assert "Possible enum values:" in shown["description"]


def test_every_enum_is_sorted_as_in_the_real_document() -> None:
    assert all(values == sorted(values) for values, _ in enums().values())


def generated() -> Iterator[tuple[tuple[str, str], str]]:
    """Path and method of every operation of the `kubernetes` package, and its method's name."""
    api = pytest.importorskip("kubernetes.client.api")
    for file in Path(api.__path__[0]).glob("*_api.py"):
        for found in re.finditer(r"def _(\w+)_serialize\(.*?method='(\w+)',\s*"
                                 r"resource_path='([^']+)'", file.read_text(), re.DOTALL):
            yield (found[3], found[2]), found[1]
