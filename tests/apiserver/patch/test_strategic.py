"""Strategic merge patch: directives, merge keys, orders, and what is said of bad patches."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.machinery.errors import ApiError, BadRequest, Unknown
from apiserver.machinery.gvk import GVK
from apiserver.patch.strategic import apply, parse
from apiserver.schema.schema import schema_for

if TYPE_CHECKING:
    from apiserver.schema.types import Type

POD_SPEC = "io.k8s.api.core.v1.PodSpec"
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def type_named(name: str) -> Type:
    return schema_for("1.36").named(name)


def containers(*names: str) -> dict[str, Any]:
    return {"containers": [{"name": name, "image": f"{name}:1"} for name in names]}


def patched(document: Any, patch: Any, name: str = POD_SPEC) -> Any:
    before = copy.deepcopy((document, patch))
    try:
        return apply(document, patch, type_named(name))
    finally:
        assert (document, patch) == before, "a patch must not change what it is given"


def names(spec: Any) -> list[str]:
    return [each["name"] for each in spec["containers"]]


def test_elements_merge_by_key_and_new_ones_come_first() -> None:
    spec = patched(containers("c", "s"), {"containers": [
        {"name": "c", "image": "c:2"}, {"name": "new", "image": "n:1"}]})
    assert names(spec) == ["c", "new", "s"]
    assert spec["containers"][0]["image"] == "c:2"


@pytest.mark.parametrize(("patch", "expected"), [
    ([{"name": "a", "$patch": "delete"}], ["b", "c"]),
    ([{"$patch": "replace"}, {"name": "x"}], ["x"]),
    ([{"name": "nope", "$patch": "delete"}], ["a", "b", "c"]),
])
def test_patch_directives_of_elements(patch: Any, expected: list[str]) -> None:
    assert names(patched(containers("a", "b", "c"), {"containers": patch})) == expected


@pytest.mark.parametrize(("order", "expected"), [
    (["c", "b", "a"], ["c", "b", "a"]), (["c", "a"], ["b", "c", "a"]), ([], ["a", "b", "c"]),
])
def test_set_element_order(order: list[str], expected: list[str]) -> None:
    patch = {"$setElementOrder/containers": [{"name": name} for name in order]}
    assert names(patched(containers("a", "b", "c"), patch)) == expected


@pytest.mark.parametrize(("patch", "expected"), [
    ({"labels": {"a": None, "c": "3"}}, {"b": "2", "c": "3"}),
    ({"labels": {"$patch": "replace", "z": "9"}}, {"z": "9"}),
    ({"labels": {"$patch": "delete"}}, {}),
    ({"labels": {"$retainKeys": ["b"]}}, {"b": "2"}),
    ({"labels": {"$retainKeys": ["b", "c"], "c": "3"}}, {"b": "2", "c": "3"}),
])
def test_directives_of_maps(patch: Any, expected: Any) -> None:
    assert patched({"labels": {"a": "1", "b": "2"}}, patch, META)["labels"] == expected


@pytest.mark.parametrize(("patch", "expected"), [
    ({"finalizers": ["c/c"]}, ["c/c", "a/a", "b/b"]),
    ({"finalizers": ["a/a"]}, ["a/a", "b/b"]),
    ({"$deleteFromPrimitiveList/finalizers": ["a/a"]}, ["b/b"]),
    ({"$setElementOrder/finalizers": ["b/b", "a/a"]}, ["b/b", "a/a"]),
    ({"finalizers": None}, None),
])
def test_lists_of_texts(patch: Any, expected: Any) -> None:
    result = patched({"finalizers": ["a/a", "b/b"]}, patch, META)
    assert result.get("finalizers") == expected


def test_a_list_without_merge_strategy_is_replaced() -> None:
    assert patched({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}) == {
        "tolerations": [{"key": "b"}]}


def test_volumes_retain_only_the_keys_that_are_listed() -> None:
    spec = patched({"volumes": [{"name": "v", "hostPath": {"path": "/x"}}]}, {"volumes": [
        {"name": "v", "$retainKeys": ["name", "emptyDir"], "emptyDir": {}}]})
    assert spec["volumes"] == [{"name": "v", "emptyDir": {}}]


def test_directives_and_nulls_do_not_reach_a_field_that_is_new() -> None:
    assert patched({}, {"labels": {"$patch": "bogus"}}, META) == {}
    assert patched({}, {"labels": {"a": None, "b": "1"}}, META) == {"labels": {"b": "1"}}


@pytest.mark.parametrize(("patch", "kind", "message"), [
    ({"containers": [{"image": "noname:1"}]}, Unknown,
     "map: map[image:noname:1] does not contain declared merge key: name"),
    ({"securityContext": {"$retainKeys": ["a"], "b": 1}}, BadRequest,
     "invalid patch format of retainKeys"),
    ({"$deleteFromPrimitiveList": ["x"]}, BadRequest, "invalid patch format of primitive list"),
    ({"securityContext": {"$patch": "bogus"}}, Unknown,
     "unknown patch type: bogus in map: map[$patch:bogus]"),
    ({"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "z"}]}, Unknown,
     "The order in patch list:\n[map[name:z]]\n doesn't match $setElementOrder list:\n"
     "[map[name:a]]\n"),
])
def test_a_bad_patch_is_refused(patch: Any, kind: type[ApiError], message: str) -> None:
    with pytest.raises(kind) as error:
        patched({**containers("a"), "securityContext": {"runAsUser": 1}}, patch)
    assert error.value.message == message


def test_a_body_that_is_no_object_is_refused() -> None:
    with pytest.raises(BadRequest) as error:
        parse(b"[1]")
    assert error.value.message == (
        "json: cannot unmarshal array into Go value of type map[string]interface {}")


keys = st.lists(st.sampled_from("abcdef"), unique=True)


@given(keys, keys)
def test_merging_a_list_keeps_every_element_once(mine: list[str], theirs: list[str]) -> None:
    spec = patched(containers(*mine), containers(*theirs)) if theirs else containers(*mine)
    assert sorted(names(spec)) == sorted({*mine, *theirs})
    assert [name for name in names(spec) if name in theirs] == theirs


@given(keys.filter(bool), st.permutations("abcdef"))
def test_set_element_order_orders_what_is_there(mine: list[str], order: list[str]) -> None:
    patch = {"$setElementOrder/containers": [{"name": name} for name in order]}
    assert names(patched(containers(*mine), patch)) == [name for name in order if name in mine]


def test_a_service_s_ports_merge_by_port() -> None:
    struct = schema_for("1.36").struct(GVK("", "v1", "Service"))
    service = {"spec": {"ports": [{"name": "x", "port": 80}, {"name": "y", "port": 81}]}}
    patch = {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}
    assert apply(service, patch, struct)["spec"]["ports"][0] == {
        "name": "x", "port": 80, "targetPort": 8080}
