"""CronJobs. Models pkg/registry/batch/cronjob and ValidateCronJobCreate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from zoneinfo import available_timezones

from apiserver.machinery.validation import (
    FieldError,
    Path,
    invalid,
    non_negative,
    not_supported,
    required,
    shown_selector,
)
from apiserver.resource import Column, Resource
from apiserver.resources.batch.cron import schedule_error
from apiserver.resources.batch.job_validation import job_spec_errors
from apiserver.resources.core.pod_defaults import default_template
from apiserver.resources.core.pod_warnings import pod_warnings
from apiserver.resources.printing import (
    AGE,
    NAME,
    NONE,
    UNSET,
    dig,
    field,
    named,
    number,
    pod_columns,
    selector,
    since,
)
from apiserver.resources.workloads import name_warnings
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_JOB: Final = Path("spec.jobTemplate.spec")
_POLICIES: Final = ("Allow", "Forbid", "Replace")
_DEFAULTS: Final = (("concurrencyPolicy", "Allow"), ("suspend", False),
                    ("successfulJobsHistoryLimit", 3), ("failedJobsHistoryLimit", 1))
_LIMITS: Final = ("successfulJobsHistoryLimit", "failedJobsHistoryLimit")
_LONGEST_NAME: Final = 52
_IN_SCHEDULE: Final = ("cannot use TZ or CRON_TZ in schedule, use timeZone field instead")


class CronJobStrategy(Strategy):
    """Jobs at certain times."""

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        for name, value in _DEFAULTS:
            if spec.get(name) in (None, ""):
                spec[name] = value
        template = spec.setdefault("jobTemplate", {})
        default_template(template.setdefault("spec", {}).setdefault("template", {}))

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        name = obj["metadata"].get("name", "")
        errors += _spec_errors(obj["spec"], None)
        if len(name) > _LONGEST_NAME:
            errors.append(invalid("metadata.name", name,
                                  f"must be no more than {_LONGEST_NAME} characters"))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return _spec_errors(obj["spec"], old["spec"])

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        template = dig(obj, "spec", "jobTemplate", "spec", "template") or {}
        warnings = name_warnings(obj, old)
        if old is None or template != dig(old, "spec", "jobTemplate", "spec", "template"):
            warnings += pod_warnings(template.get("spec") or {}, template.get("metadata") or {},
                                     _JOB.child("template"))
        if "TZ" in (obj["spec"].get("schedule") or ""):
            warnings.append("spec.schedule: cannot use TZ or CRON_TZ in schedule, use timeZone "
                            "field instead")
        return warnings


def _spec_errors(spec: Object, old: Object | None) -> list[FieldError]:
    schedule, path = spec.get("schedule") or "", _SPEC.child("schedule")
    errors = [] if schedule else [required(path)]
    if schedule:
        errors += _schedule_errors(schedule, spec.get("timeZone"), path,
                                   new=old is None or old.get("schedule") != schedule)
    if spec.get("startingDeadlineSeconds") is not None:
        errors += non_negative(_SPEC.child("startingDeadlineSeconds"),
                               spec["startingDeadlineSeconds"])
    if old is None or old.get("timeZone") != spec.get("timeZone"):
        errors += _zone_errors(spec.get("timeZone"), _SPEC.child("timeZone"))
    policy, own = spec.get("concurrencyPolicy") or "", _SPEC.child("concurrencyPolicy")
    if not policy:
        errors.append(required(own))
    elif policy not in _POLICIES:
        errors.append(not_supported(own, policy, _POLICIES))
    errors += _template_errors(spec.get("jobTemplate") or {})
    for name in _LIMITS:
        if spec.get(name) is not None:
            errors += non_negative(_SPEC.child(name), spec[name])
    return errors


def _schedule_errors(schedule: str, zone: str | None, path: Path, *,
                     new: bool) -> list[FieldError]:
    error = schedule_error(schedule)
    errors = [invalid(path, schedule, error)] if error else []
    if "TZ" in schedule and (zone is not None or new):
        errors.append(invalid(path, schedule, _IN_SCHEDULE))
    return errors


def _zone_errors(zone: str | None, path: Path) -> list[FieldError]:
    if zone is None:
        return []
    if not zone:
        return [invalid(path, zone, "timeZone must be nil or non-empty string")]
    if not all(_ZONE_PART.fullmatch(part) for part in zone.split("/")):
        return [invalid(path, zone, f"unknown time zone {zone}")]
    if zone.lower() == "local":
        return [invalid(path, zone, "timeZone must be an explicit time zone as defined in "
                        "https://www.iana.org/time-zones")]
    return [] if zone in available_timezones() else [
        invalid(path, zone, f"unknown time zone {zone}")]


_ZONE_PART: Final = re.compile(r"[A-Za-z0-9._+-]{1,14}")


def _template_errors(template: Object) -> list[FieldError]:
    spec = template.get("spec") or {}
    errors = job_spec_errors(spec, _JOB)
    if spec.get("selector") is not None:
        errors.append(invalid(_JOB.child("selector"), shown_selector(spec["selector"]),
                              "`selector` will be auto-generated"))
    if spec.get("manualSelector"):
        errors.append(not_supported(_JOB.child("manualSelector"), True, ["nil", "false"]))
    return errors


def _suspended(obj: Object, now: float) -> str:
    value = dig(obj, "spec", "suspend")
    return UNSET if value is None else str(value)


def _last(obj: Object, now: float) -> str:
    time = dig(obj, "status", "lastScheduleTime")
    return since(time, now) if time else NONE


_POD: Final = ("spec", "jobTemplate", "spec")

CRONJOBS = Resource(
    group="batch", version="v1", kind="CronJob", plural="cronjobs", short_names=("cj",),
    categories=("all",), strategy=CronJobStrategy(), status=True,
    columns=(
        NAME,
        named("Schedule", field("spec", "schedule"), "When Jobs start."),
        named("Timezone", field("spec", "timeZone", default=NONE), "In which zone of time."),
        Column("Suspend", _suspended, type="boolean", description="Whether it pauses."),
        number("Active", lambda obj, now: len(dig(obj, "status", "active") or ()),
               "How many Jobs run."),
        named("Last Schedule", _last, "How long ago the last Job started."),
        AGE,
        *pod_columns(*_POD, "template", "spec", selector_cell=selector(*_POD, "selector"))))
