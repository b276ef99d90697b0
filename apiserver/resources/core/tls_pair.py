"""Whether a certificate and a key belong together, in the words of Go's tls.X509KeyPair (which
pkg/registry/core/secret asks to warn about Secrets of the type kubernetes.io/tls).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK: Final = re.compile(
    rb"-----BEGIN ([^\n-]*)-----\r?\n(.*?)-----END \1-----", re.DOTALL)
_CERTIFICATE: Final = "CERTIFICATE"
_KEY: Final = "PRIVATE KEY"


def pair_complaint(certificate: bytes, key: bytes) -> str:
    """What is wrong with the pair; '' for nothing."""
    blocks, keys = list(pem_blocks(certificate)), list(pem_blocks(key))
    chain = [der for kind, der in blocks if kind == _CERTIFICATE]
    if not chain:
        return _no_certificate([kind for kind, _ in blocks])
    found = [der for kind, der in keys if kind == _KEY or kind.endswith(f" {_KEY}")]
    if not found:
        return _no_key([kind for kind, _ in keys])
    return _mismatch(chain[0], found[0])


class PemBlock(NamedTuple):
    """One block of a PEM file."""

    kind: str
    der: bytes
    headed: bool
    """Whether lines of `Name: value` stand before the contents."""


def pem_blocks(text: bytes) -> Iterator[tuple[str, bytes]]:
    """The kind and the contents of each block of a PEM file; what is no block is skipped."""
    return ((block.kind, block.der) for block in pem_entries(text))


def pem_entries(text: bytes) -> Iterator[PemBlock]:
    """The same, with what else a block has."""
    for kind, body in _BLOCK.findall(text):
        lines = [line for line in body.splitlines() if b":" not in line]
        headed = len(lines) < len(body.splitlines())
        try:
            yield PemBlock(kind.decode(errors="replace"),
                           base64.b64decode(b"".join(lines), validate=True), headed)
        except binascii.Error:
            continue


def _listed(kinds: list[str]) -> str:
    return f"[{' '.join(kinds)}]"


def _no_certificate(kinds: list[str]) -> str:
    if not kinds:
        return "tls: failed to find any PEM data in certificate input"
    if len(kinds) == 1 and kinds[0].endswith(_KEY):
        return ("tls: failed to find certificate PEM data in certificate input, but did find a "
                "private key; PEM inputs may have been switched")
    return ('tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM '
            f"blocks of the following types: {_listed(kinds)}")


def _no_key(kinds: list[str]) -> str:
    if not kinds:
        return "tls: failed to find any PEM data in key input"
    if kinds == [_CERTIFICATE]:
        return "tls: found a certificate rather than a key in the PEM for the private key"
    return ('tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after '
            f"skipping PEM blocks of the following types: {_listed(kinds)}")


def _mismatch(certificate: bytes, key: bytes) -> str:
    # Loaded here: a server without such Secrets starts without it.
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import (
        load_der_private_key,
    )
    try:
        public = x509.load_der_x509_certificate(certificate).public_key()
    except ValueError:
        return "x509: malformed certificate"
    try:
        own = load_der_private_key(key, None).public_key()
    except (ValueError, TypeError):
        return "tls: failed to parse private key"
    if type(public) is not type(own):
        return "tls: private key type does not match public key type"
    return "" if public == own else "tls: private key does not match public key"
