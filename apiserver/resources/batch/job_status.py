"""What is wrong with a Job's changed status. Models validateJobStatus and ValidateJobStatusUpdate.

Most rules hold only where what they speak of changes, so that other writers get on with their work.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.clock import parse_time
from apiserver.machinery.validation import (
    FieldError,
    Path,
    duplicate,
    internal_struct,
    invalid,
    required,
    same,
)
from apiserver.resources.batch.job_validation import count_indexes, parsed_intervals
from apiserver.resources.workloads import numbers_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

_NUMBERS: Final = ("active", "succeeded", "failed", "ready", "terminating")
_PATH: Final = Path("status")
_CONDITIONS: Final = _PATH.child("conditions")
_TERMINAL: Final = ("Failed", "Complete", "FailureTarget")
_MET: Final = "SuccessCriteriaMet"


@dataclass(frozen=True)
class _Job:
    """A Job as the rules look at it."""

    spec: Object
    status: Object

    @cached_property
    def true(self) -> frozenset[str]:
        """The conditions that hold."""
        return frozenset(c.get("type", "") for c in self.status.get("conditions") or ()
                         if c.get("status") == "True")

    @property
    def finished(self) -> bool:
        return bool(self.true & {"Complete", "Failed"})

    def number(self, name: str) -> int:
        return self.status.get(name) or 0


@dataclass(frozen=True)
class _Change:
    new: _Job
    old: _Job

    def of(self, *names: str) -> bool:
        """Whether one of these fields of the status changes."""
        return any(not same(self.new.status.get(n), self.old.status.get(n)) for n in names)

    def turned(self, *conditions: str) -> bool:
        """Whether one of these conditions begins or ceases to hold."""
        return any(c in self.new.true ^ self.old.true for c in conditions)

    @property
    def finished(self) -> bool:
        return self.new.finished != self.old.finished


def job_status_errors(obj: Object, old: Object) -> list[FieldError]:
    """What is wrong with the status of `obj`, which `old` is to become."""
    change = _Change(*(_Job(o.get("spec") or {}, o.get("status") or {}) for o in (obj, old)))
    errors = numbers_errors(change.new.status, _NUMBERS, _PATH) + _uncounted_errors(change.new)
    for rules in (_outcome_errors, _finished_errors, _indexes_errors, _pods_errors, _success_errors,
                  _lost_errors, _time_errors, _late_success_errors):
        errors += rules(change)
    return errors


def _clash(text: str) -> FieldError:
    """`Invalid value` without the conditions (field.OmitValueType)."""
    return FieldError("FieldValueInvalid", _CONDITIONS, detail=text)


def _uncounted_errors(job: _Job) -> list[FieldError]:
    uncounted = job.status.get("uncountedTerminatedPods") or {}
    errors, seen = list[FieldError](), set[str]()
    for kind in ("succeeded", "failed"):
        for i, uid in enumerate(uncounted.get(kind) or ()):
            path = _PATH.child("uncountedTerminatedPods", kind).at(i)
            if not uid:
                errors.append(invalid(path, uid, "must not be empty"))
            elif uid in seen:
                errors.append(duplicate(path, uid))
            seen.add(uid)
    return errors


def _outcome_errors(change: _Change) -> list[FieldError]:
    """How the Job's end, its reason and its time belong together."""
    true, errors = change.new.true, list[FieldError]()
    if change.turned("Complete", "Failed") and {"Complete", "Failed"} <= true:
        errors.append(_clash("cannot set Complete=True and Failed=true conditions"))
    if change.turned("Complete", "FailureTarget") and {"Complete", "FailureTarget"} <= true:
        errors.append(_clash("cannot set Complete=True and FailureTarget=true conditions"))
    errors += _completion_time_errors(change)
    if change.turned("Failed") and "Failed" in true and "FailureTarget" not in true:
        errors.append(_clash("cannot set Failed=True condition without the FailureTarget=true "
                             "condition"))
    if change.turned("Complete") and "Complete" in true and _MET not in true:
        errors.append(_clash("cannot set Complete=True condition without the "
                             "SuccessCriteriaMet=true condition"))
    return errors


def _completion_time_errors(change: _Change) -> list[FieldError]:
    path, job = _PATH.child("completionTime"), change.new
    ended, started = job.status.get("completionTime"), job.status.get("startTime")
    complete, errors = "Complete" in job.true, list[FieldError]()
    if change.turned("Complete") or change.of("completionTime"):
        if ended is not None and not complete:
            errors.append(invalid(path, ended, "cannot set completionTime when there is no "
                                  "Complete=True condition"))
        if ended is None and complete:
            errors.append(required(path, "completionTime is required for Complete jobs"))
    if change.of("startTime", "completionTime") and started and ended and (
            parse_time(ended) < parse_time(started)):
        errors.append(invalid(path, ended, "completionTime cannot be set before startTime"))
    return errors


