"""What admission takes and refuses, counted. Models apiserver/pkg/admission/metrics."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from apiserver.machinery.histogram import Histogram

SECONDS: Final = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5)
"""Buckets of steps and plugins."""
WEBHOOK_SECONDS: Final = (*SECONDS, 10.0, 25.0)
_MOST_CODE: Final = 600
"""Greater status codes are counted as this one."""
SUCCESS: Final = 200
CALL_FAILED: Final = "calling_webhook_error"
REFUSED: Final = "no_error"


class Phase(NamedTuple):
    """One plugin (or webhook, or '' for all of them) in one phase of one operation."""

    name: str
    type: str
    operation: str


class WebhookCall(NamedTuple):
    """How a webhook was asked, and what came of it."""

    name: str
    type: str
    """`admit` or `validating`, as upstream has it."""
    operation: str
    seconds: float
    code: int
    """200, or the code of the refusal or of the failure."""
    rejected: bool
    error: str = ""
    """CALL_FAILED, REFUSED; empty: it was allowed."""


class AdmissionCounts:
    """The counts of one chain."""

    def __init__(self) -> None:
        self.passed: dict[Phase, Histogram] = {}
        self.refused: dict[Phase, Histogram] = {}
        self.webhooks: dict[tuple[Phase, bool], Histogram] = {}
        """By phase and whether the request was rejected."""
        self.webhook_requests: Counter[tuple[str, ...]] = Counter()
        self.webhook_rejections: Counter[tuple[str, ...]] = Counter()
        self.fail_open: Counter[tuple[str, str]] = Counter()

    def passing(self, phase: Phase) -> Histogram:
        """Where the durations of a phase are noted."""
        return self.passed.setdefault(phase, Histogram(SECONDS))

    def refusing(self, phase: Phase) -> Histogram:
        """The same for those that end with a refusal."""
        return self.refused.setdefault(phase, Histogram(SECONDS))

    def asked(self, call: WebhookCall) -> None:
        """Count the call of a webhook."""
        phase = Phase(call.name, call.type, call.operation)
        code, rejected = str(min(call.code, _MOST_CODE)), str(call.rejected).lower()
        self.webhooks.setdefault(
            (phase, call.rejected), Histogram(WEBHOOK_SECONDS)).observe(call.seconds)
        self.webhook_requests[*phase, code, rejected] += 1
        if call.rejected:
            self.webhook_rejections[*phase, call.error, code] += 1
        elif call.error:
            self.fail_open[call.name, call.type] += 1
