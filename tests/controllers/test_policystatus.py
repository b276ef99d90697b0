"""The status of ValidatingAdmissionPolicies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controllers.controller import Options
from controllers.policystatus import POLICIES
from tests.controllers.world import World

if TYPE_CHECKING:
    from apiserver.machinery.types import Object


@pytest.mark.parametrize("warnings", [[], [{"fieldRef": "spec", "warning": "hm"}]])
def test_a_policy_is_looked_at_once_a_generation(warnings: list[Object]) -> None:
    world = World("validatingadmissionpolicy-status-controller",
                  options=Options(type_warnings=lambda policy: warnings))
    world.create(POLICIES, {"metadata": {"name": "p"}, "spec": {
        "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"],
                                                "operations": ["*"], "resources": ["pods"]}]},
        "validations": [{"expression": "true"}]}})
    world.settle()
    status = world.get(POLICIES, "p", None)["status"]
    assert status["observedGeneration"] == 1
    assert status["typeChecking"] == ({"expressionWarnings": warnings} if warnings else {})
