"""Server-side apply and managed fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.machinery.errors import ApiError, BadRequest, Conflict
from apiserver.machinery.gvk import GVK
from apiserver.patch import apply as ssa
from apiserver.patch import fieldset
from apiserver.patch.managed_fields import (
    Entry,
    Manager,
    Write,
    decode_managers,
    encode_managers,
    keep_times,
    manager_name,
    managers_of,
    track_update,
)
from apiserver.patch.scale_fields import to_parent, to_scale
from apiserver.schema.schema import decode, schema_for

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

CONFIGMAP = GVK("", "v1", "ConfigMap")
DEPLOYMENT = GVK("apps", "v1", "Deployment")


def write(manager: str, kind: GVK = CONFIGMAP, now: float = 0.0) -> Write:
    return Write(manager=manager, api_version=kind.api_version, now=now)


def applied(live: Object | None, config: Object, manager: str = "m1", *, kind: GVK = CONFIGMAP,
            force: bool = False, now: float = 0.0) -> Object:
    struct = schema_for("1.36").struct(kind)
    typed = {"apiVersion": kind.api_version, "kind": kind.kind, **config}
    typed["metadata"] = {"name": "a", **config.get("metadata", {})}
    result = ssa.apply(struct, kind, live, typed, write(manager, kind, now), force=force)
    result = decode(struct, result).object
    result["metadata"].setdefault("uid", "u")
    return result


def updated(live: Object | None, new: Object, manager: str, now: float = 0.0) -> Object:
    struct = schema_for("1.36").struct(CONFIGMAP)
    metadata = {"name": "a", "uid": "u"} if live else {"name": "a"}
    result = track_update(struct, live, {"metadata": metadata, **new}, write(manager, now=now))
    result["metadata"]["uid"] = "u"
    return result


def owners(obj: Object) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"] for entry in obj["metadata"].get(
        "managedFields", [])}


def test_an_applied_object_belongs_to_its_manager() -> None:
    assert owners(applied(None, {"data": {"k": "v"}})) == {"m1": {"f:data": {"f:k": {}}}}


def test_what_is_no_longer_applied_is_removed() -> None:
    first = applied(None, {"data": {"k": "v", "n": "1"}})
    assert applied(first, {"data": {"n": "1"}})["data"] == {"n": "1"}
    assert "data" not in applied(first, {})


def test_what_another_applies_too_stays() -> None:
    both = applied(applied(None, {"data": {"k": "v"}}), {"data": {"k": "v"}}, "m2")
    assert applied(both, {}, "m1")["data"] == {"k": "v"}


def test_what_an_updater_owns_stays_when_the_applier_lets_go() -> None:
    mine = applied(None, {"data": {"k": "v"}})
    theirs = updated(mine, {"data": {"k": "v", "x": "1"},
                            "metadata": {**mine["metadata"]}}, "controller")
    assert applied(theirs, {})["data"] == {"x": "1"}


@pytest.mark.verified(source="truth/api/apply")
def test_a_changed_value_of_another_is_a_conflict_with_its_cause() -> None:
    live = applied(None, {"data": {"k": "v"}})
    with pytest.raises(Conflict) as error:
        applied(live, {"data": {"k": "other"}}, "m2")
    assert error.value.message == 'Apply failed with 1 conflict: conflict with "m1": .data.k'
    assert error.value.details == {"causes": [{
        "reason": "FieldManagerConflict", "message": 'conflict with "m1"', "field": ".data.k"}]}


@pytest.mark.verified(source="truth/api/apply")
def test_several_conflicts_are_listed_by_manager() -> None:
    live = applied(applied(None, {"data": {"k": "v"}}), {"data": {"k": "v", "x": "1"}}, "m2")
    with pytest.raises(Conflict) as error:
        applied(live, {"data": {"k": "w", "x": "w"}}, "m3")
    assert error.value.message == (
        'Apply failed with 3 conflicts: conflicts with "m1":\n- .data.k\nconflicts with "m2":\n'
        "- .data.k\n- .data.x")


def test_force_takes_the_fields_over() -> None:
    live = applied(None, {"data": {"k": "v", "x": "1"}})
    forced = applied(live, {"data": {"k": "w"}}, "m2", force=True)
    assert owners(forced) == {"m1": {"f:data": {"f:x": {}}}, "m2": {"f:data": {"f:k": {}}}}


def test_the_same_value_is_shared_ownership() -> None:
    live = applied(None, {"data": {"k": "v"}})
    assert owners(applied(live, {"data": {"k": "v"}}, "m2")).keys() == {"m1", "m2"}


def test_an_apply_that_changes_nothing_keeps_its_time() -> None:
    live = applied(None, {"data": {"k": "v"}}, now=10)
    again = applied(live, {"data": {"k": "v"}}, now=99)
    assert again["metadata"]["managedFields"] == live["metadata"]["managedFields"]


def test_list_elements_are_owned_by_key() -> None:
    config = {"spec": {"selector": {}, "template": {"spec": {"containers": [
        {"name": "c", "image": "i", "ports": [{"containerPort": 80}]}]}}}}
    fields = owners(applied(None, config, kind=DEPLOYMENT))["m1"]
    containers = fields["f:spec"]["f:template"]["f:spec"]["f:containers"]
    port = 'k:{"containerPort":80,"protocol":"TCP"}'
    assert containers == {'k:{"name":"c"}': {
        ".": {}, "f:name": {}, "f:image": {}, "f:ports": {port: {".": {}, "f:containerPort": {}}}}}


@pytest.mark.parametrize(("config", "message"), [
    ({"nosuch": 1}, ".nosuch: field not declared in schema"),
    ({"data": {"k": 5}}, ".data.k: expected string, got &value.valueUnstructured{Value:5}"),
    ({"data": []}, ".data: expected map, got &{[]}"),
    ({"immutable": "x"}, ".immutable: expected boolean, got &{x}"),
])
def test_an_object_that_does_not_fit_the_schema_is_refused(config: Object, message: str) -> None:
    with pytest.raises(ApiError) as error:
        applied(None, config)
    assert error.value.message == (
        f"failed to create typed patch object (/a; /v1, Kind=ConfigMap): {message}")
    assert (error.value.code, error.value.reason) == (500, "")


@pytest.mark.parametrize(("config", "message"), [
    ({"kind": "Secret"}, "invalid object type: /v1, Kind=Secret"),
    ({"metadata": {"managedFields": []}}, "metadata.managedFields must be nil"),
])
def test_a_bad_configuration_is_refused(config: Object, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        applied(None, config)


def test_a_create_owns_what_it_sets() -> None:
    assert owners(updated(None, {"data": {"k": "v"}}, "creator")) == {
        "creator": {"f:data": {".": {}, "f:k": {}}}}


def test_an_update_takes_what_it_changes() -> None:
    live = updated(None, {"data": {"k": "v"}}, "creator")
    after = updated(live, {"data": {"k": "w"}}, "editor")
    assert owners(after) == {"creator": {"f:data": {}}, "editor": {"f:data": {"f:k": {}}}}


def test_resetting_managed_fields_ends_the_tracking() -> None:
    live = updated(None, {"data": {"k": "v"}}, "creator")
    reset = updated(live, {"data": {"k": "v"}, "metadata": {
        "name": "a", "uid": "u", "managedFields": [{}]}}, "editor")
    assert "managedFields" not in reset["metadata"]
    assert "managedFields" not in updated(reset, {"data": {"k": "w"}}, "editor")["metadata"]


def test_objects_without_tracking_are_owned_by_before_first_apply() -> None:
    live = {"metadata": {"name": "a", "uid": "u"}, "data": {"k": "v"}}
    assert list(owners(applied(live, {"data": {"k": "v"}}))) == ["m1", "before-first-apply"]


def test_at_most_ten_updaters_are_kept() -> None:
    live = updated(None, {"data": {}}, "m0")
    for number in range(1, 15):
        live = updated(live, {"data": {**live.get("data", {}), f"k{number}": "v"}}, f"m{number}",
                       now=float(number))
    entries = live["metadata"]["managedFields"]
    assert len(entries) == 10
    assert entries[0]["manager"] == "ancient-changes"


def test_a_write_that_changes_only_time_stamps_keeps_the_old_ones() -> None:
    old = updated(None, {"data": {"k": "v"}}, "m", now=1)
    entries = [{**entry, "time": "2030-01-01T00:00:00Z"}
               for entry in old["metadata"]["managedFields"]]
    new = {**old, "metadata": {**old["metadata"], "managedFields": entries}}
    assert keep_times(new, old) == old
    assert keep_times({**new, "data": {}}, old) != old


@pytest.mark.parametrize(("given", "agent", "name"), [
    ("m", "kubectl/v1.30 (linux)", "m"), ("", "kubectl/v1.30 (linux)", "kubectl"),
    ("", "x" * 200, "x" * 128), ("", "a\tb/1", "ab"),
])
def test_the_manager_s_name_comes_from_the_client(given: str, agent: str, name: str) -> None:
    assert manager_name(given, agent) == name


def test_kubectl_takes_over_what_it_applied_from_the_client_s_side() -> None:
    text = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"v"}}'
    live = updated(None, {"metadata": {"name": "a", "annotations": {ssa.LAST_APPLIED: text}},
                          "data": {"k": "v"}}, "kubectl-client-side-apply")
    with pytest.raises(Conflict):
        applied(live, {"data": {"k": "w"}}, "other")
    taken = applied(live, {"data": {"k": "w"}}, "kubectl")
    assert taken["data"] == {"k": "w"}
    assert '"k":"w"' in taken["metadata"]["annotations"][ssa.LAST_APPLIED]


def test_ownership_of_replicas_moves_through_scale() -> None:
    fields = fieldset.of("spec.replicas", "spec.paused")
    mine = {Manager("m1", "Apply"): Entry(fields=fields, api_version="apps/v1")}
    scale = to_scale(mine, "spec.replicas")
    assert scale[Manager("m1", "Apply")].fields == fieldset.of("spec.replicas")
    theirs = {Manager("hpa", "Update", "autoscaling/v1", "scale"): Entry(
        fields=fieldset.of("spec.replicas"), api_version="autoscaling/v1")}
    parent = to_parent(mine, theirs, "spec.replicas", "apps/v1")
    assert parent[Manager("m1", "Apply")].fields == fieldset.of("spec.paused")
    assert Manager("hpa", "Update", "apps/v1", "scale") in parent


data = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xyz"))


@given(data, data)
def test_applying_twice_changes_nothing_more(first: Object, second: Object) -> None:
    once = applied(applied(None, {"data": first}), {"data": second}, "m2", force=True)
    twice = applied(once, {"data": second}, "m2", force=True)
    assert twice == once
    assert {**first, **second}.items() == twice.get("data", {}).items()


@given(data, data)
def test_only_the_own_fields_go_with_an_empty_apply(mine: Object, theirs: Object) -> None:
    live = applied(applied(None, {"data": theirs}, "them"), {"data": mine}, force=True)
    left = applied(live, {}).get("data", {})
    assert left.keys() == {key for key, value in theirs.items() if mine.get(key, value) == value}


@given(data)
def test_managers_survive_encoding(given_data: Object) -> None:
    obj = applied(None, {"data": given_data})
    managers = managers_of(obj)
    assert decode_managers(encode_managers(managers)) == managers
