"""DeviceTaintRules and StorageVersionMigrations, which came with 1.37."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from apiserver.resources.resource.devicetaintrules import DEVICETAINTRULES
from apiserver.resources.storagemigration.storageversionmigrations import STORAGEVERSIONMIGRATIONS
from tests.apiserver.resources.kinds import (
    CREATED,
    NOW,
    cells,
    context,
    create_errors,
    made,
    update_errors,
)

TAINT = {"key": "a", "effect": "NoSchedule"}
IMMUTABLE = "field is immutable"


def rule(**selector: Any) -> dict[str, Any]:
    return {"spec": {"deviceSelector": selector, "taint": dict(TAINT)}}


def migration(**resource: Any) -> dict[str, Any]:
    return {"spec": {"resource": resource}}


@pytest.mark.parametrize(("body", "expected"), [
    (rule(), []),
    (rule(driver="x.io", pool="a/b", device="d"), []),
    ({"spec": {"taint": {"key": "a b", "effect": "X"}}},
     ["spec.taint.key", "spec.taint.effect"]),
    (rule(driver="-", pool="", device="D"),
     ["spec.deviceSelector.driver", "spec.deviceSelector.pool", "spec.deviceSelector.device"]),
])
def test_what_a_taint_rule_says(body: dict[str, Any], expected: list[str]) -> None:
    found = [error.partition(":")[0] for error in create_errors(DEVICETAINTRULES, **body)]
    assert found == expected


def test_a_taint_is_dated_when_its_effect_changes() -> None:
    old = made(DEVICETAINTRULES, **rule())
    assert old["spec"]["taint"]["timeAdded"] == CREATED
    later = replace(context(DEVICETAINTRULES, "update"), now=NOW + 60)

    def changed(**taint: Any) -> str:
        new = copy.deepcopy(old)
        new["spec"]["taint"].update(taint)
        DEVICETAINTRULES.strategy.prepare_update(later, new, old)
        return str(new["spec"]["taint"]["timeAdded"])

    assert changed(value="b") == CREATED
    assert changed(effect="NoExecute") == "2026-01-01T00:01:00Z"
    said = "2026-01-01T00:00:30Z"
    assert changed(effect="NoExecute", timeAdded=said) == said


def test_a_taint_rule_has_at_most_eight_conditions() -> None:
    old = made(DEVICETAINTRULES, **rule())
    conditions = [{"type": f"C{i}", "status": "True", "reason": "R",
                   "lastTransitionTime": CREATED} for i in range(9)]
    new = old | {"status": {"conditions": conditions}}
    ctx = context(DEVICETAINTRULES, "update")
    assert [str(e) for e in DEVICETAINTRULES.strategy.validate_status_update(ctx, new, old)] == [
        "status.conditions: Too many: 9: must have at most 8 items"]


@pytest.mark.parametrize(("body", "expected"), [
    (migration(resource="pods"), []),
    (migration(resource="deployments", group="apps"), []),
    (migration(), ["spec.resource.resource: Required value: resource is required to be set"]),
])
def test_what_may_be_migrated(body: dict[str, Any], expected: list[str]) -> None:
    assert create_errors(STORAGEVERSIONMIGRATIONS, **body) == expected


def test_a_migration_is_of_one_resource() -> None:
    wrong = create_errors(STORAGEVERSIONMIGRATIONS, **migration(resource="A", group="B"))
    assert [error.partition(":")[0] for error in wrong] == [
        "spec.resource.resource", "spec.resource.group"]
    old = made(STORAGEVERSIONMIGRATIONS, **migration(resource="pods"))
    assert cells(STORAGEVERSIONMIGRATIONS, made(
        STORAGEVERSIONMIGRATIONS, **migration(resource="deployments", group="apps")))[
            "Resource"] == "deployments.apps"
    changed = update_errors(STORAGEVERSIONMIGRATIONS, old, lambda new: new["spec"].update(
        resource={"resource": "nodes"}))
    assert changed[0].startswith("spec: Invalid value: ")
    assert changed[0].endswith(IMMUTABLE)


def status(*true: str, **more: Any) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": "True", "reason": "R",
                            "lastTransitionTime": CREATED} for kind in true], **more}


@pytest.mark.parametrize(("after", "before", "expected"), [
    (status("Running", resourceVersion="7"), {}, []),
    (status("Succeeded", resourceVersion="7"), status("Running", resourceVersion="7"), []),
    (status(resourceVersion="8"), status(resourceVersion="7"), [IMMUTABLE]),
    (status(resourceVersion="07"), {}, ["resource version is not well formed: 07"]),
    (status("Succeeded", "Failed"), {},
     ["Both success and failed conditions cannot be true at the same time"]),
    (status("Succeeded", "Running"), {},
     ["Running condition cannot be true when success condition is true"]),
    (status("Failed", "Running"), {},
     ["Running condition cannot be true when failed condition is true"]),
    (status(), status("Succeeded"), ["Success condition cannot be set to false once it is true"]),
    (status(), status("Failed"), ["Failed condition cannot be set to false once it is true"]),
])
def test_how_a_migration_ends(after: dict[str, Any], before: dict[str, Any],
                              expected: list[str]) -> None:
    old = made(STORAGEVERSIONMIGRATIONS, **migration(resource="pods")) | {"status": before}
    errors = STORAGEVERSIONMIGRATIONS.strategy.validate_status_update(
        context(STORAGEVERSIONMIGRATIONS, "update"), old | {"status": after}, old)
    assert [error.detail for error in errors] == expected
