"""CertificateSigningRequests: approved, signed, refused and cleaned up."""

from __future__ import annotations

import base64
import ipaddress
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from apiserver.authentication.authenticator import user_of_certificate
from controllers.certificates.requests import (
    CLIENT,
    CSRS,
    KUBELET_CLIENT,
    KUBELET_SERVING,
)
from controllers.controller import Options
from minikube_sim import pki
from tests.controllers.world import World

NAMES = ("certificatesigningrequest-approving-controller",
         "certificatesigningrequest-cleaner-controller",
         "certificatesigningrequest-signing-controller")
KEY = ec.generate_private_key(ec.SECP256R1())
CLIENT_USAGES = ("digital signature", "key encipherment", "client auth")
SERVER_USAGES = ("digital signature", "key encipherment", "server auth")


@pytest.fixture
def world() -> World:
    ca = pki.make_ca(World().clock.now())
    return World(*NAMES, options=Options(
        signing_ca=(ca.certificate_pem() + ca.key_pem()).decode()))


def request(common_name: str, *groups: str, **names: Any) -> str:
    """The base64 of a PEM request."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(pki._name(common_name, groups))
    found = [make(each) for kind, make in _KINDS.items() for each in names.get(kind, ())]
    if found:
        builder = builder.add_extension(x509.SubjectAlternativeName(found), critical=False)
    made = builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return base64.b64encode(made).decode()


_KINDS = {"dns": x509.DNSName, "emails": x509.RFC822Name,
          "ips": lambda text: x509.IPAddress(ipaddress.ip_address(text)),
          "uris": x509.UniformResourceIdentifier}


def ask(world: World, signer: str, wish: str, usages=CLIENT_USAGES, **spec: Any) -> None:
    world.create(CSRS, {"metadata": {"name": "r"}, "spec": {
        "request": wish, "signerName": signer, "usages": list(usages), **spec}})


def approve(world: World, kind: str = "Approved") -> None:
    conditions = [{"type": kind, "status": "True", "reason": "Test", "message": "",
                   "lastUpdateTime": "2026-01-01T00:00:00Z"}]
    world.patch(CSRS, "r", {"status": {"conditions": conditions}}, place=None, type="merge",
                subresource="approval")


def csr(world: World) -> Any:
    return world.get(CSRS, "r", None)


def issued(world: World) -> x509.Certificate:
    return x509.load_pem_x509_certificate(base64.b64decode(csr(world)["status"]["certificate"]))


def test_an_approved_client_gets_its_certificate(world: World) -> None:
    ask(world, CLIENT, request("jane", "devs", "ops"))
    assert "certificate" not in csr(world)["status"]
    approve(world)
    made = issued(world)
    user = user_of_certificate(made.public_bytes(serialization.Encoding.DER))
    assert (user.name, user.groups) == ("jane", ("devs", "ops", "system:authenticated"))
    assert made.public_key().public_numbers() == KEY.public_key().public_numbers()
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]
    made.verify_directly_issued_by(x509.load_pem_x509_certificate(
        world.context.options.signing_ca.encode()))


def test_what_is_denied_is_never_signed(world: World) -> None:
    ask(world, CLIENT, request("jane"))
    approve(world, "Denied")
    assert "certificate" not in csr(world)["status"]


def test_signers_of_others_are_left_to_them(world: World) -> None:
    ask(world, "example.com/mine", request("jane"))
    approve(world)
    assert "certificate" not in csr(world)["status"]


@pytest.mark.verified(source="pkg/controller/certificates/signer")
@pytest.mark.parametrize(("seconds", "lasts"), [
    (None, 365 * 86400 - 300), (600, 600), (3600, 3600), (8 * 3600, 8 * 3600 - 300),
    (10 * 365 * 86400, 365 * 86400 - 300)])
def test_a_certificate_lasts_as_long_as_was_asked(world: World, seconds, lasts) -> None:
    more = {} if seconds is None else {"expirationSeconds": seconds}
    ask(world, CLIENT, request("jane"), **more)
    approve(world)
    now = datetime.fromtimestamp(int(world.clock.now()), UTC)
    made = issued(world)
    assert (made.not_valid_after_utc - now).total_seconds() == lasts
    assert (now - made.not_valid_before_utc).total_seconds() == 300


@pytest.mark.verified(source="pkg/apis/certificates/helpers.go")
@pytest.mark.parametrize(("signer", "wish", "usages", "problem"), [
    (CLIENT, request("jane"), SERVER_USAGES,
     "invalid usage for client certificate: server auth"),
    (CLIENT, request("jane"), ("key encipherment",),
     "missing required usage for client certificate: client auth"),
    (KUBELET_CLIENT, request("system:node:a"), CLIENT_USAGES,
     "subject organization is not system:nodes"),
    (KUBELET_CLIENT, request("system:node:a", "system:nodes", dns=["a"]), CLIENT_USAGES,
     "DNS subjectAltNames are not allowed"),
    (KUBELET_CLIENT, request("a", "system:nodes"), CLIENT_USAGES,
     "subject common name does not begin with system:node:"),
    (KUBELET_CLIENT, request("system:node:a", "system:nodes"), SERVER_USAGES,
     "usages did not match [client auth digital signature key encipherment]"),
    (KUBELET_SERVING, request("system:node:a", "system:nodes"), SERVER_USAGES,
     "DNS or IP subjectAltName is required"),
    (KUBELET_SERVING, request("system:node:a", "system:nodes", dns=["a"], emails=["a@b.c"]),
     SERVER_USAGES, "email subjectAltNames are not allowed"),
    (KUBELET_SERVING, request("a", "system:nodes", ips=["10.0.0.1"]), SERVER_USAGES,
     "subject common name does not begin with system:node:")])
def test_a_signer_says_why_it_does_not_sign(world: World, signer, wish, usages, problem) -> None:
    ask(world, signer, wish, usages)
    approve(world)
    failed = csr(world)["status"]["conditions"][-1]
    assert (failed["type"], failed["reason"], failed["message"]) == (
        "Failed", "SignerValidationFailure", problem)


@pytest.mark.parametrize(("signer", "wish", "usages"), [
    (KUBELET_SERVING, request("system:node:a", "system:nodes", ips=["10.0.0.1"]), SERVER_USAGES),
    (KUBELET_CLIENT, request("system:node:a", "system:nodes"), CLIENT_USAGES[::2])])
def test_names_and_addresses_are_kept(world: World, signer, wish, usages) -> None:
    ask(world, signer, wish, usages)
    approve(world)
    wanted = x509.load_pem_x509_csr(base64.b64decode(wish))
    made = issued(world)
    assert made.subject == wanted.subject
    kept = [each.value for each in made.extensions
            if isinstance(each.value, x509.SubjectAlternativeName)]
    assert kept == [each.value for each in wanted.extensions]


def test_kubelets_are_approved_by_themselves(world: World) -> None:
    ask(world, KUBELET_CLIENT, request("system:node:a", "system:nodes"))
    condition = csr(world)["status"]["conditions"][0]
    assert (condition["reason"], condition["message"]) == (
        "AutoApproved",
        "Auto approving kubelet client certificate after SubjectAccessReview.")
    assert issued(world)


@pytest.mark.parametrize(("kind", "seconds"), [("Approved", 3600), ("Denied", 3600),
                                               ("", 24 * 3600)])
def test_requests_that_are_done_with_go(world: World, kind, seconds) -> None:
    ask(world, CLIENT, request("jane"))
    if kind:
        now = datetime.fromtimestamp(world.clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        world.patch(CSRS, "r", {"status": {"conditions": [{
            "type": kind, "status": "True", "reason": "Test", "lastUpdateTime": now}]}},
            place=None, type="merge", subresource="approval")
    world.advance(seconds - 60)
    assert world.names(CSRS) == ["r"]
    world.advance(61)
    assert world.names(CSRS) == []


def test_without_a_key_nothing_is_signed() -> None:
    world = World(*NAMES)
    ask(world, CLIENT, request("jane"))
    approve(world)
    assert "certificate" not in csr(world)["status"]
