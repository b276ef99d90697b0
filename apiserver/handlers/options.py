"""Query parameters into options, with upstream's complaints.

Models metav1's conversions of url.Values and apis/meta/{v1,internalversion}/validation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.errors import BadRequest, Invalid
from apiserver.machinery.validation import FieldError, forbidden, go_quote, not_supported
from apiserver.patch.managed_fields import manager_name
from apiserver.registry.options import ListOptions, WatchOptions
from apiserver.resources.metadata import field_manager_errors

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.handlers.request import Request

_META: Final = "meta.k8s.io"
_EXACT: Final = "Exact"
_NOT_OLDER: Final = "NotOlderThan"
_FIELD_VALIDATION: Final = ("", "Ignore", "Strict", "Warn")


def boolean(request: Request, name: str) -> bool:
    """`true`, `1`, or the bare name; `false`, `0` and absence are False."""
    values = request.query.get(name)
    return bool(values) and values[0].lower() not in ("false", "0") if values else False


def integer(request: Request, name: str) -> int | None:
    """A number; None when it is missing or empty. Raises BadRequest in strconv's words."""
    text = request.parameter(name)
    if not text:
        return None
    digits = text[1:] if text[0] in "+-" else text
    if not (digits.isascii() and digits.isdigit()):
        raise BadRequest(f"strconv.ParseInt: parsing {go_quote(text)}: invalid syntax")
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise BadRequest(f"strconv.ParseInt: parsing {go_quote(text)}: value out of range")
    return value


def list_options(request: Request) -> ListOptions:
    """Raises BadRequest, Invalid."""
    options = ListOptions(
        label_selector=request.parameter("labelSelector"),
        field_selector=request.parameter("fieldSelector"),
        limit=integer(request, "limit") or 0,
        continue_token=request.parameter("continue"),
        resource_version=request.parameter("resourceVersion"),
        resource_version_match=request.parameter("resourceVersionMatch"))
    integer(request, "timeoutSeconds")
    _refuse("ListOptions", _list_errors(request, options))
    return options


def _list_errors(request: Request, options: ListOptions) -> list[FieldError]:
    errors: list[FieldError] = []
    path, match = "resourceVersionMatch", options.resource_version_match
    if match:
        if not options.resource_version:
            errors.append(forbidden(
                path, f"{path} is forbidden unless resourceVersion is provided"))
        if options.continue_token:
            errors.append(forbidden(path, f"{path} is forbidden when continue is provided"))
        if match not in (_EXACT, _NOT_OLDER):
            errors.append(not_supported(path, match, [_EXACT, _NOT_OLDER, ""]))
        if match == _EXACT and options.resource_version == "0":
            errors.append(forbidden(path, f'{path} "exact" is forbidden for resourceVersion "0"'))
    if "sendInitialEvents" in request.query:
        errors.append(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    return errors


def watch_options(request: Request) -> WatchOptions:
    """Raises BadRequest, Invalid."""
    integer(request, "timeoutSeconds")
    _refuse("ListOptions", _watch_errors(request))
    return WatchOptions(
        label_selector=request.parameter("labelSelector"),
        field_selector=request.parameter("fieldSelector"),
        resource_version=request.parameter("resourceVersion"),
        send_initial_events=boolean(request, "sendInitialEvents"),
        allow_bookmarks=boolean(request, "allowWatchBookmarks"))


def _watch_errors(request: Request) -> list[FieldError]:
    errors: list[FieldError] = []
    path, match = "resourceVersionMatch", request.parameter("resourceVersionMatch")
    initial = "sendInitialEvents" in request.query
    if initial and match != _NOT_OLDER:
        errors.append(forbidden(
            path, f"sendInitialEvents requires setting {path} to {_NOT_OLDER}"))
    if match and not initial:
        errors.append(forbidden(
            path, f"{path} is forbidden for watch unless sendInitialEvents is provided"))
    if match and match != _NOT_OLDER:
        errors.append(not_supported(path, match, [_NOT_OLDER]))
    if match and request.parameter("continue"):
        errors.append(forbidden(path, f"{path} is forbidden when continue is provided"))
    return errors


def write_options(request: Request, ctx: RequestContext, kind: str) -> None:
    """dryRun, fieldManager and fieldValidation into the context. Raises Invalid."""
    dry_run = request.query.get("dryRun", [])
    validation: Any = request.parameter("fieldValidation")
    manager = request.parameter("fieldManager")
    errors = dry_run_errors(dry_run)
    if validation not in _FIELD_VALIDATION:
        errors.append(not_supported("fieldValidation", validation, _FIELD_VALIDATION))
    errors += field_manager_errors(manager, "fieldManager")
    _refuse(kind, errors)
    ctx.dry_run = bool(dry_run)
    ctx.field_validation = validation or "Warn"
    ctx.field_manager = manager or default_manager(request)


def default_manager(request: Request) -> str:
    """Who writes without saying a field manager: the first part of the User-Agent."""
    return manager_name("", request.header(b"user-agent")) or "unknown"


def dry_run_errors(values: list[str]) -> list[FieldError]:
    """`All` is the only dry run there is."""
    if all(value == "All" for value in values):
        return []
    return [not_supported("dryRun", values, ["All"])]


def _refuse(kind: str, errors: list[FieldError]) -> None:
    if errors:
        raise Invalid.object(_META, kind, "", errors)
