"""What is wrong with the answer to a PodCertificateRequest: it comes once, and its certificate is
what was asked for. Models pkg/apis/certificates/validation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.clock import parse_time, rfc3339
from apiserver.machinery.conditions import conditions_errors
from apiserver.machinery.validation import (
    FieldError,
    Path,
    invalid,
    not_supported,
    required,
    same,
    too_long,
)
from apiserver.resources.certificates.pod_request_validation import CONDITIONS, decoded
from apiserver.resources.core.tls_pair import pem_entries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cryptography import x509

    from apiserver.machinery.types import Object
    from apiserver.resources.core.tls_pair import PemBlock

_STATUS: Final = Path("status")
_CHAIN: Final = _STATUS.child("certificateChain")
_BEFORE: Final = _STATUS.child("notBefore")
_AFTER: Final = _STATUS.child("notAfter")
_REFRESH: Final = _STATUS.child("beginRefreshAt")
_CONSISTENT: Final = "must be present and consistent with the issued certificate"
_LARGEST_CHAIN: Final = 100 * 1024
_SKEW: Final = 300
_MARGIN: Final = 600
_SHORTEST: Final = 3600
_SECOND: Final = 10**9


def status_errors(obj: Object, old: Object, now: float) -> list[FieldError]:
    """What is wrong with a changed status; `now` in seconds since 1970."""
    status, before = obj.get("status") or {}, old.get("status") or {}
    conditions = status.get("conditions") or []
    errors = _kinds_errors(conditions)
    errors += conditions_errors(conditions, _STATUS.child("conditions"))
    if errors:
        return errors
    if _ends(before):
        return _unless(same(status, before),
                       "immutable after PodCertificateRequest is issued, denied, or failed")
    ends = _ends(status)
    if ends & {"Denied", "Failed"}:
        return _unless(same(status, {"conditions": conditions}),
                       "non-condition status fields must be empty when denying or failing the "
                       "PodCertificateRequest")
    if ends:
        return list(_first(_issued_errors(obj, now)))
    return _unless(same(status, before), 'status is immutable unless transitioning to "Issued", '
                   '"Denied", or "Failed"')


def _unless(right: bool, detail: str) -> list[FieldError]:
    return [] if right else [FieldError("FieldValueInvalid", _STATUS, detail=detail)]


def _ends(status: Object) -> set[str]:
    return {c["type"] for c in status.get("conditions") or ()
            if c.get("type") in CONDITIONS and c.get("status") == "True"}


def _kinds_errors(conditions: Sequence[Object]) -> list[FieldError]:
    errors: list[FieldError] = []
    known = 0
    for i, condition in enumerate(conditions):
        # Upstream makes this path of a child named `[0]`.
        path, kind = _STATUS.child("conditions", f"[{i}]"), condition.get("type") or ""
        if kind not in CONDITIONS:
            errors.append(not_supported(path.child("type"), kind, CONDITIONS))
            continue
        known += 1
        if known > 1:
            errors.append(invalid(path.child("type"), kind, 'There may be at most one condition '
                                  'with type "Issued", "Denied", or "Failed"'))
        if condition.get("status") != "True":
            errors.append(not_supported(path.child("status"), condition.get("status") or "",
                                        ("True",)))
    return errors


def _first(steps: Iterator[list[FieldError]]) -> list[FieldError]:
    """The complaints of the first step that has some."""
    return next((errors for errors in steps if errors), [])


def _issued_errors(obj: Object, now: float) -> Iterator[list[FieldError]]:
    status, spec = obj["status"], obj.get("spec") or {}
    chain = status.get("certificateChain") or ""
    raw = chain.encode()
    if len(raw) > _LARGEST_CHAIN:
        yield [too_long(_CHAIN, _LARGEST_CHAIN)]
    blocks = list(pem_entries(raw))
    if not blocks:
        yield [invalid(_CHAIN, chain, "issued certificate chain must contain at least one "
                       "certificate")]
    leaf = _certificate(blocks[0])
    if blocks[0].kind != "CERTIFICATE":
        yield [invalid(_CHAIN, chain, "issued certificate chain must consist entirely of "
                       "CERTIFICATE PEM blocks")]
    if leaf is None:
        yield [invalid(_CHAIN, chain, "leaf certificate does not parse as valid X.509")]
        return
    names = _name_errors(leaf)
    if not _is_for(leaf, spec):
        yield [*names, invalid(_CHAIN, chain, "leaf certificate was not issued to the requested "
                               "public key")]
    yield names + [required(_STATUS.child(name), text) for name, text in (
        ("notBefore", _CONSISTENT), ("notAfter", _CONSISTENT),
        ("beginRefreshAt", "must be present and in the range [notbefore+10min, notafter-10min]"))
        if not status.get(name)]
    yield from _time_errors(status, spec, leaf, now)
    for block in blocks[1:]:
        if block.kind != "CERTIFICATE":
            yield [invalid(_CHAIN, chain, "issued certificate chain must consist entirely of "
                           "CERTFICATE PEM blocks")]  # so upstream writes it
        if _certificate(block) is None:
            yield [invalid(_CHAIN, chain, "intermediate certificate does not parse as valid "
                           "X.509")]


def _certificate(block: PemBlock) -> x509.Certificate | None:
    from cryptography import x509
    try:
        return x509.load_der_x509_certificate(block.der)
    except ValueError:
        return None


def _name_errors(leaf: x509.Certificate) -> list[FieldError]:
    """Names that Go would encode but no verifier takes."""
    from cryptography import x509
    try:
        alternative = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    errors: list[FieldError] = []
    for name in alternative.get_values_for_type(x509.DNSName):
        if not name:
            errors.append(invalid(_CHAIN, name, "leaf certificate should not contain empty "
                                  "DNSName"))
        if ".." in name:
            errors.append(invalid(_CHAIN, name, "leaf certificate's DNSName should not contain "
                                  "'..'"))
        if name.startswith(".") or name.endswith("."):
            errors.append(invalid(_CHAIN, name, "leaf certificate's DNSName should not start or "
                                  "end with '.'"))
    return errors + [invalid(_CHAIN, name, "leaf certificate should not contain invalid "
                             "EmailAddress")
                     for name in alternative.get_values_for_type(x509.RFC822Name)
                     if not all(name.rpartition("@")[::2])]


def _is_for(leaf: x509.Certificate, spec: Object) -> bool:
    from cryptography import x509
    asked = x509.load_der_x509_csr(decoded(spec.get("stubPKCS10Request") or ""))
    return leaf.public_key() == asked.public_key()


def _time_errors(status: Object, spec: Object, leaf: x509.Certificate,
                 now: float) -> Iterator[list[FieldError]]:
    start, end, refresh = (parse_time(status[name])
                           for name in ("notBefore", "notAfter", "beginRefreshAt"))
    begins, ends = leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp()
    lifetime, most = ends - begins, spec.get("maxExpirationSeconds") or 0
    rules = (
        (start != begins, _BEFORE, rfc3339(start),
         "must be set to the NotBefore time encoded in the leaf certificate"),
        (abs(start - now) >= _SKEW, _BEFORE, rfc3339(start),
         "must be set to within 5 minutes of kube-apiserver's current time"),
        (end != ends, _AFTER, rfc3339(end),
         "must be set to the NotAfter time encoded in the leaf certificate"),
        (lifetime < _SHORTEST, _CHAIN, int(lifetime) * _SECOND,
         "leaf certificate lifetime must be >= 1 hour"),
        (lifetime > most, _CHAIN, int(lifetime) * _SECOND,
         f"leaf certificate lifetime must be <= spec.maxExpirationSeconds ({most})"),
        (refresh < start + _MARGIN, _REFRESH, rfc3339(refresh),
         "must be at least 10 minutes after status.notBefore"),
        (refresh > end - _MARGIN, _REFRESH, rfc3339(refresh),
         "must be at least 10 minutes before status.notAfter"))
    for broken, path, value, detail in rules:
        if broken:
            yield [invalid(path, value, detail)]
