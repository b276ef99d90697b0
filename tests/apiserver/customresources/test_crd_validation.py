"""What a CRD may not say, in Kubernetes' words and order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apiserver.customresources.definitions import CRDS
from apiserver.machinery.errors import Invalid
from tests.apiserver.customresources.crds import NAME, crd, serving, version
from tests.apiserver.server import Server

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

STRING: dict[str, Any] = {"type": "string"}
A = "spec.validation.openAPIV3Schema.properties[a]"


def whole(schema: Object, **more: Any) -> Object:
    return {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema},
            **more}


def complaints(*versions: Object, **more: Any) -> str:
    with pytest.raises(Invalid) as error:
        Server().create(CRDS, crd(*versions, **more), None)
    return error.value.message.partition(" is invalid: ")[2]


def of_field(schema: Object) -> str:
    return complaints(whole({"type": "object", "properties": {"a": schema}}))


def listed(items: Object, kind: str = "map", **more: Any) -> Object:
    return {"type": "array", "items": items, "x-kubernetes-list-type": kind, **more}


@pytest.mark.parametrize(("schema", "complaint"), [
    ({"type": "object", "anyOf": [{"properties": {"q": {"minimum": 1}}}]},
     f".properties[q]: Required value: because it is defined in {A}.anyOf[0].properties[q]"),
    ({"type": "array", "items": STRING, "not": {"items": {"nullable": True}}},
     ".not.items.nullable: Forbidden: must be false to be structural"),
    ({"type": "object", "properties": {"metadata": {"type": "object"}},
      "oneOf": [{"properties": {"metadata": {}}}]},
     ".oneOf[0].properties[metadata]: Forbidden: must not be specified in a nested context"),
    ({"type": "string", "allOf": [{"default": "x"}]},
     ".allOf[0].default: Forbidden: must be undefined to be structural"),
    ({"type": "object", "default": {"x": 1}, "properties": {"y": STRING}},
     '.default: Invalid value: {"x":1}: must not have unknown fields'),
    ({"type": "string", "default": "b", "x-kubernetes-validations": [{"rule": "self == 'a'"}]},
     '.default: Invalid value: "b": failed rule: self == \'a\''),
    (listed({"type": "object", "properties": {"k": STRING}}, "set"),
     ".items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with "
     "x-kubernetes-list-type=set"),
    (listed({**STRING, "nullable": True}, "set"),
     ".items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is set"),
    (listed({"type": "object", "required": ["k"], "properties": {"k": STRING}},
            **{"x-kubernetes-list-map-keys": ["k", "k"]}),
     '.x-kubernetes-list-map-keys: Invalid value: ["k","k"]: must not contain duplicate entries'),
    ({"x-kubernetes-int-or-string": True, "x-kubernetes-preserve-unknown-fields": True},
     ".x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if "
     "x-kubernetes-int-or-string is true"),
    ({**STRING, "pattern": "a("}, '.pattern: Invalid value: "a(": must be a valid regular '
     "expression, but isn't: error parsing regexp: missing closing ): `a(`"),
    ({"$ref": "#/x"}, ".$ref: Forbidden: $ref is not supported"),
    ({**STRING, "x-kubernetes-validations": [{"rule": "true", "fieldPath": ".b"}]},
     '.x-kubernetes-validations[0].fieldPath: Invalid value: ".b": fieldPath must be a valid path'),
    ({**STRING, "x-kubernetes-validations": [{"rule": "true", "optionalOldSelf": True}]},
     ".x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf "
     "is not used in rule"),
])
def test_what_a_field_s_schema_may_not_say(schema: Object, complaint: str) -> None:
    assert of_field(schema) == f"{A}{complaint}"


@pytest.mark.parametrize(("schema", "complaint"), [
    ({"type": "object", "additionalProperties": STRING},
     ".additionalProperties: Forbidden: must not be used at the root"),
    ({"type": "object", "properties": {"metadata": {
        "type": "object", "properties": {"name": {**STRING, "default": "x"}}}}},
     ".properties[metadata].properties[name].default: Forbidden: must not be set in top-level "
     "metadata"),
    ({"type": "object", "properties": {"metadata": {"type": "object", "description": "x"}}},
     ".properties[metadata]: Forbidden: must not specify anything other than name and "
     "generateName, but metadata is implicitly specified"),
    ({"type": "object", "nullable": True},
     ".nullable: Forbidden: nullable cannot be true at the root")])
def test_what_the_root_may_not_say(schema: Object, complaint: str) -> None:
    assert complaints(whole(schema)) == f"spec.validation.openAPIV3Schema{complaint}"


def test_a_schema_beside_a_status_has_no_logic_at_its_root() -> None:
    text = complaints(whole({"type": "object", "properties": {"a": STRING},
                             "anyOf": [{"required": ["a"]}]}, subresources={"status": {}}))
    assert text.startswith('spec.validation.openAPIV3Schema: Invalid value: {"ID":"","Schema":"",')
    assert "only [Description Type Format" in text
    assert text.endswith("are allowed at the root of the schema if the status subresource is "
                         "enabled")


@pytest.mark.parametrize(("scale", "complaint"), [
    ({"specReplicasPath": "spec.x", "statusReplicasPath": ".status.x"},
     'specReplicasPath: Invalid value: "spec.x": must be a simple json path starting with .'),
    ({"specReplicasPath": ".spec.x", "statusReplicasPath": ".spec.x"},
     'statusReplicasPath: Invalid value: ".spec.x": should be a json path under .status'),
    ({"specReplicasPath": ".spec.x", "statusReplicasPath": ".status.x",
      "labelSelectorPath": ".metadata.x"},
     'labelSelectorPath: Invalid value: ".metadata.x": should be a json path under either .spec '
     "or .status")])
def test_paths_of_a_scale(scale: Object, complaint: str) -> None:
    text = complaints(version(subresources={"scale": scale}))
    assert text == f"spec.subresources.scale.{complaint}"


def test_columns_are_complained_of_where_they_are_kept() -> None:
    one = [{"name": "a", "type": "string", "jsonPath": "spec"}]
    assert complaints(version(additionalPrinterColumns=one)) == (
        'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec": must be a simple json '
        "path starting with .")
    two = [{"name": "a", "type": "date", "format": "day", "jsonPath": ".x"}]
    assert complaints(version(), version("v2", storage=False, additionalPrinterColumns=two)) == (
        'spec.versions[1].additionalPrinterColumns[0].format: Invalid value: "day": must be one of '
        "byte,date,date-time,double,float,int32,int64,password")


@pytest.mark.parametrize(("conversion", "complaint"), [
    ({"strategy": "None", "webhook": {"conversionReviewVersions": ["v1"]}},
     "conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook"),
    ({"strategy": "Webhook", "webhook": {"clientConfig": {"url": "https://a.b/c"},
                                         "conversionReviewVersions": ["v9", "v9"]}},
     '[spec.conversion.conversionReviewVersions[1]: Invalid value: "v9": duplicate version, '
     'spec.conversion.conversionReviewVersions: Invalid value: ["v9","v9"]: must include at least '
     "one of v1, v1beta1]")])
def test_conversions(conversion: Object, complaint: str) -> None:
    text = complaints(version(), conversion=conversion)
    assert text == (complaint if complaint[0] == "[" else f"spec.conversion.{complaint}")


@pytest.mark.parametrize(("more", "complaint"), [
    ({"deprecationWarning": "x"}, "can only be set for deprecated versions"),
    ({"deprecated": True, "deprecationWarning": ""}, "must not be an empty string"),
    ({"deprecated": True, "deprecationWarning": "a\tb"}, "must only contain printable UTF-8 "
     "characters; non-printable character found at index 1")])
def test_deprecation_warnings(more: Object, complaint: str) -> None:
    assert complaints(version(**more)).endswith(complaint)


def test_a_rule_below_an_atomic_map_cannot_know_what_was_before() -> None:
    rule = {"rule": "self == oldSelf"}
    schema = {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {
        "x": {**STRING, "x-kubernetes-validations": [rule]}}}
    assert of_field(schema).endswith(
        f"oldSelf cannot be used on the uncorrelatable portion of the schema within {A}")


def test_a_new_storage_version_is_remembered_before_it_is_required() -> None:
    server = serving(version(), version("v2", storage=False))
    new = crd(version(storage=False), version("v2"))
    kept = server.get(CRDS, NAME, None)
    server.update(CRDS, {**kept, "spec": {**kept["spec"], "versions": new["spec"]["versions"]}})
    assert server.get(CRDS, NAME, None)["status"]["storedVersions"] == ["v1", "v2"]
