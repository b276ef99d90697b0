"""What a condition must have."""

from __future__ import annotations

from apiserver.machinery.conditions import conditions_errors
from apiserver.machinery.validation import Path

GOOD = {"type": "Ready", "status": "True", "reason": "Because",
        "lastTransitionTime": "2026-01-01T00:00:00Z"}


def test_a_condition_says_what_since_when_and_why() -> None:
    bad = {"type": "", "status": "Maybe", "observedGeneration": -1, "reason": "no reason"}
    found = [str(e) for e in conditions_errors([GOOD, bad], Path("status.conditions"))]
    path = "status.conditions[1]"
    assert [text.split(":")[0] for text in found] == [
        f"{path}.{name}" for name in ("type", "type", "status", "observedGeneration",
                                      "lastTransitionTime", "reason")]
    assert found[2] == (f'{path}.status: Unsupported value: "Maybe": supported values: "False", '
                        '"True", "Unknown"')


def test_no_type_comes_twice() -> None:
    assert [str(e) for e in conditions_errors([GOOD, GOOD], Path("c"))] == [
        'c[1].type: Duplicate value: "Ready"']
