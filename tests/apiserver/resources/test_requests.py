"""CertificateSigningRequests: what may be asked, and who may answer."""

from __future__ import annotations

import base64
import copy
from dataclasses import replace
from typing import Any

import pytest

from apiserver.resources.certificates.certificatesigningrequests import (
    CERTIFICATESIGNINGREQUESTS as CSRS,
)
from tests.apiserver.resources.bodies import REQUEST
from tests.apiserver.resources.kinds import context, create_errors, made

LABEL = ("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
         "and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
         "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')")


def spec(**more: Any) -> dict[str, Any]:
    return {"request": REQUEST, "usages": ["client auth"], "signerName": "x.io/s", **more}


def pem(kind: str) -> str:
    text = f"-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n"
    return base64.b64encode(text.encode()).decode()


def condition(kind: str, status: str = "True") -> dict[str, Any]:
    return {"type": kind, "status": status}


@pytest.mark.parametrize(("body", "expected"), [
    (spec(), []),
    (spec(request="AAAA"),
     ['spec.request: Invalid value: "AAAA": PEM block type must be CERTIFICATE REQUEST']),
    (spec(usages=[]), ["spec.usages: Required value"]),
    (spec(usages=["any", "any"]), ['spec.usages[1]: Duplicate value: "any"']),
    (spec(signerName=""), ["spec.signerName: Required value"]),
    (spec(signerName="kubernetes.io/legacy-unknown"),
     ['spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is '
      "not allowed via this API version"]),
    (spec(signerName="x"),
     ['spec.signerName: Invalid value: "x": must be a fully qualified domain and path of the form '
      "'example.com/signer-name'"]),
    (spec(signerName="X/s"),
     [f'spec.signerName: Invalid value: "X": validating label "X": {LABEL}',
      'spec.signerName: Invalid value: "X": should be a domain with at least two segments '
      "separated by dots"]),
    (spec(expirationSeconds=599),
     ["spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 "
      "seconds (10 minutes)"]),
])
def test_what_may_be_asked(body: dict[str, Any], expected: list[str]) -> None:
    assert create_errors(CSRS, spec=body) == expected


def test_unknown_usages() -> None:
    first = create_errors(CSRS, spec=spec(usages=["fly"]))[0]
    assert first.startswith('spec.usages[0]: Unsupported value: "fly": supported values: "any", '
                            '"cert sign", "client auth"')


def test_any_name_that_fits_a_path_will_do() -> None:
    assert create_errors(CSRS, metadata={"name": "Jane_Doe"}, spec=spec()) == []


def changed(subresource: str, before: dict[str, Any],
            status: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The status after a write through a subresource, and what is wrong with it."""
    old = made(CSRS, spec=spec()) | {"status": before}
    new = copy.deepcopy(old) | {"status": copy.deepcopy(status)}
    ctx = replace(context(CSRS, "update"), subresource=subresource)
    if subresource == "status":
        CSRS.strategy.prepare_status_update(ctx, new, old)
        errors = CSRS.strategy.validate_status_update(ctx, new, old)
    else:
        CSRS.strategy.prepare_update(ctx, new, old)
        errors = CSRS.strategy.validate_update(ctx, new, old)
    return new["status"], [str(error) for error in errors]


@pytest.mark.parametrize(("subresource", "before", "after", "expected"), [
    ("approval", {}, {"conditions": [condition("Approved")]}, []),
    ("approval", {}, {"conditions": [condition("Approved"), condition("Denied")]},
     ['status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually '
      "exclusive"]),
    ("approval", {"conditions": [condition("Approved")]}, {"conditions": []},
     ['status.conditions: Forbidden: updates may not remove a condition of type "Approved"']),
    ("approval", {}, {"conditions": [condition("Approved", "False"), {}]},
     ['status.conditions[0].status: Unsupported value: "False": supported values: "True"',
      "status.conditions[1].type: Required value", "status.conditions[1].status: Required value"]),
    ("status", {}, {"conditions": [condition("Approved")]},
     ['status.conditions: Forbidden: updates may not add a condition of type "Approved"']),
    ("status", {}, {"conditions": [condition("Failed")]}, []),
    ("status", {}, {"certificate": pem("X")},
     ['status.certificate: Invalid value: "<certificate data>": only CERTIFICATE PEM blocks are '
      'allowed, found "X"']),
    ("status", {"certificate": pem("A")}, {},
     ["status.certificate: Forbidden: updates may not modify existing certificate content"]),
])
def test_who_may_answer(subresource: str, before: dict[str, Any], after: dict[str, Any],
                        expected: list[str]) -> None:
    assert changed(subresource, before, after)[1] == expected


def test_an_approval_changes_the_conditions_alone_and_is_dated() -> None:
    status, _ = changed("approval", {"certificate": "AA"}, {"conditions": [condition("Approved")]})
    now = "2026-01-01T00:00:00Z"
    assert status == {"certificate": "AA", "conditions": [
        condition("Approved") | {"lastUpdateTime": now, "lastTransitionTime": now}]}
