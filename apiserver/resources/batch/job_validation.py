"""What is wrong with a JobSpec. Models pkg/apis/batch/validation."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_domain_prefixed_path, is_qualified_name
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    go_quote,
    invalid,
    non_negative,
    not_supported,
    required,
    too_long,
    too_many,
)
from apiserver.resources.core.pod_validation import template_errors
from apiserver.resources.workloads import numbers_errors

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from apiserver.machinery.types import Object

_MODES: Final = ("Indexed", "NonIndexed")
_REPLACEMENTS: Final = ("Failed", "TerminatingOrFailed")
_ACTIONS: Final = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS: Final = ("In", "NotIn")
_STATUSES: Final = ("False", "True", "Unknown")
_NUMBERS: Final = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
                   "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes")
_MOST_PARALLEL: Final = 100_000
_SOFT_LIMIT: Final = 100_000
_PARALLEL_WHEN_MANY: Final = 10_000
_MOST_INDEXES_TEXT: Final = 64 * 1024
_NUMBER: Final = re.compile(r"\+?[0-9]+")
_REQUIRED_INDEXED: Final = "requires indexed completion mode"


def job_spec_errors(spec: Object, path: Path) -> list[FieldError]:
    """All of a JobSpec except its selector (validateJobSpec)."""
    errors = numbers_errors(spec, _NUMBERS, path)
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        errors.append(required(path.child("backoffLimitPerIndex"),
                               "when maxFailedIndexes is specified"))
    errors += _manager_errors(spec.get("managedBy"), path.child("managedBy"))
    errors += _mode_errors(spec, path)
    if spec.get("podFailurePolicy") is not None:
        errors += _failure_errors(spec, path.child("podFailurePolicy"))
    if spec.get("successPolicy") is not None:
        errors += _success_errors(spec, path.child("successPolicy"))
    errors += _replacement_errors(spec, path.child("podReplacementPolicy"))
    errors += template_errors(spec.get("template") or {}, path.child("template"))
    return errors + _restart_errors(spec, path.child("template", "spec", "restartPolicy"))


def _manager_errors(manager: str | None, path: Path) -> list[FieldError]:
    if manager is None:
        return []
    errors = [invalid(path, part, text) for part, text in is_domain_prefixed_path(manager)]
    return [*errors, too_long(path, 63)] if len(manager) > 63 else errors


def _mode_errors(spec: Object, path: Path) -> list[FieldError]:
    mode = spec.get("completionMode")
    errors: list[FieldError] = []
    if mode is not None and mode not in _MODES:
        errors.append(not_supported(path.child("completionMode"), mode, _MODES[::-1]))
    if mode == "Indexed":
        errors += _indexed_errors(spec, path)
    if mode in (None, "NonIndexed"):
        errors += [invalid(path.child(name), spec[name], _REQUIRED_INDEXED)
                   for name in ("backoffLimitPerIndex", "maxFailedIndexes")
                   if spec.get(name) is not None]
    return errors


def _indexed_errors(spec: Object, path: Path) -> list[FieldError]:
    completions, parallelism = spec.get("completions"), spec.get("parallelism") or 0
    failed, own = spec.get("maxFailedIndexes"), path.child("maxFailedIndexes")
    errors: list[FieldError] = []
    if completions is None:
        errors.append(required(path.child("completions"), "when completion mode is Indexed"))
    if parallelism > _MOST_PARALLEL:
        errors.append(invalid(
            path.child("parallelism"), parallelism, f"must be less than or equal to "
            f"{_MOST_PARALLEL} when completion mode is Indexed"))
    if completions is not None and failed is not None and failed > completions:
        errors.append(invalid(own, failed, "must be less than or equal to completions"))
    if failed is not None and failed > _MOST_PARALLEL:
        errors.append(invalid(own, failed, f"must be less than or equal to {_MOST_PARALLEL}"))
    if (completions or 0) > _SOFT_LIMIT and spec.get("backoffLimitPerIndex") is not None:
        errors += _many_errors(parallelism, failed, path)
    return errors


def _many_errors(parallelism: int, failed: int | None, path: Path) -> list[FieldError]:
    text = (f"must be less than or equal to {_PARALLEL_WHEN_MANY} when completions are above "
            f"{_SOFT_LIMIT} and used with backoff limit per index")
    errors: list[FieldError] = []
    if failed is None:
        errors.append(required(path.child("maxFailedIndexes"),
                               f"must be specified when completions is above {_SOFT_LIMIT}"))
    if parallelism > _PARALLEL_WHEN_MANY:
        errors.append(invalid(path.child("parallelism"), parallelism, text))
    if failed is not None and failed > _PARALLEL_WHEN_MANY:
        errors.append(invalid(path.child("maxFailedIndexes"), failed, text))
    return errors


def _replacement_errors(spec: Object, path: Path) -> list[FieldError]:
    policy = spec.get("podReplacementPolicy")
    if policy is None:
        return []
    allowed = ("Failed",) if spec.get("podFailurePolicy") is not None else _REPLACEMENTS
    return [] if policy in allowed else [not_supported(path, policy, allowed)]


def _restart_errors(spec: Object, path: Path) -> list[FieldError]:
    policy = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy") or ""
    if policy in ("", "Always"):
        return [required(path, 'valid values: "OnFailure", "Never"')]
    if policy not in ("OnFailure", "Never"):
        return [not_supported(path, policy, ["OnFailure", "Never"])]
    if spec.get("podFailurePolicy") is not None and policy != "Never":
        return [invalid(path, policy,
                        'only "Never" is supported when podFailurePolicy is specified')]
    return []


# --- podFailurePolicy --------------------------------------------------------------------------


def _choice_errors(value: str, supported: Sequence[str], path: Path) -> list[FieldError]:
    if not value:
        words = " ".join(map(go_quote, supported))
        return [required(path, f"valid values: [{words}]")]
    return [] if value in supported else [not_supported(path, value, supported)]


def _failure_errors(spec: Object, path: Path) -> list[FieldError]:
    rules, own = spec["podFailurePolicy"].get("rules") or (), path.child("rules")
    errors = [too_many(own, len(rules), 20)] if len(rules) > 20 else []
    pod = (spec.get("template") or {}).get("spec") or {}
    names = {container.get("name") for kind in ("containers", "initContainers")
             for container in pod.get(kind) or ()}
    for i, rule in enumerate(rules):
        errors += _rule_errors(spec, rule, names, own.at(i))
    return errors


def _rule_errors(spec: Object, rule: Object, names: Collection[str | None],
                 path: Path) -> list[FieldError]:
    action, own = rule.get("action") or "", path.child("action")
    if action == "FailIndex":
        errors = [] if spec.get("backoffLimitPerIndex") is not None else [
            invalid(own, action, "requires the backoffLimitPerIndex to be set")]
    else:
        errors = _choice_errors(action, _ACTIONS, own)
    codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions")
    if codes is not None:
        errors += _exit_code_errors(codes, names, path.child("onExitCodes"))
    errors += _condition_errors(conditions or (), path.child("onPodConditions"))
    if codes is not None and conditions:
        errors.append(_bare(path, "specifying both OnExitCodes and OnPodConditions is not "
                            "supported"))
    if codes is None and not conditions:
        errors.append(_bare(path, "specifying one of OnExitCodes and OnPodConditions is required"))
    return errors


def _bare(path: Path, text: str) -> FieldError:
    """`Invalid value` without showing the value (field.OmitValueType)."""
    return FieldError("FieldValueInvalid", path, detail=text)


def _condition_errors(patterns: Sequence[Object], path: Path) -> list[FieldError]:
    errors = [too_many(path, len(patterns), 20)] if len(patterns) > 20 else []
    for i, pattern in enumerate(patterns):
        own, kind = path.at(i), pattern.get("type") or ""
        errors += all_invalid(own.child("type"), kind, is_qualified_name(kind))
        errors += _choice_errors(pattern.get("status") or "", _STATUSES, own.child("status"))
    return errors


def _exit_code_errors(codes: Object, names: Collection[str | None],
                      path: Path) -> list[FieldError]:
    operator, container = codes.get("operator") or "", codes.get("containerName")
    errors = _choice_errors(operator, _OPERATORS, path.child("operator"))
    if container is not None and container not in names:
        errors.append(invalid(path.child("containerName"), container, "must be one of the "
                              "container or initContainer names in the pod template"))
    values, own = codes.get("values") or [], path.child("values")
    if not values:
        errors.append(invalid(own, codes.get("values"), "at least one value is required"))
    elif len(values) > 255:
        errors.append(too_many(own, len(values), 255))
    for i, value in enumerate(values):
        if operator == "In" and value == 0:
            errors.append(invalid(own.at(i), value, "must not be 0 for the In operator"))
        if value in values[:i]:
            errors.append(duplicate(own.at(i), value))
    if values != sorted(values):
        errors.append(invalid(own, values, "must be ordered"))
    return errors


# --- successPolicy -----------------------------------------------------------------------------


def _success_errors(spec: Object, path: Path) -> list[FieldError]:
    policy = spec["successPolicy"]
    if spec.get("completionMode") != "Indexed":
        return [invalid(path, policy, _REQUIRED_INDEXED)]
    rules, own = policy.get("rules") or (), path.child("rules")
    errors = [] if rules else [required(own, "at least one rules must be specified when the "
                                        "successPolicy is specified")]
    if len(rules) > 20:
        errors.append(too_many(own, len(rules), 20))
    for i, rule in enumerate(rules):
        errors += _success_rule_errors(rule, spec.get("completions") or 0, own.at(i))
    return errors


def _success_rule_errors(rule: Object, completions: int, path: Path) -> list[FieldError]:
    count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
    errors: list[FieldError] = []
    if count is None and indexes is None:
        errors.append(required(
            path, "at least one of succeededCount or succeededIndexes must be specified"))
    total = 0
    if indexes is not None:
        own = path.child("succeededIndexes")
        if len(indexes) > _MOST_INDEXES_TEXT:
            errors.append(too_long(own, _MOST_INDEXES_TEXT))
        try:
            total = count_indexes(indexes, completions)
        except ValueError as error:
            errors.append(invalid(own, indexes, f"error parsing succeededIndexes: {error}"))
    if count is None:
        return errors
    own = path.child("succeededCount")
    errors += non_negative(own, count)
    if count > completions:
        errors.append(invalid(own, count, f"must be less than or equal to {completions} (the "
                              "number of specified completions)"))
    if indexes is not None and count > total:
        errors.append(invalid(own, count, f"must be less than or equal to {total} (the number of "
                              "indexes in the specified succeededIndexes field)"))
    return errors


def count_indexes(text: str, completions: int) -> int:
    """How many indexes `1,3-5` names. Raises ValueError (validateIndexesFormat)."""
    total, last = 0, None
    for piece in text.split(",") if text else ():
        low, high = _interval(piece, completions)
        if last is not None and last >= low:
            raise ValueError(f"non-increasing order, previous: {last}, current: {low}")
        last = high
        total += high - low + 1
    return total


def parsed_intervals(text: str, completions: int) -> list[tuple[int, int]]:
    """The intervals of `1,3-5` that are right."""
    intervals = []
    for piece in text.split(",") if text else ():
        with suppress(ValueError):
            intervals.append(_interval(piece, completions))
    return intervals


def _interval(piece: str, completions: int) -> tuple[int, int]:
    limits = piece.split("-")
    if len(limits) > 2:
        raise ValueError(f"the fragment {go_quote(piece)} violates the requirement that an "
                         f"index interval can have at most two parts separated by '-'")
    numbers = [_index(limit, completions) for limit in limits]
    if len(numbers) > 1 and numbers[0] >= numbers[1]:
        raise ValueError(
            f"non-increasing order, previous: {numbers[0]}, current: {numbers[1]}")
    return numbers[0], numbers[-1]


def _index(text: str, completions: int) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"cannot convert string to integer for index: {go_quote(text)}")
    if int(text) >= completions:
        raise ValueError(f"too large index: {go_quote(text)}")
    return int(text)
