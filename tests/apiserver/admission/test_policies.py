"""Admission policies: validations, messages, parameters, bindings, mutations."""

from __future__ import annotations

import contextlib
import copy
from typing import TYPE_CHECKING, Any

import pytest

from apiserver.context import RequestContext
from apiserver.machinery.errors import ApiError
from apiserver.machinery.gvk import CONFIGMAPS, DEPLOYMENTS, GVR, NAMESPACES
from controllers.drive import drive
from tests.apiserver.server import Server

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

GROUP = "admissionregistration.k8s.io"
POLICIES = GVR(GROUP, "v1", "validatingadmissionpolicies")
BINDINGS = GVR(GROUP, "v1", "validatingadmissionpolicybindings")
MUTATING = GVR(GROUP, "v1", "mutatingadmissionpolicies")
MUTATING_BINDINGS = GVR(GROUP, "v1", "mutatingadmissionpolicybindings")


def rules(resource: str = "configmaps", group: str = "") -> Object:
    return {"resourceRules": [{"apiGroups": [group], "apiVersions": ["v1"],
                               "operations": ["CREATE", "UPDATE"], "resources": [resource]}]}


def validate(server: Server, *validations: Object, binding: Object | None = None,
             **spec: Any) -> None:
    server.create(POLICIES, {"metadata": {"name": "p"}, "spec": {
        "matchConstraints": rules(), "validations": list(validations), **spec}}, None)
    server.create(BINDINGS, {"metadata": {"name": "b"}, "spec": {
        "policyName": "p", "validationActions": ["Deny"], **(binding or {})}}, None)


def mutate(server: Server, *mutations: Object, resource: str = "configmaps", group: str = "",
           **spec: Any) -> None:
    server.create(MUTATING, {"metadata": {"name": "m"}, "spec": {
        "matchConstraints": rules(resource, group), "mutations": list(mutations),
        "reinvocationPolicy": "Never", **spec}}, None)
    server.create(MUTATING_BINDINGS, {"metadata": {"name": "mb"},
                                      "spec": {"policyName": "m"}}, None)


def configmap(name: str = "a", **data: str) -> Object:
    return {"metadata": {"name": name}, "data": data}


def refused(server: Server, body: Object) -> Object:
    with pytest.raises(ApiError) as caught:
        server.create(CONFIGMAPS, body)
    return caught.value.status()


def test_a_validation_that_does_not_hold_refuses() -> None:
    server = Server()
    validate(server, {"expression": "object.data.own == '1'"})
    server.create(CONFIGMAPS, configmap(own="1"))
    status = refused(server, configmap("b", own="2"))
    assert status["message"] == (
        "configmaps \"b\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied"
        " request: failed expression: object.data.own == '1'")
    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert status["details"]["causes"][0]["message"].startswith("ValidatingAdmissionPolicy 'p'")


@pytest.mark.parametrize(("validation", "message", "code"), [
    ({"message": "no"}, "no", 422),
    ({"message": "no", "reason": "Forbidden"}, "no", 403),
    ({"messageExpression": "'no ' + object.metadata.name"}, "no a", 422),
    ({"messageExpression": "object.none.such", "message": "plain"}, "plain", 422),
])
def test_messages_and_reasons(validation: Object, message: str, code: int) -> None:
    server = Server()
    validate(server, {"expression": "false", **validation})
    status = refused(server, configmap())
    assert status["message"].endswith(f"denied request: {message}")
    assert status["code"] == code


@pytest.mark.parametrize(("expression", "holds"), [
    ("request.operation == 'CREATE'", True),
    ("request.namespace == 'default' && request.userInfo.username != ''", True),
    ("namespaceObject.metadata.name == 'default'", True),
    ("oldObject == null", True),
    ("variables.twice == 2 && variables.own == 1", True),
    ("has(object.data) && size(object.data) == 1", True),
    ("object.data.all(k, k.startsWith('o'))", True),
    ("object.metadata.?labels.orValue({}).size() == 0", True),
    ("authorizer.group('').resource('pods').namespace('default').check('get').allowed()", True),
    ("object.data['own'].matches('^[0-9]+$')", True),
    ("params != null && oldObject != null", False),
])
def test_what_expressions_can_say(expression: str, holds: bool) -> None:
    server = Server()
    param_kind = {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}
    validate(server, {"expression": expression}, **param_kind, variables=[
        {"name": "own", "expression": "int(object.data.own)"},
        {"name": "twice", "expression": "variables.own * 2"}])
    if holds:
        server.create(CONFIGMAPS, configmap(own="1"))
    else:
        refused(server, configmap(own="1"))


