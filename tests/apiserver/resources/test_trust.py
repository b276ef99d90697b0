"""ClusterTrustBundles and PodCertificateRequests: what may be said, and how it is answered."""

from __future__ import annotations

import base64
import copy
import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from apiserver.resources.certificates.clustertrustbundles import CLUSTERTRUSTBUNDLES
from apiserver.resources.certificates.podcertificaterequests import PODCERTIFICATEREQUESTS
from tests.apiserver.resources.bodies import AUTHORITY, BODIES
from tests.apiserver.resources.kinds import (
    CREATED,
    NOW,
    cells,
    context,
    create_errors,
    made,
    update_errors,
)

KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
START = dt.datetime.fromtimestamp(NOW, dt.UTC)
BUNDLE = "spec.trustBundle"


def certificate(key: Any = KEY, *, ca: bool | None = None, hours: float = 2,
                start: dt.datetime = START) -> str:
    name = x509.Name([])
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
            .public_key(key.public_key()).serial_number(1).not_valid_before(start)
            .not_valid_after(start + dt.timedelta(hours=hours)))
    if ca is not None:
        made = made.add_extension(x509.BasicConstraints(ca, None), critical=True)
    return made.sign(KEY, None).public_bytes(serialization.Encoding.PEM).decode()


def bundle(text: str = AUTHORITY, **more: Any) -> dict[str, Any]:
    return {"spec": {"trustBundle": text, **more}}


def bundle_errors(body: dict[str, Any], name: str = "a") -> list[str]:
    return create_errors(CLUSTERTRUSTBUNDLES, metadata={"name": name}, **body)


def omitted(text: str) -> list[str]:
    return [f'{BUNDLE}: Invalid value: "<value omitted>": {text}']


# --- ClusterTrustBundles -------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "name", "expected"), [
    (bundle(), "a", []),
    (bundle(signerName="x.io/s"), "x.io:s:a", []),
    (bundle("garbage\n" + AUTHORITY + "garbage\n" + certificate(ca=True)), "a", []),
    (bundle(), "x.io:s:a", ['metadata.name: Invalid value: "x.io:s:a": ClusterTrustBundle without '
                            'signer name must not have ":" in its name']),
    (bundle(signerName="x.io/s"), "a",
     ['metadata.name: Invalid value: "a": ClusterTrustBundle for signerName x.io/s must be named '
      "with prefix x.io:s:"]),
    (bundle(signerName="x"), "x:a",
     ['spec.signerName: Invalid value: "x": must be a fully qualified domain and path of the form '
      "'example.com/signer-name'"]),
    (bundle(""), "a", omitted("at least one trust anchor must be provided")),
    (bundle("no block"), "a", omitted("at least one trust anchor must be provided")),
    (bundle(AUTHORITY + AUTHORITY.replace("CERTIFICATE", "X")), "a",
     omitted("entry 1 has bad block type: X")),
    (bundle(AUTHORITY.replace("-----\n", "-----\nA: b\n\n", 1)), "a",
     omitted("entry 0 has PEM block headers")),
    (bundle("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "a",
     omitted("entry 0 does not parse as X.509")),
    (bundle(certificate()), "a", omitted("entry 0 does not have the CA bit set")),
    (bundle(certificate(ca=False)), "a", omitted("entry 0 does not have the CA bit set")),
    (bundle(AUTHORITY + certificate(ca=True) + AUTHORITY), "a",
     omitted("duplicate trust anchor (indices [0 2])")),
    (bundle("x" * (1024 * 1024 + 1)), "a",
     [f"{BUNDLE}: Too long: may not be more than 1048576 bytes"]),
])
def test_what_a_bundle_holds(body: dict[str, Any], name: str, expected: list[str]) -> None:
    assert bundle_errors(body, name) == expected


def test_a_signers_bundle_may_have_a_generated_name() -> None:
    meta = {"generateName": "x.io:s:a-", "name": "x.io:s:a-1"}
    assert create_errors(CLUSTERTRUSTBUNDLES, metadata=meta, **bundle(signerName="x.io/s")) == []


