"""Discovery: plain and aggregated, from the catalog as it is now."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from apiserver.discovery import Discovery, storage_version_hash, version_priority
from apiserver.handlers.answer import Answer
from apiserver.handlers.request import Request
from apiserver.machinery.errors import MethodNotAllowed, NotAcceptable
from apiserver.registry.catalog import Catalog
from apiserver.resource import Resource
from apiserver.resources import BUILTIN
from apiserver.resources.core.pods import PODS
from apiserver.schema.schema import schema_for
from apiserver.strategy import Strategy

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
WIDGETS = Resource(group="example.com", version="v1", kind="Widget", plural="widgets",
                   strategy=Strategy(), columns=(), custom=True, short_names=("wd",))


@pytest.fixture
def catalog() -> Catalog:
    return Catalog(BUILTIN)


def ask(catalog: Catalog, path: str, accept: str = "", tag: str = "",
        method: str = "GET") -> Answer:
    async def receive() -> dict[str, Any]:
        raise AssertionError("a GET has no body")

    pages = Discovery(catalog).pages()
    page = pages.get(path) or pages[max((p for p in pages if path.startswith(p)), key=len)]
    headers = [(b"accept", accept.encode()), (b"if-none-match", tag.encode())]
    answer = page(Request({"method": method, "path": path, "headers": headers,
                           "query_string": b""}, receive))
    assert isinstance(answer, Answer)
    return answer


def document(catalog: Catalog, path: str, accept: str = "") -> Any:
    return orjson.loads(ask(catalog, path, accept).body)


def named(entries: list[Any], name: str) -> Any:
    return next(entry for entry in entries if entry["name"] == name)


@pytest.mark.verified(source="truth/api/discovery")
def test_a_resource_and_its_subresources_are_listed(catalog: Catalog) -> None:
    resources = document(catalog, "/api/v1")["resources"]
    assert named(resources, "pods") == {
        "name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod",
        "verbs": list(PODS.verbs), "shortNames": ["po"], "categories": ["all"],
        "storageVersionHash": "xPOwRZ+Yhw8="}
    assert named(resources, "pods/status")["verbs"] == ["get", "patch", "update"]
    eviction = named(resources, "pods/eviction")
    assert (eviction["group"], eviction["kind"], eviction["verbs"]) == (
        "policy", "Eviction", ["create"])


def test_resources_are_sorted_by_name(catalog: Catalog) -> None:
    names = [each["name"] for each in document(catalog, "/apis/apps/v1")["resources"]]
    assert names == sorted(names)


def test_the_core_list_has_no_api_version(catalog: Catalog) -> None:
    assert "apiVersion" not in document(catalog, "/api/v1")
    assert document(catalog, "/apis/apps/v1")["apiVersion"] == "v1"


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
def test_aggregated_discovery_has_all_groups(catalog: Catalog, version: str) -> None:
    accept = AGGREGATED.replace("v2", version)
    answer = ask(catalog, "/apis", f"{accept},application/json")
    assert answer.media_type == accept
    listed = orjson.loads(answer.body)
    assert listed["apiVersion"] == f"apidiscovery.k8s.io/{version}"
    assert {item["metadata"]["name"] for item in listed["items"]} == {
        resource.group for resource in BUILTIN if resource.group}


def test_aggregated_scale_has_a_kind_of_its_own(catalog: Catalog) -> None:
    items = document(catalog, "/apis", AGGREGATED)["items"]
    apps = next(item for item in items if item["metadata"]["name"] == "apps")
    deployments = next(each for each in apps["versions"][0]["resources"]
                       if each["resource"] == "deployments")
    assert deployments["responseKind"] == {"group": "", "version": "", "kind": "Deployment"}
    assert deployments["subresources"][0]["responseKind"] == {
        "group": "autoscaling", "version": "v1", "kind": "Scale"}


@pytest.mark.parametrize("accept", ["", "*/*", "application/json",
                                    AGGREGATED.replace("v2", "v9") + ",application/json"])
def test_others_get_the_plain_form(catalog: Catalog, accept: str) -> None:
    assert document(catalog, "/api", accept)["versions"] == ["v1"]


def test_an_unknown_aggregated_version_alone_is_not_acceptable(catalog: Catalog) -> None:
    with pytest.raises(NotAcceptable):
        ask(catalog, "/apis", AGGREGATED.replace("v2", "v9"))


def test_discovery_is_only_read(catalog: Catalog) -> None:
    with pytest.raises(MethodNotAllowed):
        ask(catalog, "/api", method="DELETE")


def test_a_client_that_has_the_aggregate_gets_304(catalog: Catalog) -> None:
    tag = dict(ask(catalog, "/apis", AGGREGATED).headers)[b"etag"].decode()
    assert ask(catalog, "/apis", AGGREGATED, tag).status == 304


def test_custom_kinds_come_and_go(catalog: Catalog) -> None:
    discovery = Discovery(catalog)
    assert b"Widget" not in ask(catalog, "/apis", AGGREGATED).body
    catalog.add(WIDGETS, schema_for().struct(PODS.gvk))
    assert named(document(catalog, "/apis/example.com/v1")["resources"], "widgets")["kind"] == (
        "Widget")
    assert b"Widget" in ask(catalog, "/apis", AGGREGATED).body
    catalog.remove(WIDGETS.gvr)
    assert ask(catalog, "/apis/example.com").status == 404
    assert discovery.pages().keys() == {"/", "/api", "/apis", "/api/", "/apis/"}


def test_versions_are_sorted_as_kubernetes_sorts_them() -> None:
    versions = ["v1beta1", "v1", "foo", "v2alpha1", "v2", "v1beta2", "v10"]
    assert sorted(versions, key=version_priority) == [
        "v10", "v2", "v1", "v1beta2", "v1beta1", "v2alpha1", "foo"]


@pytest.mark.verified(source="a real cluster's `kubectl get --raw /api/v1`")
def test_the_storage_hash_is_the_real_one() -> None:
    assert storage_version_hash(PODS) == "xPOwRZ+Yhw8="
