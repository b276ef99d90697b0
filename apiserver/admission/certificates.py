"""Who may approve and sign which certificates. Models plugin/pkg/admission/certificates."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.admission.chain import AdmissionStep, Operation, refuse
from apiserver.authorization.attributes import Attributes
from apiserver.machinery import meta
from apiserver.machinery.errors import Invalid
from apiserver.machinery.validation import forbidden, go_quote, same

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

_CLIENT_SIGNER: Final = "kubernetes.io/kube-apiserver-client"
_MASTERS: Final = "system:masters"
_GROUP: Final = "certificates.k8s.io"
_COLLECTED: Final = frozenset({"finalizers", "ownerReferences", "managedFields",
                               "resourceVersion"})


class _CertificateStep(AdmissionStep):
    """A step about what is signed."""

    _registry: Registry

    def connect(self, registry: Registry) -> None:
        """The registry knows the authorizer."""
        self._registry = registry

    def may(self, ctx: RequestContext, verb: str, signer: str) -> bool:
        """Whether the user may `approve`, `sign` or `attest` for a signer or all of its domain."""
        names = (signer, f"{signer.split('/', 1)[0]}/*")
        return any(self._registry.decide(Attributes(
            user=ctx.user, verb=verb, group=_GROUP, version="*", resource="signers",
            name=name)).allowed for name in names)


def _is_request(ctx: RequestContext, plural: str = "certificatesigningrequests") -> bool:
    return ctx.resource.plural == plural and ctx.resource.group == _GROUP


def _signer(obj: Object) -> str:
    return (obj.get("spec") or {}).get("signerName") or ""


class CertificateApproval(_CertificateStep):
    """Only who may approve for a signer approves."""

    plugin: ClassVar[str] = "CertificateApproval"
    operations: ClassVar[tuple[Operation, ...]] = ("UPDATE",)

    async def validate(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden."""
        if not _is_request(ctx) or ctx.subresource != "approval" or old is None:
            return
        if not self.may(ctx, "approve", _signer(old)):
            raise refuse(ctx, ctx.name, "user not permitted to approve requests with signerName"
                         f' "{_signer(old)}"')


class CertificateSigning(_CertificateStep):
    """Only who may sign for a signer sets certificates."""

    plugin: ClassVar[str] = "CertificateSigning"
    operations: ClassVar[tuple[Operation, ...]] = ("UPDATE",)

    async def validate(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden."""
        if not _is_request(ctx) or ctx.subresource != "status" or old is None or obj is None:
            return
        status, before = obj.get("status") or {}, old.get("status") or {}
        if status.get("certificate") == before.get("certificate"):
            return
        if not self.may(ctx, "sign", _signer(old)):
            raise refuse(ctx, ctx.name, "user not permitted to sign requests with signerName"
                         f' "{_signer(old)}"')


class PodCertificateSigning(_CertificateStep):
    """The same for PodCertificateRequests; upstream asks as the last part of validation."""

    operations: ClassVar[tuple[Operation, ...]] = ("UPDATE",)

    async def validate(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises Invalid."""
        if (not _is_request(ctx, "podcertificaterequests") or ctx.subresource != "status"
                or old is None or obj is None):
            return
        chain, before = ((o.get("status") or {}).get("certificateChain") for o in (obj, old))
        signer = _signer(old)
        if (chain or "") != (before or "") and not self.may(ctx, "sign", signer):
            raise Invalid.object(_GROUP, ctx.resource.kind, ctx.name, [forbidden(
                "spec.signerName", f"User {go_quote(ctx.user.name)} is not permitted to \"sign\" "
                f"for signer {go_quote(signer)}")])


class TrustBundleAttest(_CertificateStep):
    """Only who may attest for a signer says by what it is trusted (ClusterTrustBundleAttest)."""

    async def validate(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden."""
        if not _is_request(ctx, "clustertrustbundles") or obj is None:
            return
        signer = _signer(obj)
        if not signer or (old is not None and _is_only_collected(obj, old)):
            return
        if not self.may(ctx, "attest", signer):
            raise refuse(ctx, ctx.name or meta.name(obj), "user not permitted to attest for "
                         f"signerName {go_quote(signer)}")


def _is_only_collected(obj: Object, old: Object) -> bool:
    """Whether nothing differs but what garbage collection writes (rbac.IsOnlyMutatingGCFields)."""
    new, before = ({**o, "metadata": {
        name: value for name, value in o["metadata"].items()
        if name not in _COLLECTED}} for o in (obj, old))
    return same(new, before)


class CertificateSubjects(_CertificateStep):
    """Nobody gets a client certificate for system:masters."""

    plugin: ClassVar[str] = "CertificateSubjectRestriction"
    operations: ClassVar[tuple[Operation, ...]] = ("CREATE",)

    async def validate(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden."""
        if not _is_request(ctx) or ctx.subresource or obj is None:
            return
        if _signer(obj) == _CLIENT_SIGNER and _MASTERS in _organizations(obj):
            raise refuse(ctx, ctx.name, f"use of {_CLIENT_SIGNER} signer with {_MASTERS} group is"
                         " not allowed")


def _organizations(obj: Object) -> list[str]:
    """The groups of the requested subject; none when the request cannot be read (validation said
    so before)."""
    from cryptography import x509

    try:
        text = base64.b64decode((obj.get("spec") or {}).get("request") or "")
        subject = x509.load_pem_x509_csr(text).subject
    except (ValueError, binascii.Error):
        return []
    names = subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
    return [str(name.value) for name in names]
