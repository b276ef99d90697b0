"""OpenAPI documents: what kubectl looks for in them, and that they hold together."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from apiserver.handlers.answer import Answer
from apiserver.handlers.request import Request
from apiserver.machinery.errors import NotAcceptable
from apiserver.openapi.documents import Documents
from apiserver.openapi.pages import V2_PROTOBUF, OpenAPI
from apiserver.protobuf.wire import fields
from apiserver.registry.catalog import Catalog
from apiserver.resources import BUILTIN
from apiserver.schema.schema import schema_for

if TYPE_CHECKING:
    from collections.abc import Iterator

CORE = [resource for resource in BUILTIN if not resource.group]


@cache
def v3() -> dict[str, Any]:
    return Documents(schema_for("1.36")).v3(CORE)


@cache
def v2() -> dict[str, Any]:
    return Documents(schema_for("1.36")).v2(BUILTIN)


def request(path: str, accept: str = "", tag: str = "") -> Request:
    headers = [(b"accept", accept.encode()), (b"if-none-match", tag.encode())]

    async def receive() -> dict[str, Any]:
        raise AssertionError("a GET has no body")

    return Request({"method": "GET", "path": path, "headers": headers, "query_string": b""},
                   receive)


def answer(path: str, accept: str = "", tag: str = "") -> Answer:
    pages = OpenAPI(schema_for("1.36"), Catalog(BUILTIN)).pages()
    page = pages.get(path) or pages["/openapi/v3/"]
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
