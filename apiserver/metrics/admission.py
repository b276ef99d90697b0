"""The metrics of admission and its webhooks. Models apiserver/pkg/admission/metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.metrics.family import Family

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.admission.counts import AdmissionCounts

_NAMED: Final = ("name", "type", "operation")


def admission(counts: AdmissionCounts) -> Iterator[Family]:
    """What the chain counted."""
    found = [(phase, rejected, each) for rejected, table in (
        ("false", counts.passed), ("true", counts.refused))
        for phase, each in table.items() if each.number]
    yield Family(
        "apiserver_admission_step_admission_duration_seconds", "histogram", "STABLE",
        "Admission sub-step latency histogram in seconds, broken out for each operation and API"
        " resource and step type (validate or admit).", (*_NAMED[1:], "rejected"),
        [((*phase[1:], rejected), each) for phase, rejected, each in found if not phase.name])
    yield Family(
        "apiserver_admission_controller_admission_duration_seconds", "histogram", "STABLE",
        "Admission controller latency histogram in seconds, identified by name and broken out for"
        " each operation and API resource and type (validate or admit).", (*_NAMED, "rejected"),
        [((*phase, rejected), each) for phase, rejected, each in found if phase.name])
    yield from _webhooks(counts)


def _webhooks(counts: AdmissionCounts) -> Iterator[Family]:
    yield Family(
        "apiserver_admission_webhook_admission_duration_seconds", "histogram", "STABLE",
        "Admission webhook latency histogram in seconds, identified by name and broken out for"
        " each operation and API resource and type (validate or admit).", (*_NAMED, "rejected"),
        [((*phase, str(rejected).lower()), each)
         for (phase, rejected), each in counts.webhooks.items()])
    yield Family(
        "apiserver_admission_webhook_request_total", "counter", "ALPHA",
        "Admission webhook request total, identified by name and broken out for each admission"
        " type (validating or mutating) and operation. Additional labels specify whether the"
        " request was rejected or not and an HTTP status code. Codes greater than 600 are"
        " truncated to 600, to keep the metrics cardinality bounded.",
        (*_NAMED, "code", "rejected"), counts.webhook_requests.items())
    yield Family(
        "apiserver_admission_webhook_rejection_count", "counter", "ALPHA",
        "Admission webhook rejection count, identified by name and broken out for each admission"
        " type (validating or admit) and operation. Additional labels specify an error type"
        " (calling_webhook_error or apiserver_internal_error if an error occurred; no_error"
        " otherwise) and optionally a non-zero rejection code if the webhook rejects the request"
        " with an HTTP status code (honored by the apiserver when the code is greater or equal to"
        " 400). Codes greater than 600 are truncated to 600, to keep the metrics cardinality"
        " bounded.", (*_NAMED, "error_type", "rejection_code"), counts.webhook_rejections.items())
    yield Family(
        "apiserver_admission_webhook_fail_open_count", "counter", "ALPHA",
        "Admission webhook fail open count, identified by name and broken out for each admission"
        " type (validating or mutating).", ("name", "type"), counts.fail_open.items())
