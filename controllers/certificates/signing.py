"""A certificate from the cluster's CA. Models pkg/controller/certificates/authority (the policy
PermissiveSigningPolicy) and the signer's durations.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID as Oid

if TYPE_CHECKING:
    from collections.abc import Sequence

_YEAR: Final = 365 * 24 * 3600
"""--cluster-signing-duration"""
_LEAST: Final = 600
_BACKDATE: Final = 300
_SHORT: Final = 8 * 3600
_KEY_USAGES: Final = {
    "signing": "digital_signature", "digital signature": "digital_signature",
    "content commitment": "content_commitment", "key encipherment": "key_encipherment",
    "key agreement": "key_agreement", "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign", "crl sign": "crl_sign", "encipher only": "encipher_only",
    "decipher only": "decipher_only"}
_EXTENDED: Final = {
    "any": Oid.ANY_EXTENDED_KEY_USAGE, "server auth": Oid.SERVER_AUTH,
    "client auth": Oid.CLIENT_AUTH, "code signing": Oid.CODE_SIGNING,
    "email protection": Oid.EMAIL_PROTECTION, "s/mime": Oid.EMAIL_PROTECTION,
    "timestamping": Oid.TIME_STAMPING, "ocsp signing": Oid.OCSP_SIGNING,
    "ipsec end system": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.5"),
    "ipsec tunnel": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.6"),
    "ipsec user": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.7"),
    "microsoft sgc": x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.3"),
    "netscape sgc": x509.ObjectIdentifier("2.16.840.1.113730.4.1")}


def sign(authority: str, request: Any, usages: Sequence[str], seconds: int | None,
         now: float) -> str:
    """The certificate in base64 of PEM. `authority`: PEM of the CA's certificate and key.

    Raises ValueError for an authority that is none.
    """
    ca: Any = x509.load_pem_x509_certificate(authority.encode())
    key: Any = serialization.load_pem_private_key(authority.encode(), None)
    start, end = _validity(seconds, now)
    builder = (x509.CertificateBuilder()
               .subject_name(request.subject).issuer_name(ca.subject)
               .public_key(request.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(start).not_valid_after(min(end, ca.not_valid_after_utc))
               .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
               .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.public_key()),
                              critical=False))
    if any(usage in _KEY_USAGES for usage in usages):
        builder = builder.add_extension(_key_usage(usages), critical=True)
    if extended := [_EXTENDED[usage] for usage in sorted(set(usages)) if usage in _EXTENDED]:
        builder = builder.add_extension(x509.ExtendedKeyUsage(dict.fromkeys(extended)),
                                        critical=False)
    for extension in request.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            builder = builder.add_extension(extension.value, critical=False)
    made = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return base64.b64encode(made).decode()


def _validity(seconds: int | None, now: float) -> tuple[datetime, datetime]:
    """Backdated by five minutes, which count, but for certificates of less than eight hours."""
    lasts = _YEAR if seconds is None else min(max(seconds, _LEAST), _YEAR)
    at = datetime.fromtimestamp(int(now), UTC)
    end = lasts if lasts < _SHORT else lasts - _BACKDATE
    return at - timedelta(seconds=_BACKDATE), at + timedelta(seconds=end)


def _key_usage(usages: Sequence[str]) -> x509.KeyUsage:
    wanted = {_KEY_USAGES[usage] for usage in usages if usage in _KEY_USAGES}
    agreed = "key_agreement" in wanted
    return x509.KeyUsage(**{
        name: name in wanted and (agreed or not name.endswith("cipher_only"))
        for name in dict.fromkeys(_KEY_USAGES.values())})