def _finished_errors(change: _Change) -> list[FieldError]:
    job, errors = change.new, list[FieldError]()
    if not job.finished:
        return errors
    active, uncounted = job.number("active"), job.status.get("uncountedTerminatedPods") or {}
    if (change.finished or change.of("active")) and active > 0:
        errors.append(invalid(_PATH.child("active"), active,
                              "active>0 is invalid for finished job"))
    if ((change.finished or change.of("startTime")) and job.status.get("startTime") is None
            and not _had_nothing_to_do(job.spec)):
        errors.append(required(_PATH.child("startTime"), "startTime is required for finished job"))
    if ((change.finished or change.of("uncountedTerminatedPods"))
            and (uncounted.get("succeeded") or uncounted.get("failed"))):
        errors.append(invalid(_PATH.child("uncountedTerminatedPods"),
                              internal_struct(uncounted, "Succeeded", "Failed"),
                              "uncountedTerminatedPods needs to be empty for finished job"))
    return errors


def _had_nothing_to_do(spec: Object) -> bool:
    """Suspended and wanting no completions: such a Job ends without a start."""
    return bool(spec.get("suspend")) and spec.get("completions") == 0


def _indexes_errors(change: _Change) -> list[FieldError]:
    job = change.new
    completed, failed = job.status.get("completedIndexes") or "", job.status.get("failedIndexes")
    completions, per_index = job.spec.get("completions"), job.spec.get("backoffLimitPerIndex")
    done, lost = change.of("completedIndexes"), change.of("failedIndexes")
    own, other = _PATH.child("completedIndexes"), _PATH.child("failedIndexes")
    errors: list[FieldError] = []
    if done and completions is not None:
        errors += _format_errors(completed, completions, own, "completedIndexes")
    if lost and completions is not None and per_index is not None and failed is not None:
        errors += _format_errors(failed, completions, other, "failedIndexes")
    if done and completed and job.spec.get("completionMode") != "Indexed":
        errors.append(invalid(own, completed, "cannot set non-empty completedIndexes when "
                              "non-indexed completion mode"))
    if lost and per_index is None and failed is not None:
        errors.append(invalid(other, failed, "cannot set non-null failedIndexes when "
                              "backoffLimitPerIndex is null"))
    if (done or lost) and completions is not None and failed is not None:
        errors += _overlap_errors(completed, failed, completions, other)
    return errors


def _format_errors(text: str, completions: int, path: Path, name: str) -> list[FieldError]:
    try:
        count_indexes(text, completions)
    except ValueError as error:
        return [invalid(path, text, f"error parsing {name}: {error}")]
    return []


def _overlap_errors(completed: str, failed: str, completions: int,
                    path: Path) -> list[FieldError]:
    done, lost = (parsed_intervals(text, completions) for text in (completed, failed))
    both = [max(start, low) for low, high in lost for start, end in done
            if start <= high and low <= end]
    return [invalid(path, failed, "failedIndexes and completedIndexes overlap at index: "
                    f"{min(both)}")] if both else []


def _pods_errors(change: _Change) -> list[FieldError]:
    job, errors = change.new, list[FieldError]()
    ready, terminating = job.number("ready"), job.number("terminating")
    if (change.finished or change.of("terminating")) and job.finished and terminating > 0:
        errors.append(invalid(_PATH.child("terminating"), terminating,
                              "terminating>0 is invalid for finished job"))
    if change.of("ready", "active") and ready > job.number("active"):
        errors.append(invalid(_PATH.child("ready"), ready,
                              "cannot set more ready pods than active"))
    return errors


def _success_errors(change: _Change) -> list[FieldError]:
    true, spec = change.new.true, change.new.spec
    errors = [_clash(f"cannot set SuccessCriteriaMet=True and {other}=true conditions")
              for other in ("Failed", "FailureTarget") if {_MET, other} <= true]
    if spec.get("successPolicy") is not None and "Complete" in true and _MET not in true:
        errors.append(_clash("cannot set Complete=True for Job with SuccessPolicy unless "
                             "SuccessCriteriaMet=True"))
    return errors


def _lost_errors(change: _Change) -> list[FieldError]:
    """What only grows."""
    new, old = change.new, change.old
    errors = [_clash(f"cannot disable the terminal {name}=True condition")
              for name in _TERMINAL if name in old.true - new.true]
    elastic = (new.spec.get("completionMode") == "Indexed"
               and new.spec.get("completions") == new.spec.get("parallelism"))
    counters: Sequence[str] = ("failed",) if elastic else ("failed", "succeeded")
    return errors + [invalid(_PATH.child(name), new.number(name),
                             f"cannot decrease the {name} counter")
                     for name in counters if new.number(name) < old.number(name)]


def _time_errors(change: _Change) -> list[FieldError]:
    new, old = change.new, change.old
    errors, ended = list[FieldError](), _time(new, "completionTime")
    if ended and _time(old, "completionTime") and change.of("completionTime"):
        errors.append(invalid(_PATH.child("completionTime"), ended,
                              "completionTime cannot be mutated"))
    resumed = "Suspended" in old.true - new.true
    if (_time(old, "startTime") and change.of("startTime") and not new.spec.get("suspend")
            and not resumed):
        errors.append(required(_PATH.child("startTime"),
                               "startTime cannot be removed for unsuspended job"))
    return errors


def _time(job: _Job, name: str) -> Any:
    return job.status.get(name)


def _late_success_errors(change: _Change) -> list[FieldError]:
    new, old, errors = change.new.true, change.old.true, list[FieldError]()
    if _MET in old - new:
        errors.append(_clash("cannot disable the SuccessCriteriaMet=True condition"))
    if "Complete" in old and _MET in new - old:
        errors.append(_clash("cannot set SuccessCriteriaMet=True for Job already has "
                             "Complete=true conditions"))
    return errors
