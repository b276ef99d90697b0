"""Kinds that are kept in another form than they may be served in."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apiserver.resources.autoscaling.horizontalpodautoscalers import (
    HORIZONTALPODAUTOSCALERS,
    OLD_HORIZONTALPODAUTOSCALERS,
    to_v1,
    to_v2,
)
from apiserver.resources.core.events import EVENTS
from apiserver.resources.events.events import NEW_EVENTS, from_core, to_core
from tests.apiserver.resources.kinds import cells, create_errors, made

SPEC = {"scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"},
        "maxReplicas": 3}
MEMORY = {"type": "Resource", "resource": {
    "name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}}


def test_the_default_is_cpu() -> None:
    spec = made(HORIZONTALPODAUTOSCALERS, spec=SPEC)["spec"]
    assert spec["metrics"] == [{"type": "Resource", "resource": {
        "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]
    assert create_errors(HORIZONTALPODAUTOSCALERS, spec=SPEC) == []


def test_v1_says_cpu_its_own_way() -> None:
    new = made(HORIZONTALPODAUTOSCALERS, spec=SPEC)
    old = to_v1(new)
    assert old["apiVersion"] == "autoscaling/v1"
    assert old["spec"]["targetCPUUtilizationPercentage"] == 80
    assert "metrics" not in old["spec"]
    assert to_v2(old)["spec"] == new["spec"]


def test_what_v1_cannot_say_is_in_annotations() -> None:
    new = made(HORIZONTALPODAUTOSCALERS, spec=SPEC | {
        "metrics": [MEMORY], "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}})
    before = copy.deepcopy(new)
    old = to_v1(new)
    assert new == before
    assert set(old["metadata"]["annotations"]) == {
        "autoscaling.alpha.kubernetes.io/metrics", "autoscaling.alpha.kubernetes.io/behavior"}
    assert to_v2(old) == new


def test_both_rows_are_the_same() -> None:
    new = made(HORIZONTALPODAUTOSCALERS, spec=SPEC | {"metrics": [MEMORY] * 3})
    row = cells(HORIZONTALPODAUTOSCALERS, new)
    assert row["Targets"] == "memory: <unknown>/1Gi, memory: <unknown>/1Gi + 1 more..."
    assert row["Reference"] == "Deployment/d"
    assert cells(OLD_HORIZONTALPODAUTOSCALERS, to_v1(new)) == row


def test_wrong_metrics() -> None:
    errors = create_errors(HORIZONTALPODAUTOSCALERS, spec=SPEC | {"metrics": [{
        "type": "Pods", "resource": MEMORY["resource"]}], "minReplicas": 5})
    assert errors == [
        "spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`",
        "spec.metrics[0].pods: Required value: must populate information for the given metric "
        "source",
        ]


WORDS = st.text("abc", min_size=1, max_size=3)
CORE = st.fixed_dictionaries(
    {"involvedObject": st.fixed_dictionaries({"name": WORDS}), "reportingComponent": st.just(""),
     "reportingInstance": st.just(""), "source": st.fixed_dictionaries({}, optional={
         "component": WORDS}), "firstTimestamp": st.none(), "lastTimestamp": st.none(),
     "eventTime": st.none()},
    optional={"message": WORDS, "count": st.integers(1, 5), "reason": WORDS})


@given(CORE)
def test_an_event_comes_back_the_same(core: dict[str, Any]) -> None:
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, **core}
    new = from_core(event)
    assert new["apiVersion"] == "events.k8s.io/v1"
    assert to_core(new) == event


def test_new_events_are_held_to_more() -> None:
    body = {"metadata": {"namespace": "default"}, "regarding": {"namespace": "default"},
            "note": "n", "type": "Normal"}
    assert "eventTime: Required value" in create_errors(NEW_EVENTS, **body)
    right = body | {"eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "x.io/c",
                    "reportingInstance": "i", "action": "a", "reason": "r"}
    assert create_errors(NEW_EVENTS, **right) == []
    assert cells(NEW_EVENTS, made(NEW_EVENTS, **right))["Message"] == "n"


def test_they_are_kept_where_the_others_are() -> None:
    assert NEW_EVENTS.shared is not None
    assert NEW_EVENTS.shared.stored is EVENTS
    assert OLD_HORIZONTALPODAUTOSCALERS.shared is not None
    assert OLD_HORIZONTALPODAUTOSCALERS.shared.stored is HORIZONTALPODAUTOSCALERS
