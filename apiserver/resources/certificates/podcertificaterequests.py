"""PodCertificateRequests (1.37): a kubelet asks for a Pod's certificate. Models
pkg/registry/certificates/podcertificaterequest.

Who may sign is asked by admission (admission/certificates.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.clock import rfc3339
from apiserver.machinery.validation import FieldError, Path, immutable
from apiserver.resource import Resource
from apiserver.resources.certificates.issued_validation import status_errors
from apiserver.resources.certificates.pod_request_validation import CONDITIONS, request_errors
from apiserver.resources.printing import NAME, dig, field, named
from apiserver.strategy import RESETS_WITH_METADATA, Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_A_DAY: Final = 86400


class PodCertificateRequestStrategy(Strategy):
    """A wish that is answered once."""

    resets = RESETS_WITH_METADATA
    unconditional_update = False
    has_generation = False

    def default(self, obj: Object) -> None:
        spec = obj.get("spec")
        if spec is not None and spec.get("maxExpirationSeconds") is None:
            spec["maxExpirationSeconds"] = _A_DAY

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {}

    def prepare_status_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """What was said stays as it was said; new conditions are dated."""
        conditions = dig(obj, "status", "conditions") or []
        before = dig(old, "status", "conditions") or []
        for kind in CONDITIONS:
            had = [c for c in before if c.get("type") == kind]
            places = [i for i, c in enumerate(conditions) if c.get("type") == kind]
            if len(places) == len(had):
                for i, condition in zip(places, had, strict=True):
                    conditions[i] = dict(condition)
        for condition in conditions:
            if not condition.get("lastTransitionTime"):
                condition["lastTransitionTime"] = rfc3339(ctx.now)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return request_errors(obj.get("spec") or {})

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return immutable(Path("spec"), obj.get("spec"), old.get("spec"))

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        return status_errors(obj, old, ctx.now)

    def fields(self, obj: Object) -> dict[str, str]:
        return {f"spec.{name}": dig(obj, "spec", name) or ""
                for name in ("signerName", "podName", "nodeName")}


def _state(obj: Object, now: float) -> str:
    kinds = [c.get("type") for c in dig(obj, "status", "conditions") or ()]
    return next((kind for kind in CONDITIONS if kind in kinds), "Pending")


PODCERTIFICATEREQUESTS = Resource(
    group="certificates.k8s.io", version="v1", kind="PodCertificateRequest",
    plural="podcertificaterequests", strategy=PodCertificateRequestStrategy(), status=True,
    columns=(
        NAME,
        named("PodName", field("spec", "podName"), "For which Pod."),
        named("ServiceAccountName", field("spec", "serviceAccountName"), "As whom it runs."),
        named("NodeName", field("spec", "nodeName"), "On which node."),
        named("SignerName", field("spec", "signerName"), "Who shall sign."),
        named("State", _state, "What became of it.")))