def test_a_bundle_keeps_its_signer_and_is_looked_into_when_it_changes() -> None:
    old = made(CLUSTERTRUSTBUNDLES, metadata={"name": "x.io:s:a"}, **bundle(signerName="x.io/s"))
    old["spec"]["trustBundle"] = "what an older parser took"
    label = update_errors(CLUSTERTRUSTBUNDLES, old, lambda new: new["metadata"].update(labels={}))
    assert label == []
    assert update_errors(CLUSTERTRUSTBUNDLES, old, lambda new: new["spec"].update(
        trustBundle="x")) == omitted("at least one trust anchor must be provided")
    changed = update_errors(CLUSTERTRUSTBUNDLES, old, lambda new: new["spec"].update(
        signerName="x.io/t"))
    assert changed[-1] == 'spec.signerName: Invalid value: "x.io/t": field is immutable'


def test_bundles_are_found_by_their_signer() -> None:
    one = made(CLUSTERTRUSTBUNDLES, **bundle(signerName="x.io/s"))
    assert CLUSTERTRUSTBUNDLES.strategy.fields(one) == {"spec.signerName": "x.io/s"}
    assert cells(CLUSTERTRUSTBUNDLES, made(CLUSTERTRUSTBUNDLES, **bundle())) == {
        "Name": "a", "SignerName": "<none>"}


# --- PodCertificateRequests ----------------------------------------------------------------------


def spec(**more: Any) -> dict[str, Any]:
    return {**BODIES["podcertificaterequests"]["spec"], **more}


def stub(key: Any) -> str:
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, algorithm)
    return base64.b64encode(csr.public_bytes(serialization.Encoding.DER)).decode()


def forged() -> str:
    raw = bytearray(base64.b64decode(stub(KEY)))
    raw[-1] ^= 1
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(("body", "expected"), [
    (spec(), []),
    (spec(maxExpirationSeconds=7862400), []),
    (spec(unverifiedUserAnnotations={"x.io/a": "any\n"}), []),
    (spec(signerName=""), ["spec.signerName: Required value"]),
    (spec(podUID="", nodeUID="x" * 129),
     ['spec.podUID: Invalid value: "": must not be empty',
      "spec.nodeUID: Too long: may not be more than 128 bytes"]),
    (spec(maxExpirationSeconds=3599),
     ["spec.maxExpirationSeconds: Invalid value: 3599: must be in the range [3600, 7862400]"]),
    (spec(signerName="kubernetes.io/s", maxExpirationSeconds=86401),
     ["spec.maxExpirationSeconds: Invalid value: 86401: must be in the range [3600, 86400]"]),
    (spec(stubPKCS10Request="AAAA"),
     ['spec.stubPKCS10Request: Invalid value: "AAAA": must be a valid PKCS#10 certificate signing '
      "request"]),
    (spec(stubPKCS10Request=forged()),
     ["spec.stubPKCS10Request: Invalid value: could not verify the signature of the request"]),
    (spec(stubPKCS10Request=base64.b64encode(b"x" * 10241).decode()),
     ["spec.stubPKCS10Request: Too long: may not be more than 10240 bytes"]),
    (spec(stubPKCS10Request=stub(ec.generate_private_key(ec.SECP384R1()))), []),
    (spec(stubPKCS10Request=stub(rsa.generate_private_key(65537, 2048))),
     ['spec.stubPKCS10Request: Invalid value: "2048-bit modulus": RSA keys must have modulus size '
      "3072 or 4096"]),
])
def test_what_a_kubelet_may_ask(body: dict[str, Any], expected: list[str]) -> None:
    assert create_errors(PODCERTIFICATEREQUESTS, spec=body) == expected


def test_a_request_is_for_a_day_unless_it_says_otherwise_and_never_changes() -> None:
    one = made(PODCERTIFICATEREQUESTS, spec=spec())
    assert one["spec"]["maxExpirationSeconds"] == 86400
    assert update_errors(PODCERTIFICATEREQUESTS, one, lambda new: new["spec"].update(
        podName="q"))[0].startswith("spec: Invalid value: ")


