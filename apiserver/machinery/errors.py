"""API failures, each a class that knows its code and reason. Models apimachinery/pkg/api/errors.

Raised by the registry, admission and both clients; one place turns them into `metav1.Status`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object
    from apiserver.machinery.validation import FieldError


class ApiError(Exception):
    """A failed request: `message`, `details` and the class's `code`, `reason` make the Status."""

    continue_token = ""
    """Expired: where to go on, inconsistently (the Status's metadata.continue)."""

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"

    def __init__(self, message: str, *, details: Object | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def status(self) -> Object:
        """The metav1.Status that a client gets."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": self.continue_token} if self.continue_token else {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        status["code"] = self.code
        return status


class BadRequest(ApiError):
    """400: the request cannot be understood."""

    code = 400
    reason = "BadRequest"


class Unauthorized(ApiError):
    """401: no valid credentials."""

    code = 401
    reason = "Unauthorized"

    def __init__(self, message: str = "Unauthorized", *, details: Object | None = None) -> None:
        super().__init__(message, details=details)


class Forbidden(ApiError):
    """403: known, but not allowed."""

    code = 403
    reason = "Forbidden"

    @classmethod
    def object(cls, group: str, resource: str, name: str, why: str, *,
               causes: Sequence[Object] = ()) -> Forbidden:
        """`pods "web" is forbidden: WHY`; without a name `pods is forbidden: WHY`."""
        details = _details(group, resource, name)
        if causes:
            details["causes"] = list(causes)
        subject = _qualified(group, resource)
        if name:
            subject = f"{subject} {_quote(name)}"
        else:
            del details["name"]
        return cls(f"{subject} is forbidden: {why}", details=details)


class NotFound(ApiError):
    """404: no such object, or no such resource."""

    code = 404
    reason = "NotFound"

    @classmethod
    def object(cls, group: str, resource: str, name: str) -> NotFound:
        """`pods "web" not found`."""
        return cls(f"{_qualified(group, resource)} {_quote(name)} not found",
                   details=_details(group, resource, name))


class MethodNotAllowed(ApiError):
    """405: the resource has no such verb."""

    code = 405
    reason = "MethodNotAllowed"


class NotAcceptable(ApiError):
    """406: none of the accepted media types can be served."""

    code = 406
    reason = "NotAcceptable"


class AlreadyExists(ApiError):
    """409: an object of that name exists."""

    code = 409
    reason = "AlreadyExists"

    @classmethod
    def object(cls, group: str, resource: str, name: str) -> AlreadyExists:
        """`pods "web" already exists`."""
        return cls(f"{_qualified(group, resource)} {_quote(name)} already exists",
                   details=_details(group, resource, name))


class Conflict(ApiError):
    """409: the object has changed, or a precondition does not hold."""

    code = 409
    reason = "Conflict"

    @classmethod
    def object(cls, group: str, resource: str, name: str, why: str) -> Conflict:
        """`Operation cannot be fulfilled on pods "web": WHY`."""
        return cls(
            f"Operation cannot be fulfilled on {_qualified(group, resource)} {_quote(name)}: {why}",
            details=_details(group, resource, name))


class Gone(ApiError):
    """410: gone for good."""

    code = 410
    reason = "Gone"


class Expired(ApiError):
    """410: the resource version or continue token is older than the kept history."""

    code = 410
    reason = "Expired"


class RequestEntityTooLarge(ApiError):
    """413: the body is over the limit."""

    code = 413
    reason = "RequestEntityTooLarge"


class UnsupportedMediaType(ApiError):
    """415: the body's media type cannot be read."""

    code = 415
    reason = "UnsupportedMediaType"


class Invalid(ApiError):
    """422: validation failed; `errors` has one entry per field."""

    code = 422
    reason = "Invalid"

    def __init__(self, message: str, *, details: Object | None = None,
                 errors: Sequence[FieldError] = ()) -> None:
        super().__init__(message, details=details)
        self.errors = tuple(errors)

    @classmethod
    def object(cls, group: str, kind: str, name: str, errors: Sequence[FieldError]) -> Invalid:
        """`Service "web" is invalid: spec.ports: Required value`."""
        details: dict[str, Any] = {}
        if name:
            details["name"] = name
        if group:
            details["group"] = group
        details["kind"] = kind
        details["causes"] = [error.cause() for error in errors]
        subject = f"{kind}.{group}" if group else kind
        return cls(f"{subject} {_quote(name)} is invalid: {aggregate(errors)}",
                   details=details, errors=errors)


class TooManyRequests(ApiError):
    """429: try again later."""

    code = 429
    reason = "TooManyRequests"


class InternalError(ApiError):
    """500: the server's own failure, or a refusal that upstream answers with 500."""

    code = 500
    reason = "InternalError"


class Unknown(ApiError):
    """500 without a reason: how upstream answers with an error that is no Status."""

    code = 500
    reason = ""


class ServiceUnavailable(ApiError):
    """503: cannot be served at the moment."""

    code = 503
    reason = "ServiceUnavailable"


class Timeout(ApiError):
    """504: not finished in time."""

    code = 504
    reason = "Timeout"


def _qualified(group: str, resource: str) -> str:
    return f"{resource}.{group}" if group else resource


def _details(group: str, resource: str, name: str) -> Object:
    details: dict[str, Any] = {"name": name}
    if group:
        details["group"] = group
    details["kind"] = resource
    return details


def _quote(text: str) -> str:
    from apiserver.machinery.validation import go_quote

    return go_quote(text)


def aggregate(errors: Sequence[FieldError]) -> str:
    """utilerrors.NewAggregate: one message bare, several distinct ones in brackets."""
    messages = list(dict.fromkeys(str(error) for error in errors))
    return messages[0] if len(messages) == 1 else "[" + ", ".join(messages) + "]"
