"""Certificates of a profile: a CA, the API server's certificate, the user's client certificate.

Models what minikube keeps in ~/.minikube (ca.crt, profiles/NAME/{apiserver,client}.crt). EC keys:
made in milliseconds.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from apiserver import files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_YEARS: Final = timedelta(days=10 * 365)


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def certificate_pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self) -> bytes:
        """The key as PKCS#8 PEM, unencrypted."""
        return self.key.private_bytes(serialization.Encoding.PEM,
                                      serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption())

    def write(self, directory: Path, name: str) -> None:
        """Write NAME.crt and NAME.key (readable by the owner only)."""
        files.replace(directory / f"{name}.crt", self.certificate_pem(), 0o644)
        files.replace(directory / f"{name}.key", self.key_pem())

    @classmethod
    def read(cls, directory: Path, name: str) -> Identity:
        """Read what `write` wrote. Raises OSError, ValueError."""
        certificate = x509.load_pem_x509_certificate((directory / f"{name}.crt").read_bytes())
        key = serialization.load_pem_private_key((directory / f"{name}.key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{directory / name}.key is not an EC key")
        return cls(certificate, key)


def _name(common_name: str, organizations: Sequence[str] = ()) -> x509.Name:
    return x509.Name([
        *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, o) for o in organizations),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
    ])


def _builder(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey,
             now: float) -> x509.CertificateBuilder:
    start = datetime.fromtimestamp(now, UTC) - timedelta(days=1)
    return (x509.CertificateBuilder()
            .subject_name(subject).issuer_name(issuer).public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start).not_valid_after(start + _YEARS))


def make_ca(now: float) -> Identity:
    """A new certificate authority. `now`: real seconds since 1970 (clients check by it)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("minikubeSimCA")
    usage = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True,
                          content_commitment=False, key_encipherment=True, data_encipherment=False,
                          key_agreement=False, encipher_only=False, decipher_only=False)
    certificate = (_builder(name, name, key.public_key(), now)
                   .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                   .add_extension(usage, critical=True)
                   .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
                                  critical=False)
                   .sign(key, hashes.SHA256()))
    return Identity(certificate, key)


def _issue(ca: Identity, subject: x509.Name, usage: x509.ObjectIdentifier,
           names: Sequence[x509.GeneralName], now: float) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())
    builder = (_builder(subject, ca.certificate.subject, key.public_key(), now)
               .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
               .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
               .add_extension(authority, critical=False))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return Identity(builder.sign(ca.key, hashes.SHA256()), key)


def make_server(ca: Identity, hosts: Sequence[str], now: float) -> Identity:
    """The API server's certificate for these host names and addresses."""
    return _issue(ca, _name("minikube-sim"), ExtendedKeyUsageOID.SERVER_AUTH,
                  [_general_name(host) for host in dict.fromkeys(hosts)], now)


def make_client(ca: Identity, user: str, groups: Sequence[str], now: float) -> Identity:
    """A client certificate: the common name is the user, organizations are groups."""
    return _issue(ca, _name(user, groups), ExtendedKeyUsageOID.CLIENT_AUTH, [], now)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
