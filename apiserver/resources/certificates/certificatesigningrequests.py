"""CertificateSigningRequests. Models pkg/registry/certificates."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery.names import is_domain_prefixed_path
from apiserver.machinery.validation import FieldError, Path, invalid, required
from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, NONE, dig, field, human_duration, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_SHORTEST: Final = 600
_BEGIN: Final = b"-----BEGIN CERTIFICATE REQUEST-----"


class CertificateSigningRequestStrategy(Strategy):
    """A wish for a certificate."""

    resets: ClassVar = {"": ("spec", "status"), "status": ("spec", "status.conditions"),
              "approval": ("spec", "status.certificate")}

    has_generation = False

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        for name in ("username", "uid", "groups", "extra"):
            spec.pop(name, None)
        user = ctx.user
        spec["username"] = user.name
        if user.uid:
            spec["uid"] = user.uid
        if user.groups:
            spec["groups"] = list(user.groups)
        if user.extra:
            spec["extra"] = {key: list(values) for key, values in user.extra}
        obj["status"] = {}

    def prepare_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        obj["spec"] = old["spec"]

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or {}
        errors: list[FieldError] = []
        error = _request_error(spec.get("request") or "")
        if error:
            errors.append(invalid(_SPEC.child("request"), spec.get("request") or "", error))
        if not spec.get("usages"):
            errors.append(required(_SPEC.child("usages")))
        signer, path = spec.get("signerName") or "", _SPEC.child("signerName")
        if not signer:
            errors.append(required(path))
        else:
            errors += [invalid(path, part, text)
                       for part, text in is_domain_prefixed_path(signer)]
        seconds = spec.get("expirationSeconds")
        if seconds is not None and seconds < _SHORTEST:
            errors.append(invalid(_SPEC.child("expirationSeconds"), seconds,
                                  f"may not specify a duration less than {_SHORTEST} seconds "
                                  f"({_SHORTEST // 60} minutes)"))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return []

    def fields(self, obj: Object) -> dict[str, str]:
        return {"spec.signerName": dig(obj, "spec", "signerName") or ""}


def _request_error(request: str) -> str:
    try:
        text = base64.b64decode(request)
    except ValueError:
        text = b""
    return "" if _BEGIN in text else "PEM block type must be CERTIFICATE REQUEST"


def _duration(obj: Object, now: float) -> str:
    seconds = dig(obj, "spec", "expirationSeconds")
    return NONE if seconds is None else human_duration(seconds)


def _condition(obj: Object, now: float) -> str:
    kinds = {c.get("type") for c in dig(obj, "status", "conditions") or ()}
    text = "Pending"
    if "Denied" in kinds:
        text = "Denied"
    elif "Approved" in kinds:
        text = "Approved"
    if "Failed" in kinds:
        text += ",Failed"
    return text + ",Issued" if dig(obj, "status", "certificate") else text


CERTIFICATESIGNINGREQUESTS = Resource(
    group="certificates.k8s.io", version="v1", kind="CertificateSigningRequest",
    plural="certificatesigningrequests", short_names=("csr",), namespaced=False,
    strategy=CertificateSigningRequestStrategy(), status=True, subresources=("approval",),
    columns=(
        NAME,
        AGE,
        named("SignerName", field("spec", "signerName"), "Who shall sign."),
        named("Requestor", field("spec", "username"), "Who asks."),
        named("RequestedDuration", _duration, "For how long."),
        named("Condition", _condition, "What became of it.")))
