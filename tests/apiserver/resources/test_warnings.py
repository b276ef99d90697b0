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
from apiserver.resources.core.endpoints import ENDPOINTS
from apiserver.resources.core.replicationcontrollers import REPLICATIONCONTROLLERS
from apiserver.resources.core.secrets import SECRETS
from apiserver.resources.core.serviceaccounts import SERVICEACCOUNTS
from apiserver.resources.discovery.endpointslices import ENDPOINTSLICES
from apiserver.resources.networking.networkpolicies import NETWORKPOLICIES
from apiserver.resources.node.runtimeclasses import RUNTIMECLASSES
from apiserver.resources.storage.csi import CSIDRIVERS, CSISTORAGECAPACITIES
from apiserver.resources.storage.storageclasses import STORAGECLASSES
from tests.apiserver.resources.kinds import create_errors, warnings

if TYPE_CHECKING:
    from apiserver.resource import Resource

LABEL = "must not contain dots"
ODD = 'non-standard IP address "10.0.0.01" will be considered invalid in a future Kubernetes ' \
    'release: use "10.0.0.1"'
NODE_LABEL = 'deprecated since v1.14; use "kubernetes.io/os" instead'
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


@pytest.mark.parametrize(("resource", "body", "expected"), [
    (NETWORKPOLICIES, {"spec": {"egress": [{"to": [{"ipBlock": {
        "cidr": "10.0.0.1/8", "except": ["10.1.0.0/016"]}}]}]}},
     ['spec.egress[0].to[0].ipBlock.cidr: CIDR value "10.0.0.1/8" is ambiguous in this context '
      '(should be "10.0.0.0/8" or "10.0.0.1/32"?)',
      'spec.egress[0].to[0].ipBlock.except[0]: non-standard CIDR value "10.1.0.0/016" will be '
      'considered invalid in a future Kubernetes release: use "10.1.0.0/16"']),
    (ENDPOINTS, {"subsets": [{"notReadyAddresses": [{"ip": "10.0.0.01"}]}]},
     [f"subsets[0].notReadyAddresses[0].ip: {ODD}"]),
    (ENDPOINTSLICES, {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.01"]}]},
     [f"endpoints[0].addresses[0]: {ODD}"]),
    (ENDPOINTSLICES, {"addressType": "FQDN", "endpoints": []},
     ["spec.addressType: FQDN endpoints are deprecated"]),
    (RUNTIMECLASSES, {"scheduling": {"nodeSelector": {"beta.kubernetes.io/os": "linux"}}},
     [f"scheduling.nodeSelector: {NODE_LABEL}"]),
    (STORAGECLASSES, {"allowedTopologies": [{"matchLabelExpressions": [
        {"key": "beta.kubernetes.io/os", "values": ["linux"]}]}]},
     [f"allowedTopologies[0].matchLabelExpressions[0].key: {NODE_LABEL}"]),
    (CSISTORAGECAPACITIES, {"nodeTopology": {"matchLabels": {"beta.kubernetes.io/os": "linux"}}},
     [f"nodeTopology.matchLabels[beta.kubernetes.io/os]: {NODE_LABEL}"]),
    (CSIDRIVERS, {"spec": {"tokenRequests": [{"audience": "a"}]}},
     ["spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to "
      "prevent possible logging of tokens in volume attributes"]),
])
def test_doubtful_fields(resource: Resource, body: dict[str, Any], expected: list[str]) -> None:
    assert warnings(resource, **body) == expected


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
