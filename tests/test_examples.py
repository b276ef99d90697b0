"""The examples run as their readers would run them."""

from __future__ import annotations

from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def test_the_scenario_suite_passes(pytester):
    result = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", EXAMPLES / "scenarios")
    result.assert_outcomes(passed=3)
