"""Jobs. Models pkg/registry/batch/job."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

from apiserver.machinery.clock import parse_time
from apiserver.machinery.names import is_dns1123_label
from apiserver.machinery.selectors import from_label_selector, selector_errors
from apiserver.machinery.validation import (
    FieldError,
    immutable,
    invalid,
    required,
    same,
    shown_selector,
)
from apiserver.resource import Resource
from apiserver.resources.batch.job_status import job_status_errors
from apiserver.resources.batch.job_validation import job_spec_errors
from apiserver.resources.core.pod_defaults import default_template
from apiserver.resources.printing import (
    AGE,
    NAME,
    dig,
    human_duration,
    named,
    pod_columns,
    selector,
)
from apiserver.resources.workloads import (
    SPEC,
    TEMPLATE,
    mismatch_errors,
    name_warnings,
    template_warnings,
)
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

UID_LABEL: Final = "batch.kubernetes.io/controller-uid"
NAME_LABEL: Final = "batch.kubernetes.io/job-name"
_OLD_UID: Final = "controller-uid"
_OLD_NAME: Final = "job-name"
_IMMUTABLE: Final = ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy",
                     "successPolicy")
_DEFAULTS: Final = (("completionMode", "NonIndexed"), ("suspend", False), ("manualSelector", False))
_DIRECTIVES: Final = ("nodeSelector", "tolerations", "schedulingGates")


class JobStrategy(Strategy):
    """Pods that run to their end."""

    default_propagation = "Orphan"

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        default_template(spec.setdefault("template", {}))
        _default_amounts(spec)
        for name, value in _DEFAULTS:
            if spec.get(name) is None:
                spec[name] = value
        if spec.get("podReplacementPolicy") is None:
            spec["podReplacementPolicy"] = (
                "Failed" if spec.get("podFailurePolicy") is not None else "TerminatingOrFailed")
        for rule in dig(spec, "podFailurePolicy", "rules") or ():
            for pattern in rule.get("onPodConditions") or ():
                if not pattern.get("status"):
                    pattern["status"] = "True"
        _default_labels(obj)

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        _generate_selector(obj)
        _default_labels(obj)
        obj["status"] = {}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        errors = _generated_errors(obj) + _spec_errors(spec)
        if spec.get("completionMode") == "Indexed" and (spec.get("completions") or 0) > 0:
            last = f"{obj['metadata'].get('name', '')}-{spec['completions'] - 1}"
            if is_dns1123_label(last):
                errors.append(invalid(
                    "metadata.name", obj["metadata"].get("name", ""),
                    f"will not able to create pod with invalid DNS label: {last}"))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        spec, before = obj["spec"], old["spec"]
        errors = self.validate(ctx, obj) + _completions_errors(spec, before)
        if not same(spec.get("selector"), before.get("selector")):
            errors.append(invalid(SPEC.child("selector"), shown_selector(spec.get("selector")),
                                  "field is immutable"))
        errors += _template_errors(spec.get("template") or {}, old)
        for name in _IMMUTABLE:
            errors += immutable(SPEC.child(name), spec.get(name), before.get(name))
        return errors

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        return job_status_errors(obj, old)

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        warnings = name_warnings(obj, old) + template_warnings(obj, old)
        spec = obj["spec"]
        many = (spec.get("completions") or 0) > 100_000 and (spec.get("parallelism") or 0) > 10_000
        if many and spec.get("completionMode") == "Indexed":
            warnings.append("spec.completions: In Indexed Jobs with a number of completions higher "
                            "than 100000 and a parallelism higher than 10000, Kubernetes might not "
                            "be able to track completedIndexes when a big number of indexes fail")
        return warnings

    unknown_field = 'field label "{}" not supported for batchv1.Job'

    def fields(self, obj: Object) -> dict[str, str]:
        return {"status.successful": str(dig(obj, "status", "succeeded") or 0)}


def _default_amounts(spec: Object) -> None:
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = spec["parallelism"] = 1
    if spec.get("parallelism") is None:
        spec["parallelism"] = 1
    if spec.get("backoffLimit") is None:
        per_index = spec.get("backoffLimitPerIndex") is not None
        spec["backoffLimit"] = 2**31 - 1 if per_index else 6


def _default_labels(obj: Object) -> None:
    labels = dig(obj, "spec", "template", "metadata", "labels")
    if labels and not obj["metadata"].get("labels"):
        obj["metadata"]["labels"] = dict(labels)


def _generate_selector(obj: Object) -> None:
    """Labels for the pods and a selector for them. A user's own are left to validation."""
    spec, meta = obj["spec"], obj["metadata"]
    if spec.get("manualSelector"):
        return
    labels = dict(dig(spec, "template", "metadata", "labels") or {})
    name = meta.get("name", "")
    wanted = {_OLD_NAME: name, NAME_LABEL: name,
              _OLD_UID: meta["uid"], UID_LABEL: meta["uid"]}
    spec["template"].setdefault("metadata", {})["labels"] = wanted | labels
    own = spec.get("selector") or {}
    match = dict(own.get("matchLabels") or {})
    match.setdefault(UID_LABEL, meta["uid"])
    spec["selector"] = {**own, "matchLabels": match}


