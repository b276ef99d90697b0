"""StorageVersionMigrations (1.37). Models pkg/registry/storagemigration and its validation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from apiserver.machinery.conditions import conditions_errors
from apiserver.machinery.names import is_dns1035_label, is_dns1123_subdomain
from apiserver.machinery.validation import FieldError, Path, immutable, invalid, required
from apiserver.resource import Resource
from apiserver.resources.printing import NAME, dig, named
from apiserver.strategy import RESETS_WITH_METADATA, Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_STATUS: Final = Path("status")
_REVISION: Final = re.compile("0|[1-9][0-9]*")


class StorageVersionMigrationStrategy(Strategy):
    """A wish that all objects of a resource are written once more."""

    resets = RESETS_WITH_METADATA
    unconditional_update = False
    has_generation = False
    revalidates_metadata = True

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        asked, path = dig(obj, "spec", "resource") or {}, _SPEC.child("resource")
        resource, group = asked.get("resource") or "", asked.get("group") or ""
        errors = [] if resource else [required(path.child("resource"),
                                               "resource is required to be set")]
        if resource:
            errors += _joined(path.child("resource"), resource, is_dns1035_label(resource))
        if group:
            errors += _joined(path.child("group"), group, is_dns1123_subdomain(group))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return self.validate(ctx, obj) + immutable(_SPEC, obj.get("spec"), old.get("spec"))

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        return _status_errors(obj.get("status") or {}, old.get("status") or {})


def _joined(path: Path, value: str, details: Sequence[str]) -> list[FieldError]:
    return [invalid(path, value, ",".join(details))] if details else []


def _status_errors(status: Object, before: Object) -> list[FieldError]:
    """The revision is set once; a migration ends once, and in one way."""
    revision, had = status.get("resourceVersion") or "", before.get("resourceVersion") or ""
    path, conditions = _STATUS.child("conditions"), status.get("conditions") or []
    errors = _revision_errors(revision)
    errors += conditions_errors(conditions, path)
    if had:
        errors += immutable(_STATUS.child("resourceVersion"), revision, had)
    is_true, was_true = _true(conditions), _true(before.get("conditions") or [])
    done, failed = "Succeeded" in is_true, "Failed" in is_true
    rules = (
        (done and failed, "Both success and failed conditions cannot be true at the same time"),
        (done and "Running" in is_true,
         "Running condition cannot be true when success condition is true"),
        (failed and "Running" in is_true,
         "Running condition cannot be true when failed condition is true"),
        ("Succeeded" in was_true and not done,
         "Success condition cannot be set to false once it is true"),
        ("Failed" in was_true and not failed,
         "Failed condition cannot be set to false once it is true"))
    return errors + [invalid(path, conditions, text) for broken, text in rules if broken]


def _revision_errors(revision: str) -> list[FieldError]:
    """Upstream's CompareResourceVersion, which asks for an integer without leading zeros."""
    if not revision or _REVISION.fullmatch(revision):
        return []
    return [invalid(_STATUS.child("resourceVersion"), revision,
                    f"resource version is not well formed: {revision}")]


def _true(conditions: Sequence[Object]) -> set[str]:
    """The types of the conditions that hold."""
    return {c.get("type") or "" for c in conditions if c.get("status") == "True"}


def _resource(obj: Object, now: float) -> str:
    asked = dig(obj, "spec", "resource") or {}
    return f"{asked.get('resource') or ''}.{asked.get('group') or ''}"


STORAGEVERSIONMIGRATIONS = Resource(
    group="storagemigration.k8s.io", version="v1", kind="StorageVersionMigration",
    plural="storageversionmigrations", namespaced=False,
    strategy=StorageVersionMigrationStrategy(), status=True,
    columns=(NAME, named("Resource", _resource, "What is written once more.")))
