"""ClusterTrustBundles (1.37): certificates of authorities, for everybody to read. Models
pkg/registry/certificates/clustertrustbundle and its validation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_dns1123_subdomain, mask_trailing_dash
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    immutable,
    invalid,
    too_long,
)
from apiserver.resource import Resource
from apiserver.resources.certificates.request_validation import signer_name_errors
from apiserver.resources.core.tls_pair import PemBlock, pem_entries
from apiserver.resources.printing import NAME, NONE, dig, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_SIGNER: Final = Path("spec.signerName")
_BUNDLE: Final = Path("spec.trustBundle")
_OMITTED: Final = "<value omitted>"
_MOST: Final = 1024 * 1024


class ClusterTrustBundleStrategy(Strategy):
    """What a signer, or nobody in particular, is trusted by."""

    name_rule = "pathsegment"  # and `_name_errors`: a signer's bundles have its name in theirs
    unconditional_update = False
    has_generation = False
    revalidates_metadata = True

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return _own_errors(obj) + _bundle_errors(dig(obj, "spec", "trustBundle") or "")

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """A bundle that has not changed is not looked into: what was right stays so."""
        new, before = ((o.get("spec") or {}) for o in (obj, old))
        errors = _own_errors(obj)
        if new.get("trustBundle") != before.get("trustBundle"):
            errors += _bundle_errors(new.get("trustBundle") or "")
        return errors + immutable(_SIGNER, new.get("signerName") or "",
                                  before.get("signerName") or "")

    def fields(self, obj: Object) -> dict[str, str]:
        return {"spec.signerName": dig(obj, "spec", "signerName") or ""}


def _own_errors(obj: Object) -> list[FieldError]:
    signer, meta = dig(obj, "spec", "signerName") or "", obj.get("metadata") or {}
    errors: list[FieldError] = []
    if prefix := meta.get("generateName"):
        errors += all_invalid("metadata.generateName", prefix,
                              _name_errors(prefix, signer, prefix=True))
    if name := meta.get("name"):
        errors += all_invalid("metadata.name", name, _name_errors(name, signer, prefix=False))
    return errors + (signer_name_errors(signer, _SIGNER) if signer else [])


def _name_errors(name: str, signer: str, *, prefix: bool) -> list[str]:
    """`example.com:foo:NAME` for the signer example.com/foo (ValidateClusterTrustBundleName)."""
    start = signer.replace("/", ":") + ":" if signer else ""
    if not signer and ":" in name:
        return ['ClusterTrustBundle without signer name must not have ":" in its name']
    if not name.startswith(start):
        return [f"ClusterTrustBundle for signerName {signer} must be named with prefix {start}"]
    rest = name.removeprefix(start)
    return list(is_dns1123_subdomain(mask_trailing_dash(rest) if prefix else rest))


def _bundle_errors(text: str) -> list[FieldError]:
    """Certificates of authorities and nothing else, at least one, none twice."""
    raw = text.encode()
    if len(raw) > _MOST:
        return [too_long(_BUNDLE, _MOST)]
    blocks = list(pem_entries(raw))
    wrong = [f"entry {i} {text}" for i, block in enumerate(blocks)
             if (text := _entry_error(block))]
    if not wrong and not blocks:
        wrong = ["at least one trust anchor must be provided"]
    return [invalid(_BUNDLE, _OMITTED, text) for text in wrong or _duplicates(blocks)]


def _duplicates(blocks: list[PemBlock]) -> list[str]:
    places: dict[bytes, list[int]] = {}
    for i, block in enumerate(blocks):
        places.setdefault(block.der, []).append(i)
    return [f"duplicate trust anchor (indices [{' '.join(map(str, where))}])"
            for where in places.values() if len(where) > 1]


def _entry_error(block: PemBlock) -> str:
    if block.kind != "CERTIFICATE":
        return f"has bad block type: {block.kind}"
    if block.headed:
        return "has PEM block headers"
    # Loaded here: a server without bundles starts without it.
    from cryptography import x509
    try:
        extensions = x509.load_der_x509_certificate(block.der).extensions
        basic = extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return "does not have the CA bit set"
    except ValueError:
        return "does not parse as X.509"
    return "" if basic.ca else "does not have the CA bit set"


def _signer(obj: Object, now: float) -> str:
    return dig(obj, "spec", "signerName") or NONE


CLUSTERTRUSTBUNDLES = Resource(
    group="certificates.k8s.io", version="v1", kind="ClusterTrustBundle",
    plural="clustertrustbundles", namespaced=False, strategy=ClusterTrustBundleStrategy(),
    columns=(NAME, named("SignerName", _signer, "Whose certificates it vouches for.")))
