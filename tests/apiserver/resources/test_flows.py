"""FlowSchemas and PriorityLevelConfigurations."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.defaults.flowcontrol import flow_control
from apiserver.resources.flowcontrol.flows import FLOWSCHEMAS, PRIORITYLEVELCONFIGURATIONS
from tests.apiserver.resources.kinds import context, create_errors

VERBS = ('"create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", '
         '"watch"')
LABEL = ("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
         "and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
         "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')")
USER = {"kind": "User", "user": {"name": "jane"}}
ANY = {"verbs": ["*"], "nonResourceURLs": ["*"]}
PATH = "spec.rules[0]"


def flow(*subjects: dict[str, Any], **rule: Any) -> dict[str, Any]:
    return {"priorityLevelConfiguration": {"name": "p"}, "rules": [
        {"subjects": list(subjects) or [USER], **(rule or {"nonResourceRules": [ANY]})}]}


def resources(**more: Any) -> dict[str, Any]:
    return flow(resourceRules=[{"verbs": ["get"], "apiGroups": ["*"], "resources": ["*"],
                                "namespaces": ["*"], **more}])


def urls(*paths: str) -> dict[str, Any]:
    return flow(nonResourceRules=[{"verbs": ["get"], "nonResourceURLs": list(paths)}])


def level(kind: str = "Limited", **limited: Any) -> dict[str, Any]:
    return {"type": kind, "limited": {"limitResponse": {"type": "Reject"}, **limited}}


def queue(**queuing: int) -> dict[str, Any]:
    return level(limitResponse={"type": "Queue", "queuing": queuing})


@pytest.mark.parametrize(("spec", "expected"), [
    (flow(), []),
    (flow() | {"matchingPrecedence": 1}, [
        "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have "
        "matchingPrecedence 1"]),
    (flow() | {"distinguisherMethod": {"type": "X"}}, [
        'spec.distinguisherMethod.type: Unsupported value: {"Type":"X"}: supported values: '
        '"ByNamespace", "ByUser"']),
    (flow({"kind": "ServiceAccount", "serviceAccount": {"name": "*"}, "user": {"name": "a"}}), [
        f"{PATH}.subjects[0].serviceAccount.namespace: Required value: must specify namespace for "
        "service account",
        f"{PATH}.subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'"]),
    (flow({"kind": "Group", "group": {}}), [f"{PATH}.subjects[0].group.name: Required value"]),
    (flow({"kind": "X"}), [f'{PATH}.subjects[0].kind: Unsupported value: "X": supported values: '
                           '"Group", "ServiceAccount", "User"']),
    (resources(verbs=["get", "fly"]), [
        f'{PATH}.resourceRules[0].verbs: Unsupported value: ["get","fly"]: supported values: '
        f"{VERBS}"]),
    (resources(verbs=["*", "get"], apiGroups=[], resources=["*", "a"]), [
        f'{PATH}.resourceRules[0].verbs: Invalid value: ["*","get"]: if \'*\' is present, must '
        "not specify other verbs",
        f"{PATH}.resourceRules[0].apiGroups: Required value: resource rules must supply at least "
        "one api group",
        f'{PATH}.resourceRules[0].resources: Invalid value: ["*","a"]: if \'*\' is present, must '
        "not specify other resources"]),
    (resources(namespaces=[]), [
        f"{PATH}.resourceRules[0].namespaces: Required value: resource rules that are not cluster "
        "scoped must supply at least one namespace"]),
    (resources(namespaces=[], clusterScope=True), []),
    (resources(namespaces=["A"]), [
        f'{PATH}.resourceRules[0].namespaces[0]: Invalid value: "A": each member of this list '
        f"must be '*' or a DNS-1123 label; {LABEL}"]),
    (urls("/", "/a/*", "a", "/a b", "//", "/*a"), [
        f"{PATH}.nonResourceRules[0].nonResourceURLs[{i}]: Invalid value: {text}" for i, text in (
            (2, '"a": must start with slash'), (3, '"/a b": must not contain white-space'),
            (4, '"//": must not contain double slash'),
            (5, '"/*a": wildcard can only do suffix matching'))]),
])
def test_flow_schemas(spec: dict[str, Any], expected: list[str]) -> None:
    assert create_errors(FLOWSCHEMAS, spec=spec) == expected


@pytest.mark.parametrize(("spec", "expected"), [
    (level(), []),
    (level("Exempt"), [
        "spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is "
        "'exempt'",
        "spec.limited: Forbidden: must be nil if the type is not Limited",
        "spec.exempt: Required value: must not be empty when type is Exempt"]),
    (level("X"), ['spec.type: Unsupported value: "X": supported values: "Exempt", "Limited"']),
    (level(lendablePercent=101, borrowingLimitPercent=-1, nominalConcurrencyShares=-1), [
        "spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer",
        "spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive",
        "spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a "
        "non-negative integer"]),
    (queue(queues=4, handSize=8), [
        "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: should not be greater "
        "than queues (4)"]),
    (queue(queues=512, handSize=7), [
        "spec.limited.limitResponse.queuing.handSize: Invalid value: 7: required entropy bits of "
        "deckSize 512 and handSize 7 should not be greater than 60"]),
    (queue(queueLengthLimit=-1, queues=10_000_001, handSize=1), [
        "spec.limited.limitResponse.queuing.queueLengthLimit: Invalid value: -1: must be positive",
        "spec.limited.limitResponse.queuing.queues: Invalid value: 10000001: must not be greater "
        "than 10000000"]),
])
def test_priority_levels(spec: dict[str, Any], expected: list[str]) -> None:
    assert create_errors(PRIORITYLEVELCONFIGURATIONS, spec=spec) == expected


def test_a_clusters_own_flows_are_right() -> None:
    kinds = {r.kind: r for r in (FLOWSCHEMAS, PRIORITYLEVELCONFIGURATIONS)}
    for default in flow_control():
        resource = kinds[default.object["kind"]]
        assert resource.strategy.validate(context(resource), default.object) == []


def test_conditions_have_each_kind_once() -> None:
    new = {"status": {"conditions": [{"type": "Dangling"}, {"type": "Dangling"}, {}]}}
    assert [str(e) for e in FLOWSCHEMAS.strategy.validate_status_update(
        context(FLOWSCHEMAS, "update"), new, new)] == [
            'status.conditions[1].type: Duplicate value: "Dangling"',
            "status.conditions[2].type: Required value: must not be empty"]


def test_nobody_changes_what_a_server_cannot_do_without() -> None:
    fixed = {(d.object["kind"], d.object["metadata"]["name"]): d.object["spec"]
             for d in flow_control()}
    flow, level = fixed["FlowSchema", "exempt"], fixed["PriorityLevelConfiguration", "catch-all"]
    levels, named = PRIORITYLEVELCONFIGURATIONS, {"name": "catch-all"}
    assert create_errors(FLOWSCHEMAS, metadata={"name": "exempt"}, spec=flow) == []
    changed = {"priorityLevelConfiguration": {"name": "catch-all"}, "matchingPrecedence": 1}
    shown = ('{"PriorityLevelConfiguration":{"Name":"catch-all"},"MatchingPrecedence":1,'
             '"DistinguisherMethod":null,"Rules":null}')
    assert create_errors(FLOWSCHEMAS, metadata={"name": "exempt"}, spec=changed) == [
        f"spec: Invalid value: {shown}: spec of 'exempt' must equal the fixed value"]
    assert create_errors(levels, metadata=named, spec=level) == []
    level = {"type": "Limited", "limited": {**level["limited"], "nominalConcurrencyShares": 6}}
    shown = ('{"Type":"Limited","Limited":{"NominalConcurrencyShares":6,"LimitResponse":{"Type":'
             '"Reject","Queuing":null},"LendablePercent":0,"BorrowingLimitPercent":null},'
             '"Exempt":null}')
    assert create_errors(levels, metadata=named, spec=level) == [
        f"spec: Invalid value: {shown}: spec of 'catch-all' must equal the fixed value"]


def test_the_exempt_level_may_lend() -> None:
    spec = {"type": "Exempt", "exempt": {"lendablePercent": 50}}
    assert create_errors(PRIORITYLEVELCONFIGURATIONS, metadata={"name": "exempt"}, spec=spec) == []