@pytest.mark.parametrize("policy", ["Fail", "Ignore"])
def test_an_error_counts_as_the_failure_policy_says(policy: str) -> None:
    server = Server()
    validate(server, {"expression": "object.data.none == '1'"}, failurePolicy=policy)
    if policy == "Ignore":
        server.create(CONFIGMAPS, configmap(own="1"))
    else:
        assert "resulted in error: no such key: none" in refused(
            server, configmap(own="1"))["message"]


def test_a_binding_may_only_warn() -> None:
    server = Server()
    validate(server, {"expression": "false", "message": "hm"},
             binding={"validationActions": ["Warn"]})
    resource = server.registry.catalog.resource(CONFIGMAPS)
    ctx = RequestContext(resource=resource, verb="create", namespace="default")
    drive(server.registry.create(ctx, server.registry.decode_trusted(resource, configmap())))
    assert ctx.warnings == [
        "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': hm"]


def test_a_policy_without_a_binding_does_nothing() -> None:
    server = Server()
    validate(server, {"expression": "false"}, binding={"policyName": "other"})
    server.create(CONFIGMAPS, configmap())


@pytest.mark.parametrize(("narrowed", "holds"), [
    ({"objectSelector": {"matchLabels": {"a": "b"}}}, False),
    ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}, True),
    ({"resourceRules": rules("secrets")["resourceRules"]}, False),
    ({"excludeResourceRules": rules()["resourceRules"]}, False),
])
def test_a_binding_narrows_what_a_policy_matches(narrowed: Object, holds: bool) -> None:
    server = Server()
    validate(server, {"expression": "false"}, binding={"matchResources": narrowed})
    if holds:
        refused(server, configmap())
    else:
        server.create(CONFIGMAPS, configmap())


def test_match_conditions_decide_whether_a_policy_is_asked() -> None:
    server = Server()
    validate(server, {"expression": "false"}, matchConditions=[
        {"name": "only-b", "expression": "object.metadata.name == 'b'"}])
    server.create(CONFIGMAPS, configmap("a"))
    refused(server, configmap("b"))


def test_parameters_are_objects_of_any_kind() -> None:
    server = Server()
    server.create(CONFIGMAPS, configmap("limits", most="3"))
    validate(server, {"expression": "size(object.data) <= int(params.data.most)"},
             paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
             binding={"paramRef": {"name": "limits", "namespace": "default",
                                   "parameterNotFoundAction": "Deny"}})
    server.create(CONFIGMAPS, configmap(a="1", b="2", c="3"))
    refused(server, configmap("b", a="1", b="2", c="3", d="4"))


@pytest.mark.parametrize("action", ["Allow", "Deny"])
def test_missing_parameters_allow_or_deny(action: str) -> None:
    server = Server()
    validate(server, {"expression": "false"}, paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
             binding={"paramRef": {"name": "none", "parameterNotFoundAction": action}})
    if action == "Allow":
        server.create(CONFIGMAPS, configmap())
    else:
        assert "no params found for policy binding with `Deny`" in refused(
            server, configmap())["message"]


