"""What is wrong with CertificateSigningRequests. Models pkg/apis/certificates/validation."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_dns1123_label, is_dns1123_subdomain
from apiserver.machinery.validation import (
    FieldError,
    Path,
    duplicate,
    forbidden,
    go_quote,
    invalid,
    not_supported,
    required,
    too_long,
)
from apiserver.resources.core.tls_pair import pem_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_CONDITIONS: Final = Path("status.conditions")
_CERTIFICATE: Final = Path("status.certificate")
_SHORTEST: Final = 600
_LEGACY: Final = "kubernetes.io/legacy-unknown"
_USAGES: Final = (
    "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign",
    "data encipherment", "decipher only", "digital signature", "email protection",
    "encipher only", "ipsec end system", "ipsec tunnel", "ipsec user", "key agreement",
    "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime", "server auth",
    "signing", "timestamping")
_FINAL: Final = ("Approved", "Denied", "Failed")
_DECISIONS: Final = ("Approved", "Denied")
_STATUSES: Final = ("False", "True", "Unknown")
_LONGEST_DOMAIN: Final = 253
_LONGEST_SIGNER: Final = 571


def request_errors(obj: Object, old: Object | None) -> list[FieldError]:
    """What is wrong with a request; what was wrong before may stay."""
    spec, before = obj.get("spec") or {}, (old or {}).get("spec") or {}
    own, text = _SPEC.child("request"), spec.get("request") or ""
    wrong = _request_error(_decoded(text))
    errors = [invalid(own, text, wrong)] if wrong else []
    errors += _usages_errors(spec.get("usages") or [], before.get("usages") or [])
    errors += _signer_errors(spec.get("signerName") or "",
                             legacy=before.get("signerName") == _LEGACY)
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < _SHORTEST:
        errors.append(invalid(_SPEC.child("expirationSeconds"), seconds,
                              f"may not specify a duration less than {_SHORTEST} seconds "
                              f"({_SHORTEST // 60} minutes)"))
    status, previous = obj.get("status") or {}, (old or {}).get("status") or {}
    errors += _conditions_errors(status.get("conditions") or ())
    if status.get("certificate") != previous.get("certificate"):
        wrong = _certificate_error(_decoded(status.get("certificate") or ""))
        if wrong:
            errors.append(invalid(_CERTIFICATE, "<certificate data>", wrong))
    return errors


def change_errors(obj: Object, old: Object, subresource: str) -> list[FieldError]:
    """Who may change what: decisions are for `approval`, the certificate for `status`."""
    status, before = obj.get("status") or {}, old.get("status") or {}
    new, had = (_by_kind(part.get("conditions") or ()) for part in (status, before))
    errors = [forbidden(_CONDITIONS, f"updates may not remove a condition of type "
                        f"{go_quote(kind)}")
              for kind in _FINAL if len(new[kind]) < len(had[kind])]
    for kind in _DECISIONS if subresource != "approval" else ():
        if len(new[kind]) > len(had[kind]):
            errors.append(forbidden(_CONDITIONS, f"updates may not add a condition of type "
                                    f"{go_quote(kind)}"))
    if status.get("certificate") != before.get("certificate"):
        if subresource != "status":
            errors.append(forbidden(_CERTIFICATE, "updates may not set certificate content"))
        elif before.get("certificate"):
            errors.append(forbidden(_CERTIFICATE, "updates may not modify existing certificate "
                                    "content"))
    return errors


def _by_kind(conditions: Sequence[Object]) -> dict[str, list[Object]]:
    return {kind: [c for c in conditions if c.get("type") == kind] for kind in _FINAL}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""


def _request_error(text: bytes) -> str:
    blocks = list(pem_blocks(text))
    if not blocks or blocks[0][0] != "CERTIFICATE REQUEST":
        return "PEM block type must be CERTIFICATE REQUEST"
    # Loaded here: a server without requests starts without it.
    from cryptography import x509
    try:
        x509.load_der_x509_csr(blocks[0][1])
    except ValueError:
        return "asn1: syntax error: sequence truncated"
    return ""


def _certificate_error(text: bytes) -> str:
    if not text:
        return ""
    from cryptography import x509
    blocks = list(pem_blocks(text))
    for kind, der in blocks:
        if kind != "CERTIFICATE":
            return f"only CERTIFICATE PEM blocks are allowed, found {go_quote(kind)}"
        try:
            x509.load_der_x509_certificate(der)
        except ValueError:
            return "x509: malformed certificate"
    return "" if blocks else "must contain one or more CERTIFICATE PEM blocks"


def _usages_errors(usages: list[str], before: list[str]) -> list[FieldError]:
    own = _SPEC.child("usages")
    errors = [] if usages else [required(own)]
    if set(before) <= set(_USAGES):
        errors += [not_supported(own.at(i), usage, _USAGES)
                   for i, usage in enumerate(usages) if usage not in _USAGES]
    if len(set(before)) == len(before):
        errors += [duplicate(own.at(i), usage)
                   for i, usage in enumerate(usages) if usage in usages[:i]]
    return errors


def _signer_errors(name: str, *, legacy: bool) -> list[FieldError]:
    path = _SPEC.child("signerName")
    if name == _LEGACY:
        return [] if legacy else [invalid(
            path, name, "the legacy signerName is not allowed via this API version")]
    return signer_name_errors(name, path)


def signer_name_errors(name: str, path: Path) -> list[FieldError]:
    """What is wrong with `example.com/signer` (ValidateSignerName)."""
    if not name:
        return [required(path)]
    domain, _, rest = name.partition("/")
    if name.count("/") != 1:
        return [invalid(path, name, "must be a fully qualified domain and path of the form "
                        "'example.com/signer-name'")]
    errors = [too_long(path, _LONGEST_DOMAIN)] if len(domain) > _LONGEST_DOMAIN else []
    labels = domain.split(".")
    errors += _first_errors(labels, domain, path, strict=True)
    if len(labels) < 2:
        errors.append(invalid(path, domain, "should be a domain with at least two segments "
                              "separated by dots"))
    errors += _first_errors(rest.split("."), rest, path, strict=False)
    return [*errors, too_long(path, _LONGEST_SIGNER)] if len(name) > _LONGEST_SIGNER else errors


def _first_errors(labels: list[str], whole: str, path: Path, *, strict: bool) -> list[FieldError]:
    """What is wrong with the first bad label."""
    for label in labels:
        wrong = is_dns1123_label(label) if strict else is_dns1123_subdomain(label)
        if wrong:
            return [invalid(path, whole, f"validating label {go_quote(label)}: {text}")
                    for text in wrong]
    return []


def _conditions_errors(conditions: Sequence[Object]) -> list[FieldError]:
    errors: list[FieldError] = []
    kinds = [c.get("type") or "" for c in conditions]
    for i, kind in enumerate(kinds):
        path, status = _CONDITIONS.at(i), conditions[i].get("status") or ""
        allowed = ("True",) if kind in _FINAL else _STATUSES
        if not kind:
            errors.append(required(path.child("type")))
        if not status:
            errors.append(required(path.child("status")))
        elif status not in allowed:
            errors.append(not_supported(path.child("status"), status, allowed))
        if kind in _DECISIONS and set(kinds[:i]) & (set(_DECISIONS) - {kind}):
            errors.append(invalid(_CONDITIONS, kind, "Approved and Denied conditions are mutually "
                                  "exclusive"))
        if kind in kinds[:i]:
            errors.append(duplicate(path.child("type"), kind))
    return errors
