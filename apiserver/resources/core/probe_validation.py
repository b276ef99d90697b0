"""What is wrong with probes and lifecycle handlers. Models validateProbe and validateHandler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.names import is_http_header_name, is_valid_port, is_valid_port_name
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    forbidden,
    invalid,
    non_negative,
    not_supported,
    required,
)

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_HANDLERS: Final = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_NUMBERS: Final = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold",
                   "failureThreshold")
_SCHEMES: Final = ("HTTP", "HTTPS")


def probe_errors(kind: str, probe: Object, grace: int | None, path: Path) -> list[FieldError]:
    """What is wrong with a probe; `kind` is livenessProbe, readinessProbe or startupProbe."""
    errors = handler_errors(probe, grace, path)
    for name in _NUMBERS:
        errors += non_negative(path.child(name), probe.get(name) or 0)
    period, own = probe.get("terminationGracePeriodSeconds"), "terminationGracePeriodSeconds"
    if period is not None and period <= 0:
        errors.append(invalid(path.child(own), period, "must be greater than 0"))
    if kind == "readinessProbe":
        if period is not None:
            errors.append(invalid(path.child(own), period, "must not be set for readinessProbes"))
    elif probe.get("successThreshold") != 1:
        errors.append(invalid(path.child("successThreshold"), probe.get("successThreshold") or 0,
                              "must be 1"))
    return errors


def handler_errors(handler: Object, grace: int | None, path: Path) -> list[FieldError]:
    """Exactly one action, and that one right."""
    errors: list[FieldError] = []
    given = [name for name in _HANDLERS if handler.get(name) is not None]
    for i, name in enumerate(given):
        errors += ([forbidden(path.child(name), "may not specify more than 1 handler type")] if i
                   else _action_errors(name, handler[name], grace, path.child(name)))
    return errors or ([] if given else [required(path, "must specify a handler type")])


def _action_errors(kind: str, action: Object, grace: int | None, path: Path) -> list[FieldError]:
    if kind == "exec":
        return [] if action.get("command") else [required(path.child("command"))]
    if kind == "httpGet":
        return _http_get_errors(action, path)
    if kind == "sleep":
        seconds = action.get("seconds") or 0
        if grace is None or 0 <= seconds <= grace:
            return []
        return [invalid(path, seconds, "must be non-negative and less than "
                        f"terminationGracePeriodSeconds ({grace})")]
    return port_errors(action.get("port") or 0, path.child("port"))


def _http_get_errors(action: Object, path: Path) -> list[FieldError]:
    errors = [] if action.get("path") else [required(path.child("path"))]
    errors += port_errors(action.get("port") or 0, path.child("port"))
    if action.get("scheme") not in _SCHEMES:
        errors.append(not_supported(path.child("scheme"), action.get("scheme") or "", _SCHEMES))
    for header in action.get("httpHeaders") or ():
        name = header.get("name") or ""
        errors += all_invalid(path.child("httpHeaders"), name, is_http_header_name(name))
    return errors


def port_errors(port: Any, path: Path) -> list[FieldError]:
    """A port number or a port name (ValidatePortNumOrName)."""
    if isinstance(port, int):
        return all_invalid(path, port, is_valid_port(port))
    return all_invalid(path, port, is_valid_port_name(port))
