"""Questions to webhooks and their answers: AdmissionReview v1. Models
apiserver/pkg/admission/plugin/webhook/request.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from apiserver.machinery.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.admission.asked import Asked
    from apiserver.machinery.types import Object

_VERSION: Final = "admission.k8s.io/v1"
_LEAST_CODE: Final = 400


class BadAnswer(Exception):
    """An answer that is no AdmissionReview, in upstream's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a webhook says."""

    allowed: bool
    result: Object | None
    patch: list[Any]
    warnings: tuple[str, ...]
    annotations: Mapping[str, str]


def question(asked: Asked, uid: str) -> bytes:
    """The body of the request to a webhook."""
    return orjson.dumps({"kind": "AdmissionReview", "apiVersion": _VERSION,
                         "request": asked.request(uid)})


def read_answer(body: bytes, uid: str, *, mutating: bool) -> Verdict:
    """A webhook's answer. Raises BadAnswer (VerifyAdmissionResponse)."""
    try:
        review = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadAnswer(f"failed to decode the answer: {error}") from None
    if not isinstance(review, dict) or not isinstance(review.get("response"), dict):
        raise BadAnswer("webhook response was absent")
    _check_type(review)
    response = review["response"]
    if (own := response.get("uid") or "") != uid:
        raise BadAnswer(f'expected response.uid="{uid}", got "{own}"')
    return Verdict(
        allowed=bool(response.get("allowed")), result=response.get("status"),
        patch=_patch(response) if mutating else [],
        warnings=tuple(str(each) for each in response.get("warnings") or ()),
        annotations=response.get("auditAnnotations") or {})


def _check_type(review: Object) -> None:
    own = (review.get("apiVersion") or "", review.get("kind") or "")
    if own != (_VERSION, "AdmissionReview"):
        raise BadAnswer(f"expected webhook response of {_VERSION}, Kind=AdmissionReview, got"
                        f" {own[0]}, Kind={own[1]}")


def _patch(response: Object) -> list[Any]:
    text, kind = response.get("patch"), response.get("patchType")
    if not text:
        if kind is not None:
            raise BadAnswer("webhook returned response.patchType but not response.patch")
        return []
    if kind is None:
        raise BadAnswer("webhook returned response.patch but not response.patchType")
    if kind != "JSONPatch":
        raise BadAnswer(f'webhook returned invalid response.patchType of "{kind}"')
    try:
        patch = orjson.loads(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error) as error:
        raise BadAnswer(f"failed to decode the patch: {error}") from None
    return patch if isinstance(patch, list) else [patch]


def denial(name: str, result: Object | None) -> ApiError:
    """The refusal of a webhook, as the client gets it (ToStatusErr)."""
    status = dict(result or {})
    start = f'admission webhook "{name}" denied the request'
    said = status.get("message") or status.get("reason")
    message = f"{start}: {said}" if said else f"{start} without explanation"
    code = max(int(status.get("code") or 0), _LEAST_CODE)
    return refusal(code, status.get("reason") or "", message, status.get("details"))


def refusal(code: int, reason: str, message: str, details: Object | None = None) -> ApiError:
    """An error of any code and reason."""
    kind = type("Refusal", (ApiError,), {"code": code, "reason": reason,
                                         "__doc__": "What somebody else refused."})
    error: ApiError = kind(message, details=details)
    return error