def _generated_errors(obj: Object) -> list[FieldError]:
    spec, meta = obj["spec"], obj["metadata"]
    if spec.get("manualSelector") or spec.get("selector") is None:
        return []
    labels = dig(spec, "template", "metadata", "labels") or {}
    path = TEMPLATE.child("metadata", "labels")
    wanted = {_OLD_UID: meta.get("uid", ""), _OLD_NAME: meta.get("name", ""),
              UID_LABEL: meta.get("uid", ""), NAME_LABEL: meta.get("name", "")}
    errors: list[FieldError] = []
    for key, value in wanted.items():
        if key not in labels:
            errors.append(required(path.key(key), f"must be '{value}'"))
        elif labels[key] != value:
            errors.append(invalid(path.key(key), labels, f"must be '{value}'"))
    own = spec["selector"]
    if not selector_errors(own, SPEC) and not from_label_selector(own).matches(wanted):
        errors.append(invalid(SPEC.child("selector"), shown_selector(own),
                              "`selector` not auto-generated"))
    return errors


def _spec_errors(spec: Object) -> list[FieldError]:
    errors = job_spec_errors(spec, SPEC)
    own, path = spec.get("selector"), SPEC.child("selector")
    wrong = [required(path)] if own is None else selector_errors(own, path)
    if wrong and own is not None:
        return errors + wrong
    return errors + wrong + mismatch_errors(own, spec.get("template") or {}, TEMPLATE)


def _completions_errors(spec: Object, before: Object) -> list[FieldError]:
    """Elastic: an Indexed Job may change completions together with parallelism."""
    new, path = spec.get("completions"), SPEC.child("completions")
    if same(new, before.get("completions")):
        return []
    if spec.get("completionMode") != "Indexed" or new is None or before.get("completions") is None:
        return immutable(path, new, before.get("completions"))
    if new != spec.get("parallelism"):
        return [invalid(path, new, f"can only be modified in tandem with {SPEC}.parallelism")]
    return []


def _template_errors(template: Object, old: Object) -> list[FieldError]:
    """The template stays, but for what a Job that rests may change (validatePodTemplateUpdate)."""
    before = old["spec"].get("template") or {}
    if not _rests(old):
        return immutable(TEMPLATE, template, before)
    spec = template.get("spec") or {}
    return immutable(TEMPLATE.child("spec"), spec, _allowed_spec(spec, before.get("spec") or {}))


def _rests(job: Object) -> bool:
    """Suspended, without pods, and not begun or known to be suspended."""
    status = job.get("status") or {}
    return bool(job["spec"].get("suspend")) and not status.get("active") and (
        not status.get("startTime") or _condition(job, "Suspended"))


def _allowed_spec(new: Object, before: Object) -> Object:
    """The old pod's spec with the new one's scheduling directives and resources."""
    spec = copy.deepcopy(before)
    for name in _DIRECTIVES:
        _take(spec, new, name)
    affinity = spec.setdefault("affinity", {})
    _take(affinity, new.get("affinity") or {}, "nodeAffinity")
    if not affinity and new.get("affinity") is None:
        spec.pop("affinity")
    for kind in ("containers", "initContainers"):
        pairs = spec.get(kind) or (), new.get(kind) or ()
        if len(pairs[0]) == len(pairs[1]):
            for container, given in zip(*pairs, strict=True):
                if container.get("name") == given.get("name"):
                    _take(container, given, "resources")
    return spec


def _take(to: Object, source: Object, name: str) -> None:
    to.pop(name, None)
    if source.get(name) is not None:
        to[name] = source[name]


def _condition(obj: Object, kind: str) -> bool:
    return any(c.get("type") == kind and c.get("status") == "True"
               for c in dig(obj, "status", "conditions") or ())


def _state(obj: Object, now: float) -> str:
    for kind in ("Complete", "Failed"):
        if _condition(obj, kind):
            return kind
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    if _condition(obj, "Suspended"):
        return "Suspended"
    return "FailureTarget" if _condition(obj, "FailureTarget") else "Running"


def _completions(obj: Object, now: float) -> str:
    done = dig(obj, "status", "succeeded") or 0
    completions, parallelism = (dig(obj, "spec", n) for n in ("completions", "parallelism"))
    if completions is not None:
        return f"{done}/{completions}"
    return f"{done}/1 of {parallelism}" if (parallelism or 0) > 1 else f"{done}/1"


def _duration(obj: Object, now: float) -> str:
    start, end = (dig(obj, "status", n) for n in ("startTime", "completionTime"))
    if not start:
        return ""
    return human_duration((parse_time(end) if end else now) - parse_time(start))


JOBS = Resource(
    group="batch", version="v1", kind="Job", plural="jobs", categories=("all",),
    strategy=JobStrategy(), status=True,
    columns=(
        NAME,
        named("Status", _state, "How it goes."),
        named("Completions", _completions, "How many pods have succeeded of those wanted."),
        named("Duration", _duration, "How long it runs or ran."),
        AGE,
        *pod_columns("spec", "template", "spec", selector_cell=selector("spec", "selector"))))
