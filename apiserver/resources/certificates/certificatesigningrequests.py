"""CertificateSigningRequests. Models pkg/registry/certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from apiserver.machinery.clock import rfc3339
from apiserver.resource import Resource
from apiserver.resources.certificates.request_validation import change_errors, request_errors
from apiserver.resources.printing import AGE, NAME, NONE, dig, field, human_duration, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.machinery.validation import FieldError



class CertificateSigningRequestStrategy(Strategy):
    """A wish for a certificate."""

    resets: ClassVar = {"": ("spec", "status"), "status": ("spec", "status.conditions"),
              "approval": ("spec", "status.certificate")}

    has_generation = False
    name_rule = "pathsegment"
    revalidates_metadata = True

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
        """Also through `approval`, which changes the conditions and no more."""
        obj["spec"] = old["spec"]
        if ctx.subresource == "approval":
            given = (obj.get("status") or {}).get("conditions")
            obj["status"] = {**(old.get("status") or {}), "conditions": given or []}
            _stamp(obj, old, ctx.now)

    def prepare_status_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        for kind in ("Approved", "Denied"):
            _preserve(obj, old, kind)
        _stamp(obj, old, ctx.now)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return request_errors(obj, None)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return request_errors(obj, old) + change_errors(obj, old, ctx.subresource)

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        return self.validate_update(ctx, obj, old)

    def fields(self, obj: Object) -> dict[str, str]:
        return {"spec.signerName": dig(obj, "spec", "signerName") or ""}


def _preserve(obj: Object, old: Object, kind: str) -> None:
    """Conditions that are there already are written as they were (preserveConditionInstances)."""
    had = [c for c in dig(old, "status", "conditions") or () if c.get("type") == kind]
    conditions = dig(obj, "status", "conditions") or []
    places = [i for i, c in enumerate(conditions) if c.get("type") == kind]
    for i, condition in zip(places, had, strict=False):
        conditions[i] = dict(condition)


def _stamp(obj: Object, old: Object, now: float) -> None:
    """Times of conditions that a client leaves out (populateConditionTimestamps)."""
    before = {(c.get("type"), c.get("status")): c.get("lastTransitionTime")
              for c in dig(old, "status", "conditions") or ()}
    for condition in dig(obj, "status", "conditions") or ():
        key = condition.get("type"), condition.get("status")
        if not condition.get("lastUpdateTime"):
            condition["lastUpdateTime"] = rfc3339(now)
        if not condition.get("lastTransitionTime"):
            condition["lastTransitionTime"] = before.get(key) or rfc3339(now)


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
