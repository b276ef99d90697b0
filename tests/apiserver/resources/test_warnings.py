"""What authors of things other than pods are warned about."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from apiserver.resources.apps.deployments import DEPLOYMENTS
from apiserver.resources.apps.replicasets import REPLICASETS
from apiserver.resources.apps.statefulsets import STATEFULSETS
from apiserver.resources.batch.cronjobs import CRONJOBS
from apiserver.resources.batch.jobs import JOBS
from apiserver.resources.core.replicationcontrollers import REPLICATIONCONTROLLERS
from apiserver.resources.core.secrets import SECRETS
from apiserver.resources.core.serviceaccounts import SERVICEACCOUNTS
from tests.apiserver.resources.kinds import create_errors, warnings

if TYPE_CHECKING:
    from apiserver.resource import Resource

LABEL = "must not contain dots"
TEMPLATE = {"spec": {"containers": [{"name": "c", "image": "i:1"}]}}


@pytest.mark.parametrize("resource", [
    DEPLOYMENTS, REPLICASETS, REPLICATIONCONTROLLERS, JOBS, CRONJOBS])
def test_dotted_names_make_no_good_hostnames(resource: Resource) -> None:
    body = {"metadata": {"name": "a.b"}, "spec": {"template": TEMPLATE}}
    assert warnings(resource, **body) == [
        "metadata.name: this is used in Pod names and hostnames, which can result in surprising "
        f"behavior; a DNS label is recommended: [{LABEL}]"]


def test_stateful_sets_cannot_have_dotted_names() -> None:
    assert f'metadata.name: Invalid value: "a.b": {LABEL}' in create_errors(
        STATEFULSETS, metadata={"name": "a.b"}, spec={"template": TEMPLATE})


def test_a_stateful_sets_claims_are_looked_at() -> None:
    claim = {"metadata": {"name": "d"}, "spec": {"resources": {"requests": {"storage": "1m"}}}}
    assert warnings(STATEFULSETS, spec={
        "template": TEMPLATE, "volumeClaimTemplates": [claim], "revisionHistoryLimit": -1}) == [
            "spec.volumeClaimTemplates[0].resources.requests[storage]: fractional byte value "
            '"1m" is invalid, must be an integer',
            "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value "
            ">= 0 is recommended"]


def test_mountable_secrets_are_no_longer_enforced() -> None:
    key = "kubernetes.io/enforce-mountable-secrets"
    assert warnings(SERVICEACCOUNTS, metadata={"annotations": {key: "true"}}) == [
        f"metadata.annotations[{key}]: deprecated in v1.32+; prefer separate namespaces to isolate "
        "access to mounted secrets"]


def pem(kind: str) -> str:
    return f"-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n"


@pytest.mark.parametrize(("certificate", "key", "complaint"), [
    ("", "", "tls: failed to find any PEM data in certificate input"),
    (pem("PRIVATE KEY"), "", "tls: failed to find certificate PEM data in certificate input, but "
     "did find a private key; PEM inputs may have been switched"),
    (pem("X") + pem("Y"), "", 'tls: failed to find "CERTIFICATE" PEM block in certificate input '
     "after skipping PEM blocks of the following types: [X Y]"),
    (pem("CERTIFICATE"), "", "tls: failed to find any PEM data in key input"),
    (pem("CERTIFICATE"), pem("CERTIFICATE"),
     "tls: found a certificate rather than a key in the PEM for the private key"),
    (pem("CERTIFICATE"), pem("X"), 'tls: failed to find PEM block with type ending in "PRIVATE '
     'KEY" in key input after skipping PEM blocks of the following types: [X]'),
    (pem("CERTIFICATE"), pem("EC PRIVATE KEY"), "x509: malformed certificate"),
])
def test_what_is_no_pair_of_certificate_and_key(certificate: str, key: str,
                                                complaint: str) -> None:
    data: dict[str, Any] = {
        name: base64.b64encode(text.encode()).decode()
        for name, text in (("tls.crt", certificate), ("tls.key", key))}
    assert warnings(SECRETS, type="kubernetes.io/tls", data=data) == [complaint]
