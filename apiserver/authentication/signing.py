"""The key that signs service accounts' tokens: P-256, ES256 (RFC 7515, 7517, 7518).

A kube-apiserver whose --service-account-signing-key-file is an EC key makes the same.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from apiserver import files
from apiserver.authentication.jwt import ALGORITHM, BadToken, claims_of, decode, encode

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from apiserver.machinery.types import Object

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""How many points the curve P-256 has: private keys are 1 to one less."""
_HALF: Final = 32
"""Bytes of each of the two numbers of a signature, and of a point's coordinates."""


class SigningKey:
    """A key that signs tokens and knows its own again."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        # Deterministic: the same key and claims give the same token (RFC 6979).
        self._sign = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)

    @classmethod
    def seeded(cls, chance: random.Random) -> SigningKey:
        """A key from the cluster's chance, for clusters that must be the same each time."""
        return cls(ec.derive_private_key(chance.randrange(1, _ORDER), ec.SECP256R1()))

    @classmethod
    def kept(cls, file: Path) -> SigningKey:
        """The key of a file, made there (readable by its owner) when it is missing.

        Raises OSError, ValueError.
        """
        if file.exists():
            key = serialization.load_pem_private_key(file.read_bytes(), None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise ValueError(f"{file} is not an EC key")
            return cls(key)
        key = ec.generate_private_key(ec.SECP256R1())
        files.replace(file, key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        return cls(key)

    @cached_property
    def id(self) -> str:
        """`kid`: the hash of the public key (serviceaccount.keyIDFromPublicKey)."""
        der = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return encode(hashlib.sha256(der).digest())

    def public(self) -> Object:
        """The public key as a JSON Web Key."""
        numbers = self._key.public_key().public_numbers()
        return {"use": "sig", "kty": "EC", "kid": self.id, "crv": "P-256", "alg": ALGORITHM,
                "x": encode(numbers.x.to_bytes(_HALF)), "y": encode(numbers.y.to_bytes(_HALF))}

    def sign(self, claims: Object) -> str:
        """The token that says `claims`."""
        text = f"{self._header}.{encode(orjson.dumps(claims))}"
        r, s = decode_dss_signature(self._key.sign(text.encode(), self._sign))
        return f"{text}.{encode(r.to_bytes(_HALF) + s.to_bytes(_HALF))}"

    def verify(self, token: str) -> Object:
        """The claims of a token that this key has signed. Raises BadToken."""
        header, _, rest = token.partition(".")
        payload, _, signature = rest.partition(".")
        if header != self._header:
            raise BadToken("the token was signed by another key")
        raw = decode(signature)
        if len(raw) != 2 * _HALF:
            raise BadToken("the signature has the wrong length")
        der = encode_dss_signature(int.from_bytes(raw[:_HALF]), int.from_bytes(raw[_HALF:]))
        try:
            self._key.public_key().verify(der, f"{header}.{payload}".encode(), self._sign)
        except InvalidSignature:
            raise BadToken("the signature does not fit") from None
        return claims_of(token)

    @cached_property
    def _header(self) -> str:
        return encode(orjson.dumps({"alg": ALGORITHM, "kid": self.id}))