def condition(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": "True", "reason": "R", **more}


def issued(chain: str, **more: Any) -> dict[str, Any]:
    return {"conditions": [condition("Issued")], "certificateChain": chain, "notBefore": CREATED,
            "notAfter": "2026-01-01T02:00:00Z", "beginRefreshAt": "2026-01-01T01:00:00Z", **more}


def answered(status: dict[str, Any], before: dict[str, Any] | None = None) -> list[str]:
    """What is wrong with an answer."""
    old = made(PODCERTIFICATEREQUESTS, spec=spec()) | {"status": before or {}}
    new = copy.deepcopy(old) | {"status": copy.deepcopy(status)}
    ctx = replace(context(PODCERTIFICATEREQUESTS, "update"), subresource="status")
    PODCERTIFICATEREQUESTS.strategy.prepare_status_update(ctx, new, old)
    return [str(error) for error in
            PODCERTIFICATEREQUESTS.strategy.validate_status_update(ctx, new, old)]


CHAIN = certificate()
DENIED = {"conditions": [condition("Denied", lastTransitionTime=CREATED)]}


@pytest.mark.parametrize(("status", "before", "expected"), [
    (issued(CHAIN), {}, []),
    (issued(CHAIN + AUTHORITY), {}, []),
    ({"conditions": [condition("Denied")]}, {}, []),
    ({"conditions": [condition("Denied"), condition("Failed")]}, {},
     ['status.conditions.[1].type: Invalid value: "Failed": There may be at most one condition '
      'with type "Issued", "Denied", or "Failed"']),
    ({"conditions": [condition("X")]}, {},
     ['status.conditions.[0].type: Unsupported value: "X": supported values: "Issued", "Denied", '
      '"Failed"']),
    ({"conditions": [condition("Issued", status="False")]}, {},
     ['status.conditions.[0].status: Unsupported value: "False": supported values: "True"']),
    ({"conditions": [condition("Denied")], "certificateChain": CHAIN}, {},
     ["status: Invalid value: non-condition status fields must be empty when denying or failing "
      "the PodCertificateRequest"]),
    ({"certificateChain": CHAIN}, {},
     ['status: Invalid value: status is immutable unless transitioning to "Issued", "Denied", or '
      '"Failed"']),
    (issued(CHAIN), DENIED,
     ["status: Invalid value: immutable after PodCertificateRequest is issued, denied, or "
      "failed"]),
    (issued(""), {}, ['status.certificateChain: Invalid value: "": issued certificate chain must '
                      "contain at least one certificate"]),
    (issued(CHAIN, notAfter=None), {},
     ["status.notAfter: Required value: must be present and consistent with the issued "
      "certificate"]),
    (issued(CHAIN, notAfter="2026-01-01T03:00:00Z"), {},
     ['status.notAfter: Invalid value: "2026-01-01T03:00:00Z": must be set to the NotAfter time '
      "encoded in the leaf certificate"]),
    (issued(CHAIN, beginRefreshAt="2026-01-01T00:05:00Z"), {},
     ['status.beginRefreshAt: Invalid value: "2026-01-01T00:05:00Z": must be at least 10 minutes '
      "after status.notBefore"]),
    (issued(CHAIN, beginRefreshAt="2026-01-01T01:55:00Z"), {},
     ['status.beginRefreshAt: Invalid value: "2026-01-01T01:55:00Z": must be at least 10 minutes '
      "before status.notAfter"]),
    (issued(certificate(hours=0.5), notAfter="2026-01-01T00:30:00Z"), {},
     ["status.certificateChain: Invalid value: 1800000000000: leaf certificate lifetime must be "
      ">= 1 hour"]),
    (issued(certificate(hours=48), notAfter="2026-01-03T00:00:00Z"), {},
     ["status.certificateChain: Invalid value: 172800000000000: leaf certificate lifetime must be "
      "<= spec.maxExpirationSeconds (86400)"]),
    (issued(certificate(start=START - dt.timedelta(hours=1)), notBefore="2025-12-31T23:00:00Z",
            notAfter="2026-01-01T01:00:00Z", beginRefreshAt="2026-01-01T00:00:00Z"), {},
     ['status.notBefore: Invalid value: "2025-12-31T23:00:00Z": must be set to within 5 minutes of '
      "kube-apiserver's current time"]),
])
def test_how_it_is_answered(status: dict[str, Any], before: dict[str, Any],
                            expected: list[str]) -> None:
    assert answered(status, before) == expected


def test_a_certificate_for_another_key_is_no_answer() -> None:
    wrong = answered(issued(certificate(OTHER)))
    assert [error.rpartition(": ")[2] for error in wrong] == [
        "leaf certificate was not issued to the requested public key"]


def test_requests_are_found_by_pod_node_and_signer() -> None:
    one = made(PODCERTIFICATEREQUESTS, spec=spec())
    assert PODCERTIFICATEREQUESTS.strategy.fields(one) == {
        "spec.signerName": "x.io/s", "spec.podName": "p", "spec.nodeName": "n"}
    assert cells(PODCERTIFICATEREQUESTS, one)["State"] == "Pending"
    assert cells(PODCERTIFICATEREQUESTS, one | {"status": DENIED})["State"] == "Denied"
