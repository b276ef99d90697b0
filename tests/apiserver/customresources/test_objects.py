"""Custom resources as their schema wants them: pruned, defaulted, validated, merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apiserver.customresources.definitions import CRDS
from apiserver.machinery.errors import Conflict, Invalid
from apiserver.machinery.gvk import GVR
from controllers.drive import drive
from tests.apiserver.customresources.crds import (
    CRONTABS,
    GROUP,
    NAME,
    crontab,
    fields,
    serving,
    version,
)

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

INTEGER = {"type": "integer"}
TEXT = {"type": "string"}
PORTS = {"type": "array", "x-kubernetes-list-type": "map",
         "x-kubernetes-list-map-keys": ["port", "protocol"],
         "items": {"type": "object", "required": ["port"], "properties": {
             "port": INTEGER, "protocol": {"type": "string", "default": "TCP"}, "name": TEXT}}}


def created_spec(schema: Object, **spec: Any) -> Object:
    """What becomes of a spec."""
    return dict(serving(version(spec=schema)).create(CRONTABS, crontab(**spec))["spec"])


def complaints(schema: Object, **spec: Any) -> list[str]:
    """What is wrong with a spec."""
    server = serving(version(spec=schema))
    with pytest.raises(Invalid) as failure:
        server.create(CRONTABS, crontab(**spec))
    return [str(error) for error in failure.value.errors]


def test_unknown_fields_are_pruned_at_every_depth() -> None:
    schema = fields(known=fields(x=INTEGER), items={
        "type": "array", "items": fields(y=INTEGER)})
    assert created_spec(schema, unknown=1, known={"x": 1, "z": 2}, items=[{"y": 1, "z": 2}]) == {
        "known": {"x": 1}, "items": [{"y": 1}]}


def test_preserved_parts_keep_everything() -> None:
    keep = {"type": "object", "x-kubernetes-preserve-unknown-fields": True,
            "properties": {"inner": fields(x=INTEGER)}}
    assert created_spec(fields(free=keep), free={"a": [1], "inner": {"x": 1, "y": 2}}) == {
        "free": {"a": [1], "inner": {"x": 1}}}


def test_embedded_resources_have_types_and_metadata() -> None:
    embedded = {"type": "object", "x-kubernetes-embedded-resource": True,
                "x-kubernetes-preserve-unknown-fields": True}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "nope": 1}, "spec": {}}
    kept = created_spec(fields(template=embedded), template=pod)["template"]
    assert kept == {**pod, "metadata": {"name": "p"}}
    assert complaints(fields(template=embedded), template={"kind": "Pod"}) == [
        "spec.template.apiVersion: Required value: must not be empty"]


def test_defaults_are_filled_in_and_replace_nulls() -> None:
    schema = fields(color={"type": "string", "default": "red"},
                    nested={"type": "object", "default": {}, "properties": {
                        "deep": {"type": "string", "default": "d"}}},
                    free={"type": "string", "nullable": True, "default": "x"})
    assert created_spec(schema, color=None, free=None) == {
        "color": "red", "free": None, "nested": {"deep": "d"}}


def test_defaults_of_a_changed_schema_show_when_old_objects_are_read() -> None:
    server = serving(version(spec=fields(x=INTEGER)))
    server.create(CRONTABS, crontab(x=1))
    stored = server.get(CRDS, NAME, None)
    changed = version(spec=fields(x=INTEGER, y={"type": "integer", "default": 7}))
    server.update(CRDS, {**stored, "spec": {**stored["spec"], "versions": [changed]}})
    assert server.get(CRONTABS, "a")["spec"] == {"x": 1, "y": 7}
    assert server.names(CRONTABS) == ["a"]


@pytest.mark.parametrize(("schema", "value", "text"), [
    (INTEGER, "1", 'Invalid value: "string": spec.x in body must be of type integer: "string"'),
    (INTEGER, 1.5, 'Invalid value: "number": spec.x in body must be of type integer: "number"'),
    (TEXT, None, 'Invalid value: "null": spec.x in body must be of type string: "null"'),
    ({"x-kubernetes-int-or-string": True}, True,
     'Invalid value: "boolean": spec.x in body must be of type integer,string: "boolean"'),
    ({**INTEGER, "minimum": 1}, 0,
     "Invalid value: 0: spec.x in body should be greater than or equal to 1"),
    ({**INTEGER, "maximum": 5, "exclusiveMaximum": True}, 5,
     "Invalid value: 5: spec.x in body should be less than 5"),
    ({**INTEGER, "multipleOf": 3}, 4, "Invalid value: 4: spec.x in body should be a multiple of 3"),
    ({**TEXT, "minLength": 2}, "a",
     'Invalid value: "a": spec.x in body should be at least 2 chars long'),
    ({**TEXT, "maxLength": 2}, "abc", "Too long: may not be more than 2 bytes"),
    ({**TEXT, "pattern": "^a$"}, "b", "Invalid value: \"b\": spec.x in body should match '^a$'"),
    ({**TEXT, "format": "ipv4"}, "x",
     'Invalid value: "x": spec.x in body must be of type ipv4: "x"'),
    ({**TEXT, "enum": ["a", "b"]}, "c", 'Unsupported value: "c": supported values: "a", "b"'),
    ({"type": "array", "items": INTEGER, "maxItems": 1}, [1, 2],
     "Too many: 2: must have at most 1 item"),
    ({"type": "array", "items": INTEGER, "minItems": 1}, [],
     "Invalid value: 0: spec.x in body should have at least 1 items"),
    ({"type": "object", "additionalProperties": TEXT, "maxProperties": 1}, {"a": "1", "b": "2"},
     "Too many: 2: must have at most 1 item"),
])
def test_each_keyword_complains_in_kubernetes_words(schema: Object, value: Any, text: str) -> None:
    assert complaints(fields(x=schema), x=value) == [f"spec.x: {text}"]


@pytest.mark.parametrize(("logic", "value", "first"), [
    ({"anyOf": [{"minimum": 5}, {"maximum": 1}]}, 3,
     "must validate at least one schema (anyOf)"),
    ({"oneOf": [{"minimum": 1}, {"maximum": 5}]}, 3,
     "must validate one and only one schema (oneOf). Found 2 valid alternatives"),
    ({"not": {"minimum": 1}}, 3, "must not validate the schema (not)"),
])
def test_alternatives_complain_about_the_object(logic: Object, value: int, first: str) -> None:
    found = complaints(fields(x={**INTEGER, **logic}), x=value)
    assert found[0] == f'<nil>: Invalid value: "": "spec.x" {first}'


def test_missing_fields_are_required_values() -> None:
    assert complaints({**fields(x=INTEGER), "required": ["x"]}) == ["spec.x: Required value"]


def test_sets_and_maps_take_no_duplicates() -> None:
    schema = fields(tags={"type": "array", "x-kubernetes-list-type": "set", "items": TEXT},
                    ports=PORTS)
    assert complaints(schema, tags=["a", "b", "a"], ports=[{"port": 1}, {"port": 1}]) == [
        'spec.tags[2]: Duplicate value: "a"',
        'spec.ports[1]: Duplicate value: {"port":1,"protocol":"TCP"}']


def test_what_was_wrong_before_and_did_not_change_is_no_complaint() -> None:
    server = serving(version(spec=fields(x=INTEGER, y=INTEGER)))
    server.create(CRONTABS, crontab(x=100, y=1))
    stored = server.get(CRDS, NAME, None)
    strict = version(spec=fields(x={**INTEGER, "maximum": 10}, y={**INTEGER, "maximum": 10}))
    server.update(CRDS, {**stored, "spec": {**stored["spec"], "versions": [strict]}})
    assert server.patch(CRONTABS, "a", {"spec": {"y": 2}})["spec"] == {"x": 100, "y": 2}
    with pytest.raises(Invalid, match=r"spec.x in body should be less than or equal to 10"):
        server.patch(CRONTABS, "a", {"spec": {"x": 99}})


def test_updates_need_a_resource_version() -> None:
    server = serving(version())
    created = server.create(CRONTABS, crontab(x=1))
    with pytest.raises(Invalid, match="must be specified for an update"):
        server.update(CRONTABS, {**crontab(x=2), "metadata": {
            "name": "a", "namespace": "default"}})
    assert server.update(CRONTABS, {**created, "spec": {"x": 2}})["metadata"]["generation"] == 2


def test_status_is_written_apart() -> None:
    server = serving(version(subresources={"status": {}}))
    created = server.create(CRONTABS, {**crontab(x=1), "status": {"phase": "dropped"}})
    assert "status" not in created
    done = server.patch(CRONTABS, "a", {"spec": {"x": 2}, "status": {"phase": "Ready"},
                                        "metadata": {"labels": {"not": "stored"}}},
                        subresource="status")
    assert (done["spec"], done["status"]) == ({"x": 1}, {"phase": "Ready"})
    assert "labels" not in done["metadata"]
    assert done["metadata"]["generation"] == 1


def test_scale_reads_and_writes_the_declared_paths() -> None:
    spec = fields(size=INTEGER)
    scale = {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.replicas",
             "labelSelectorPath": ".status.selector"}
    server = serving(version(spec=spec, subresources={"status": {}, "scale": scale}))
    server.create(CRONTABS, crontab(size=3))
    server.patch(CRONTABS, "a", {"status": {"replicas": 2, "selector": "a=b"}},
                 subresource="status")
    shown = server.get(CRONTABS, "a", subresource="scale")
    assert (shown["spec"], shown["status"]) == (
        {"replicas": 3}, {"replicas": 2, "selector": "a=b"})
    server.patch(CRONTABS, "a", {"spec": {"replicas": 5}}, subresource="scale")
    assert server.get(CRONTABS, "a")["spec"] == {"size": 5}
    with pytest.raises(Invalid, match=r".spec.size: Invalid value: -1"):
        server.patch(CRONTABS, "a", {"spec": {"replicas": -1}}, subresource="scale")


def test_selectable_fields_select() -> None:
    server = serving(version(spec=fields(color=TEXT),
                             selectableFields=[{"jsonPath": ".spec.color"}]))
    server.create(CRONTABS, crontab("a", color="red"))
    server.create(CRONTABS, crontab("b", color="blue"))
    assert server.names(CRONTABS, field_selector="spec.color=blue") == ["b"]


def test_apply_merges_lists_by_their_keys_and_tracks_owners() -> None:
    server = serving(version(spec=fields(ports=PORTS)))

    def apply(manager: str, *ports: Object, force: bool = False) -> Object:
        return server.patch(CRONTABS, "a", crontab(ports=list(ports)), type="apply",
                            field_manager=manager, force=force)

    apply("one", {"port": 80, "name": "http"})
    both = apply("two", {"port": 443, "name": "https"})
    assert [port["port"] for port in both["spec"]["ports"]] == [80, 443]
    with pytest.raises(Conflict, match='conflict with "one"'):
        apply("two", {"port": 80, "name": "web"})
    left = apply("one")
    assert [port["port"] for port in left["spec"]["ports"]] == [443]


def test_columns_show_json_paths() -> None:
    columns = [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
               {"name": "Ready", "type": "string", "priority": 1,
                "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
               {"name": "First", "type": "string", "jsonPath": ".spec.list[0]"},
               {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]
    server = serving(version(additionalPrinterColumns=columns))
    obj = {**crontab(size=3, list=["x"]), "status": {"conditions": [
        {"type": "Other", "status": "False"}, {"type": "Ready", "status": "True"}]}}
    created = server.create(CRONTABS, obj)
    resource = server.registry.catalog.resource(CRONTABS)
    now = server.clock.now() + 65
    assert [c.cell(created, now) for c in resource.columns] == ["a", 3, "True", "x", "65s"]
    assert [c.cell({"metadata": {}}, now) for c in resource.columns[1:]] == [None] * 4


def test_versions_share_their_objects() -> None:
    server = serving(version("v1", spec=fields(x=INTEGER)),
                     version("v2", spec=fields(x=INTEGER, y={**INTEGER, "default": 2}),
                             storage=False))
    second = GVR(GROUP, "v2", "crontabs")
    watch = drive(server.client.watch(second, "default"))
    server.create(CRONTABS, crontab(x=1))
    (event,) = watch.poll()
    assert event.object["apiVersion"] == f"{GROUP}/v2"
    assert event.object["spec"] == {"x": 1, "y": 2}
    server.patch(second, "a", {"spec": {"x": 5}})
    assert server.get(CRONTABS, "a")["spec"] == {"x": 5}
    watch.close()