def test_an_apply_configuration_is_merged_into_the_object() -> None:
    server = Server()
    mutate(server, {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression":
           "Object{metadata: Object.metadata{labels: {'by': request.operation}},"
           " spec: Object.spec{replicas: 3, template: Object.spec.template{"
           " spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{"
           "name: 'side', image: 'side:1'}]}}}}"}},
           resource="deployments", group="apps")
    made = server.create(DEPLOYMENTS, {"metadata": {"name": "web"}, "spec": {
        "selector": {"matchLabels": {"a": "b"}}, "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "c", "image": "x"}]}}}})
    assert made["spec"]["replicas"] == 3
    assert made["metadata"]["labels"] == {"by": "CREATE"}
    containers = made["spec"]["template"]["spec"]["containers"]
    assert {one["name"]: one["image"] for one in containers} == {"c": "x", "side": "side:1"}
    assert all(one["imagePullPolicy"] for one in containers)


def test_a_json_patch_is_applied_to_the_object() -> None:
    server = Server()
    mutate(server, {"patchType": "JSONPatch", "jsonPatch": {"expression":
           "[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('x.y/b'),"
           " value: object.data.own}]"}})
    body = configmap(own="1")
    body["metadata"]["labels"] = {"a": "b"}
    assert server.create(CONFIGMAPS, body)["metadata"]["labels"] == {"a": "b", "x.y/b": "1"}


def test_a_mutation_that_fails_refuses() -> None:
    server = Server()
    mutate(server, {"patchType": "JSONPatch", "jsonPatch": {"expression": "object.none"}})
    status = refused(server, configmap())
    assert (status["code"], status["reason"]) == (403, "Invalid")
    text = ("policy 'm' with binding 'mb' denied request: expression 'object.none' resulted in"
            " error: no such key: none")
    assert status["message"] == text
    assert status["details"]["causes"] == [{"message": text}]


LABELLED: dict[str, Any] = {"patchType": "ApplyConfiguration", "applyConfiguration": {
    "expression": "Object{metadata: Object.metadata{labels: {'n': string("
                  "object.metadata.?labels['n'].orValue('0') == '0' ? 1 : 2)}}}"}}


def test_a_mutation_sees_what_earlier_ones_did() -> None:
    server = Server()
    mutate(server, LABELLED, LABELLED)
    assert server.create(CONFIGMAPS, configmap())["metadata"]["labels"] == {"n": "2"}


@pytest.mark.parametrize(("policy", "label"), [("Never", "1"), ("IfNeeded", "2")])
def test_who_has_mutated_is_asked_again_where_it_wants_that(policy: str, label: str) -> None:
    server = Server()
    mutate(server, LABELLED, reinvocationPolicy=policy)
    assert server.create(CONFIGMAPS, configmap())["metadata"]["labels"] == {"n": label}


@pytest.mark.parametrize(("patch", "why"), [
    ("{op: 'test', path: '/data/own', value: '2'}", ""),
    ("{op: 'add', path: '/metadata/labels/a', value: 'b'}",
     'JSONPath: add operation does not apply: doc is missing path: "/metadata/labels/a":'
     " missing value"),
    ("{op: 'remove', path: '/data/none'}", "JSONPath: error in remove for path: '/data/none':"
     " Unable to remove nonexistent key: none: missing value"),
    ("{op: 'replace', path: '/none/a', value: 'b'}", "JSONPath: replace operation does not apply:"
     " doc is missing path: /none/a: missing value")])
def test_json_patches_that_do_not_apply(patch: str, why: str) -> None:
    server = Server()
    mutate(server, {"patchType": "JSONPatch", "jsonPatch": {"expression":
           f"[JSONPatch{patch}, JSONPatch{{op: 'add', path: '/data/more', value: 'x'}}]"}})
    if why:
        assert refused(server, configmap(own="1"))["message"].endswith(f"request: {why}")
    else:  # a test that fails leaves the object as it is
        assert server.create(CONFIGMAPS, configmap(own="1"))["data"] == {"own": "1"}


def test_what_is_atomic_is_not_applied_in_part() -> None:
    server = Server()
    mutate(server, {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression":
           "Object{spec: Object.spec{selector: Object.spec.selector{matchLabels: {'a': 'b'}}}}"}},
           resource="deployments", group="apps")
    with pytest.raises(ApiError) as caught:
        server.create(DEPLOYMENTS, {"metadata": {"name": "web"}, "spec": {
            "selector": {"matchLabels": {"a": "b"}}, "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "c", "image": "x"}]}}}})
    assert caught.value.message.endswith(
        "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or"
        " structs: .spec.selector")


def test_a_namespace_is_its_own_namespace_but_has_no_namespace_object() -> None:
    server = Server()
    validate(server, {"expression": "request.namespace == 'x' && namespaceObject == null"},
             matchConstraints=rules("namespaces"))
    server.create(NAMESPACES, {"metadata": {"name": "x"}}, None)


def test_what_cannot_be_configured_refuses_whatever_the_binding_does() -> None:
    server = Server()
    validate(server, {"expression": "true"}, paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
             binding={"validationActions": ["Audit"], "paramRef": {
                 "name": "none", "parameterNotFoundAction": "Deny"}})
    assert refused(server, configmap())["message"].endswith(
        "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed to configure"
        " binding: no params found for policy binding with `Deny` parameterNotFoundAction")
    policy = copy.deepcopy(server.get(POLICIES, "p", None))
    policy["spec"]["paramKind"] = {"apiVersion": "e.x/v1", "kind": "None"}
    server.update(POLICIES, policy)
    assert refused(server, configmap())["message"].endswith(
        "ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed to find"
        " resource referenced by paramKind: 'e.x/v1, Kind=None'")


def noted(server: Server, body: Object, kind: GVR = CONFIGMAPS) -> Object:
    """The annotations of the audit event of a creation."""
    resource = server.registry.catalog.resource(kind)
    ctx = RequestContext(resource=resource, verb="create", namespace="default", notes={})
    with contextlib.suppress(ApiError):
        drive(server.registry.create(ctx, server.registry.decode_trusted(resource, body)))
    return ctx.notes or {}


def test_audit_annotations() -> None:
    server = Server()
    validate(server, {"expression": "true"}, {"expression": "false", "message": "no"},
             {"expression": "false"}, binding={"validationActions": ["Audit"]},
             auditAnnotations=[
                 {"key": "own", "valueExpression": "' is ' + object.data.own"},
                 {"key": "none", "valueExpression": "null"}, {"key": "empty",
                                                             "valueExpression": "'  '"}])
    assert noted(server, configmap(own="1")) == {
        "p/own": "is 1", "validation.policy.admission.k8s.io/validation_failure":
        '[{"message":"no","policy":"p","binding":"b","expressionIndex":1,'
        '"validationActions":["Audit"]}]'}


def test_an_audit_annotation_that_fails_refuses_whatever_the_binding_does() -> None:
    server = Server()
    validate(server, binding={"validationActions": ["Audit"]},
             auditAnnotations=[{"key": "own", "valueExpression": "object.data.own"}])
    server.create(CONFIGMAPS, configmap(own="1"))
    assert refused(server, configmap("b"))["message"].endswith(
        "expression 'object.data.own' resulted in error: no such key: data")


@pytest.mark.parametrize(("expression", "why"), [
    ("object.data ==", "compilation failed: ERROR: <input>:"),
    ("unknown == 1", "compilation failed: ERROR: <input>:1:1: undeclared reference to 'unknown'"
     " (in container '')"),
    ("1 == 1 && [1].all(x, y > x)", "undeclared reference to 'y'"),
])
def test_expressions_that_cannot_be_compiled_are_refused(expression: str, why: str) -> None:
    server = Server()
    with pytest.raises(ApiError) as caught:
        validate(server, {"expression": expression})
    status = caught.value.status()
    assert status["reason"] == "Invalid"
    assert status["details"]["causes"][0]["field"] == "spec.validations[0].expression"
    assert why in status["details"]["causes"][0]["message"]


def complaint(body: Object, kind: GVR = POLICIES) -> str:
    with pytest.raises(ApiError) as caught:
        Server().create(kind, body, None)
    return caught.value.message.partition(" is invalid: ")[2]


TRUE: dict[str, Any] = {"validations": [{"expression": "true"}]}


@pytest.mark.parametrize(("spec", "text"), [
    ({}, "[spec.validations: Required value: validations or auditAnnotations must be specified, "
     "spec.auditAnnotations: Required value: validations or auditAnnotations must be specified]"),
    ({"validations": [{"expression": "1 + 1"}]},
     'spec.validations[0].expression: Invalid value: "1 + 1": must evaluate to bool'),
    ({"validations": [{"expression": "true", "messageExpression": "1"}]},
     'spec.validations[0].messageExpression: Invalid value: "1": must evaluate to string'),
    ({"validations": [{"expression": "true", "message": "a\nb", "reason": "Gone"}]},
     '[spec.validations[0].message: Invalid value: "a\\nb": message must not contain line breaks, '
     'spec.validations[0].reason: Unsupported value: "Gone": supported values: "Forbidden", '
     '"Invalid", "RequestEntityTooLarge", "Unauthorized"]'),
    ({"validations": [{"expression": "params.x == 1"}]},
     'spec.validations[0].expression: Invalid value: "params.x == 1": compilation failed: ERROR: '
     "<input>:1:1: undeclared reference to 'params' (in container '')\n | params.x == 1\n | ^"),
    ({"validations": [{"expression": "object.nope()"}]},
     'spec.validations[0].expression: Invalid value: "object.nope()": compilation failed: ERROR: '
     "<input>:1:12: undeclared reference to 'nope' (in container '')\n | object.nope()\n | "
     "...........^"),
    ({"validations": [{"expression": "size(object.x)"}]},
     'spec.validations[0].expression: Invalid value: "size(object.x)": must evaluate to bool'),
    ({"validations": [{"expression": "object."}]},
     'spec.validations[0].expression: Invalid value: "object.": compilation failed: ERROR: '
     "<input>:1:8: Syntax error: no viable alternative at input '.'\n | object.\n | .......^"),
    ({"variables": [{"name": "a", "expression": "variables.b"}, {"name": "b", "expression": "1"}],
      **TRUE}, 'spec.variables[0].expression: Invalid value: "variables.b": compilation failed: '
     "ERROR: <input>:1:10: undefined field 'b'\n | variables.b\n | .........^"),
    ({"variables": [{"name": "for", "expression": "1"}], **TRUE},
     'spec.variables[0].name: Invalid value: "for": name is not a valid CEL identifier'),
    ({"matchConditions": [{"name": "a", "expression": "true"}, {"name": "a", "expression": "1"}],
      **TRUE}, '[spec.matchConditions[1].expression: Invalid value: "1": must evaluate to bool, '
     'spec.matchConditions[1].name: Duplicate value: "a"]'),
    ({"paramKind": {"apiVersion": "a/b/c", "kind": "1"}, **TRUE},
     '[spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c, '
     'spec.paramKind.kind: Invalid value: "1": may have mixed case, but should otherwise match: '
     "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
     "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123',"
     " regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')]"),
    ({"auditAnnotations": [{"key": "k", "valueExpression": "'v'"},
                           {"key": "k", "valueExpression": "[1]"}]},
     '[spec.auditAnnotations[1].valueExpression: Invalid value: "[1]": must evaluate to one of '
     '[string null_type], spec.auditAnnotations[1].key: Duplicate value: "k"]')])
def test_what_a_policy_may_not_say(spec: Object, text: str) -> None:
    body = {"metadata": {"name": "p"}, "spec": {"matchConstraints": rules(), **spec}}
    assert complaint(body) == text


@pytest.mark.parametrize(("spec", "text"), [
    ({"validationActions": ["Deny", "Warn"]},
     'validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn '
     "(repeating the same validation failure information in the API response and headers serves no"
     " purpose)"),
    ({"validationActions": ["Audit", "Audit"]}, 'validationActions[1]: Duplicate value: "Audit"'),
    ({"paramRef": {"parameterNotFoundAction": "Deny"}},
     "paramRef: Required value: one of name or selector must be specified"),
    ({"paramRef": {"name": "a"}}, "paramRef.parameterNotFoundAction: Required value"),
    ({"matchResources": {"matchPolicy": "Odd"}}, 'matchResouces.matchPolicy: Unsupported value: '
     '"Odd": supported values: "Equivalent", "Exact"')])
def test_what_a_binding_may_not_say(spec: Object, text: str) -> None:
    body = {"metadata": {"name": "b"}, "spec": {
        "policyName": "p", "validationActions": ["Deny"], **spec}}
    assert complaint(body, BINDINGS) == f"spec.{text}"


@pytest.mark.parametrize(("mutation", "text"), [
    ({}, "patchType: Required value"),
    ({"patchType": "Merge"}, 'patchType: Unsupported value: "Merge": supported values: '
     '"ApplyConfiguration", "JSONPatch"'),
    ({"patchType": "JSONPatch"},
     "jsonPatch: Required value: must be specified when patchType is JSONPatch")])
def test_what_a_mutation_may_not_say(mutation: Object, text: str) -> None:
    body = {"metadata": {"name": "m"}, "spec": {
        "matchConstraints": rules(), "reinvocationPolicy": "Never", "mutations": [mutation]}}
    assert complaint(body, MUTATING) == f"spec.mutations[0].{text}"
