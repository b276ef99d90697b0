"""What is wrong with a new PodCertificateRequest. Models pkg/apis/certificates/validation.

The words about `stubPKCS10Request` follow those about the fields that it replaced; all else is
upstream's.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.names import is_dns1123_subdomain, is_qualified_name
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    invalid,
    required,
    too_long,
)
from apiserver.resources.certificates.request_validation import signer_name_errors

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

CONDITIONS: Final = ("Issued", "Denied", "Failed")
"""What ends a request; nothing else is said of one."""
_SPEC: Final = Path("spec")
_REQUEST: Final = _SPEC.child("stubPKCS10Request")
_ANNOTATIONS: Final = _SPEC.child("unverifiedUserAnnotations")
_SHORTEST: Final = 3600
_LONGEST: Final = 91 * 86400
_LONGEST_KUBERNETES: Final = 86400
_LONGEST_UID: Final = 128
_LARGEST_REQUEST: Final = 10 * 1024
_LARGEST_ANNOTATIONS: Final = 256 * 1024
_CURVES: Final = ("secp256r1", "secp384r1", "secp521r1")
_MODULI: Final = (3072, 4096)


def request_errors(spec: Object) -> list[FieldError]:
    """What is wrong with a PodCertificateRequestSpec."""
    errors = signer_name_errors(spec.get("signerName") or "", _SPEC.child("signerName"))
    errors += _annotation_errors(spec.get("unverifiedUserAnnotations") or {})
    for whose in ("pod", "serviceAccount", "node"):
        name, uid = spec.get(f"{whose}Name") or "", spec.get(f"{whose}UID") or ""
        own = _SPEC.child(f"{whose}UID")
        errors += all_invalid(_SPEC.child(f"{whose}Name"), name, is_dns1123_subdomain(name))
        if not uid:
            errors.append(invalid(own, uid, "must not be empty"))
        if len(uid.encode()) > _LONGEST_UID:
            errors.append(too_long(own, _LONGEST_UID))
    seconds = spec.get("maxExpirationSeconds")
    if seconds is None:
        return [*errors, required(_SPEC.child("maxExpirationSeconds"), "must be set")]
    most = _LONGEST_KUBERNETES if _is_kubernetes(spec.get("signerName") or "") else _LONGEST
    if not _SHORTEST <= seconds <= most:
        errors.append(invalid(_SPEC.child("maxExpirationSeconds"), seconds,
                              f"must be in the range [{_SHORTEST}, {most}]"))
    return errors + _csr_errors(spec.get("stubPKCS10Request") or "")


def _is_kubernetes(signer: str) -> bool:
    host = signer.partition("/")[0]
    return host == "kubernetes.io" or host.endswith(".kubernetes.io")


def _annotation_errors(annotations: dict[str, str]) -> list[FieldError]:
    """As metadata.annotations, but that every key has a domain."""
    errors: list[FieldError] = []
    for key in annotations:
        wrong = list(is_qualified_name(key.lower()))
        if not wrong and "/" not in key:
            wrong = ['must be a domain-prefixed key (such as "acme.io/foo")']
        errors += all_invalid(_ANNOTATIONS, key, wrong)
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > _LARGEST_ANNOTATIONS:
        errors.append(too_long(_ANNOTATIONS, _LARGEST_ANNOTATIONS))
    return errors


def decoded(text: str) -> bytes:
    """The bytes of a base64 field that the decoder has seen already."""
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""


def _csr_errors(text: str) -> list[FieldError]:
    der = decoded(text)
    if len(der) > _LARGEST_REQUEST:
        return [too_long(_REQUEST, _LARGEST_REQUEST)]
    # Loaded here: a server without requests starts without it.
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    try:
        request = x509.load_der_x509_csr(der)
        key = request.public_key()
        signed = request.is_signature_valid
    except ValueError:
        return [invalid(_REQUEST, text, "must be a valid PKCS#10 certificate signing request")]
    except (InvalidSignature, UnsupportedAlgorithm):
        signed, key = False, None
    if not signed:
        return [FieldError("FieldValueInvalid", _REQUEST,
                           detail="could not verify the signature of the request")]
    return _key_errors(key)


def _key_errors(key: Any) -> list[FieldError]:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    if isinstance(key, ed25519.Ed25519PublicKey):
        return []
    if isinstance(key, ec.EllipticCurvePublicKey):
        name = key.curve.name
        return [] if name in _CURVES else [
            invalid(_REQUEST, f"curve {name}", "elliptic public keys must use curve P256 or P384")]
    if isinstance(key, rsa.RSAPublicKey):
        return [] if key.key_size in _MODULI else [
            invalid(_REQUEST, f"{key.key_size}-bit modulus",
                    "RSA keys must have modulus size 3072 or 4096")]
    return [FieldError("FieldValueInvalid", _REQUEST, detail="unknown public key type; supported "
                       "types are Ed25519, ECDSA, and RSA")]
