"""APIServices. Models kube-aggregator's pkg/apis/apiregistration."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_dns1035_label, is_dns1123_subdomain
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    invalid,
    not_supported,
    required,
)
from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, dig, named
from apiserver.strategy import RESETS_WITH_METADATA, Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_STATUSES: Final = ("True", "False", "Unknown")
_LIMITS: Final = (("groupPriorityMinimum", 20000), ("versionPriority", 1000))


class APIServiceStrategy(Strategy):
    """Who serves a group and version."""

    unconditional_update = False
    name_rule = "pathsegment"
    resets = RESETS_WITH_METADATA
    has_generation = False
    revalidates_metadata = True

    def default(self, obj: Object) -> None:
        service = dig(obj, "spec", "service")
        if service is not None and service.get("port") is None:
            service["port"] = 443

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {}
        if dig(obj, "spec", "service") is None:
            obj["status"] = {"conditions": [{
                "type": "Available", "status": "True", "reason": "Local",
                "message": "Local APIServices are always available",
                "lastTransitionTime": obj["metadata"].get("creationTimestamp")}]}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or {}
        group, version = spec.get("group") or "", spec.get("version") or ""
        name = obj["metadata"].get("name", "")
        errors: list[FieldError] = []
        if name != f"{version}.{group}":
            errors.append(invalid("metadata.name", name,
                                  f'must be `spec.version+"."+spec.group`: "{version}.{group}"'))
        if group:
            errors += all_invalid(_SPEC.child("group"), group, is_dns1123_subdomain(group))
        elif version != "v1":
            errors.append(required(_SPEC.child("group"),
                                   "only v1 may have an empty group and it better be legacy kube"))
        errors += all_invalid(_SPEC.child("version"), version, is_dns1035_label(version))
        for key, most in _LIMITS:
            value = spec.get(key) or 0
            if not 0 < value <= most:
                errors.append(invalid(_SPEC.child(key), value,
                                      f"must be positive and less than {most}"))
        return errors + _service_errors(spec)

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        path = Path("status.conditions")
        return [not_supported(path.at(i).child("status"), condition.get("status") or "", _STATUSES)
                for i, condition in enumerate(dig(obj, "status", "conditions") or ())
                if condition.get("status") not in _STATUSES]


def _service_errors(spec: Object) -> list[FieldError]:
    service, path = spec.get("service"), _SPEC.child("service")
    skip, bundle = spec.get("insecureSkipTLSVerify"), spec.get("caBundle")
    errors: list[FieldError] = []
    if service is None:
        if bundle:
            errors.append(invalid(_SPEC.child("caBundle"), f"{len(base64.b64decode(bundle))} bytes",
                                  "local APIServices may not have a caBundle"))
        if skip:
            errors.append(invalid(_SPEC.child("insecureSkipTLSVerify"), True,
                                  "local APIServices may not have insecureSkipTLSVerify"))
        return errors
    errors += [required(path.child(name)) for name in ("namespace", "name")
               if not service.get(name)]
    if skip and bundle:
        errors.append(invalid(_SPEC.child("insecureSkipTLSVerify"), True,
                              "may not be true if caBundle is present"))
    return errors


def _service(obj: Object, now: float) -> str:
    service = dig(obj, "spec", "service")
    if not service:
        return "Local"
    return f"{service.get('namespace', '')}/{service.get('name', '')}"


def _available(obj: Object, now: float) -> str:
    for condition in dig(obj, "status", "conditions") or ():
        if condition.get("type") == "Available":
            if condition.get("status") == "True":
                return "True"
            return f"{condition.get('status', '')} ({condition.get('reason', '')})"
    return "Unknown"


APISERVICES = Resource(
    group="apiregistration.k8s.io", version="v1", kind="APIService", plural="apiservices",
    categories=("api-extensions",), namespaced=False, strategy=APIServiceStrategy(), status=True,
    columns=(
        NAME,
        named("Service", _service, "Who serves it."),
        named("Available", _available, "Whether it is served."),
        AGE))
