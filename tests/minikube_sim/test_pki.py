"""Certificates that TLS and the API server's user mapping accept."""

from __future__ import annotations

import ssl

import pytest
from cryptography import x509

from apiserver.authentication.authenticator import Authenticator, user_of_certificate
from apiserver.context import User
from apiserver.machinery.errors import Unauthorized
from controllers.drive import drive
from minikube_sim import pki

NOW = 1_767_225_600.0


@pytest.fixture(scope="module")
def ca():
    return pki.make_ca(NOW)


def test_a_server_certificate_names_hosts_and_addresses(ca):
    server = pki.make_server(ca, ["localhost", "127.0.0.1", "localhost"], NOW)
    names = server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_a_client_certificate_is_a_user_with_groups(ca):
    client = pki.make_client(ca, "jane", ["system:masters"], NOW)
    der = ssl.PEM_cert_to_DER_cert(client.certificate_pem().decode())
    user = user_of_certificate(der)
    assert user == User(name="jane", groups=("system:masters", "system:authenticated"))


def test_an_identity_is_read_as_it_was_written(ca, tmp_path):
    ca.write(tmp_path, "ca")
    again = pki.Identity.read(tmp_path, "ca")
    assert again.certificate == ca.certificate
    assert again.key_pem() == ca.key_pem()


def scope(*headers, certificate=None):
    return {"headers": list(headers), "state": {"peer_certificate": certificate}}


def test_a_token_is_a_user():
    user = User(name="u")
    authenticate = Authenticator({"secret": user})
    assert drive(authenticate(scope((b"authorization", b"Bearer secret")))) is user


@pytest.mark.parametrize("headers", [
    [], [(b"authorization", b"Bearer wrong")], [(b"authorization", b"Basic secret")],
    [(b"authorization", b"Bearer ")],
])
def test_nobody_is_anonymous(headers):
    with pytest.raises(Unauthorized):
        drive(Authenticator({"secret": User(name="u")})(scope(*headers)))


def test_a_token_that_is_presented_decides(ca):
    der = ssl.PEM_cert_to_DER_cert(pki.make_client(ca, "jane", [], NOW).certificate_pem().decode())
    assert drive(Authenticator({})(scope(certificate=der))).name == "jane"
    with pytest.raises(Unauthorized):
        drive(Authenticator({})(scope((b"authorization", b"Bearer wrong"), certificate=der)))


def test_who_presents_nothing_is_somebody_only_where_that_is_allowed():
    user = User(name="u")
    assert drive(Authenticator({}, without=user)(scope())) is user
    with pytest.raises(Unauthorized):
        drive(Authenticator({}, without=user)(scope((b"authorization", b"Bearer wrong"))))
