"""What is wrong with FlowSchemas and PriorityLevelConfigurations. Models pkg/apis/flowcontrol."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_dns1123_label, is_dns1123_subdomain
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
    internal_struct,
    invalid,
    not_supported,
    required,
)
from apiserver.resources.printing import dig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_HIGHEST: Final = 10000
_EXEMPT: Final = "exempt"
_METHODS: Final = ("ByNamespace", "ByUser")
_SUBJECTS: Final = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
_VERBS: Final = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update",
                 "watch")
_MOST_QUEUES: Final = 10_000_000
_MOST_BITS: Final = 60
_NOT_NEGATIVE: Final = "must be a non-negative integer"


# --- FlowSchema --------------------------------------------------------------------------------


def flow_errors(spec: Object, name: str) -> list[FieldError]:
    """What is wrong with a FlowSchemaSpec."""
    errors = _precedence_errors(spec.get("matchingPrecedence") or 0, name)
    method = spec.get("distinguisherMethod")
    if method is not None and method.get("type") not in _METHODS:
        errors.append(not_supported(_SPEC.child("distinguisherMethod", "type"),
                                    internal_struct(method, ("Type", "")), _METHODS))
    level, path = dig(spec, "priorityLevelConfiguration", "name"), _SPEC.child(
        "priorityLevelConfiguration", "name")
    errors += all_invalid(path, level, is_dns1123_subdomain(level)) if level else [
        required(path, "must reference a priority level")]
    for i, rule in enumerate(spec.get("rules") or ()):
        errors += _rule_errors(rule, _SPEC.child("rules").at(i))
    return errors


def _precedence_errors(precedence: int, name: str) -> list[FieldError]:
    path, errors = _SPEC.child("matchingPrecedence"), list[FieldError]()
    if precedence <= 0:
        errors.append(invalid(path, precedence, "must be a positive value"))
    if precedence > _HIGHEST:
        errors.append(invalid(path, precedence, f"must not be greater than {_HIGHEST}"))
    if precedence == 1 and name != _EXEMPT:
        errors.append(invalid(path, precedence,
                              "only the schema named 'exempt' may have matchingPrecedence 1"))
    return errors


def _rule_errors(rule: Object, path: Path) -> list[FieldError]:
    subjects, own = rule.get("subjects") or (), path.child("subjects")
    errors = [] if subjects else [required(own, "subjects must contain at least one value")]
    for i, subject in enumerate(subjects):
        errors += _subject_errors(subject, own.at(i))
    resources, others = rule.get("resourceRules") or (), rule.get("nonResourceRules") or ()
    if not resources and not others:
        errors.append(required(path, "at least one of resourceRules and nonResourceRules has to "
                               "be non-empty"))
    for i, each in enumerate(resources):
        errors += _resource_errors(each, path.child("resourceRules").at(i))
    for i, each in enumerate(others):
        errors += _url_rule_errors(each, path.child("nonResourceRules").at(i))
    return errors


def _subject_errors(subject: Object, path: Path) -> list[FieldError]:
    kind = subject.get("kind") or ""
    if kind not in _SUBJECTS:
        return [not_supported(path.child("kind"), kind, tuple(_SUBJECTS))]
    errors = _own_errors(subject.get(_SUBJECTS[kind]), kind, path.child(_SUBJECTS[kind]))
    for other in ("ServiceAccount", "User", "Group"):
        name = _SUBJECTS[other]
        if other != kind and subject.get(name) is not None:
            errors.append(forbidden(path.child(name), f"{name} is forbidden when subject kind is "
                                    f"not '{other}'"))
    return errors


def _own_errors(who: Object | None, kind: str, path: Path) -> list[FieldError]:
    if who is None:
        return [required(path, f"{_SUBJECTS[kind]} is required when subject kind is '{kind}'")]
    name, own = who.get("name") or "", path.child("name")
    errors = [] if name else [required(own)]
    if kind != "ServiceAccount":
        return errors
    if name and name != "*":
        errors += all_invalid(own, name, is_dns1123_subdomain(name))
    namespace, own = who.get("namespace") or "", path.child("namespace")
    return errors + (all_invalid(own, namespace, is_dns1123_label(namespace)) if namespace else [
        required(own, "must specify namespace for service account")])


def _alone_errors(values: Sequence[str], path: Path, missing: str, others: str) -> list[FieldError]:
    """Something must be there, and `*` has no company."""
    if not values:
        return [required(path, missing)]
    if len(values) > 1 and "*" in values:
        return [invalid(path, values, f"if '*' is present, must not specify other {others}")]
    return []


def _verbs_errors(verbs: Sequence[str], path: Path) -> list[FieldError]:
    errors = _alone_errors(verbs, path, "verbs must contain at least one value", "verbs")
    if verbs and "*" not in verbs and not set(verbs) <= set(_VERBS):
        errors.append(not_supported(path, verbs, _VERBS))
    return errors


def _resource_errors(rule: Object, path: Path) -> list[FieldError]:
    errors = _verbs_errors(rule.get("verbs") or [], path.child("verbs"))
    for name, one, others in (("apiGroups", "api group", "api groups"),
                              ("resources", "resource", "resources")):
        errors += _alone_errors(rule.get(name) or [], path.child(name),
                                f"resource rules must supply at least one {one}", others)
    namespaces, own = rule.get("namespaces") or [], path.child("namespaces")
    if not namespaces and rule.get("clusterScope"):
        return errors
    errors += _alone_errors(namespaces, own, "resource rules that are not cluster scoped must "
                            "supply at least one namespace", "namespaces")
    intro = "each member of this list must be '*' or a DNS-1123 label; "
    return errors + [invalid(own.at(i), each, intro + text)
                     for i, each in enumerate(namespaces) if "*" not in namespaces
                     for text in is_dns1123_label(each)]


def _url_rule_errors(rule: Object, path: Path) -> list[FieldError]:
    urls, own = rule.get("nonResourceURLs") or [], path.child("nonResourceURLs")
    errors = _verbs_errors(rule.get("verbs") or [], path.child("verbs"))
    errors += _alone_errors(urls, own, "nonResourceURLs must contain at least one value",
                            "non-resource URLs")
    return errors + [invalid(own.at(i), url, text) for i, url in enumerate(urls)
                     if "*" not in urls and (text := _url_error(url))]


def _url_error(url: str) -> str:
    if not url:
        return "must not be empty"
    if url == "/":
        return ""
    if not url.startswith("/"):
        return "must start with slash"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    stars = url.count("*")
    wrong = stars > 1 or (stars == 1 and not url.endswith("/*"))
    return "wildcard can only do suffix matching" if wrong else ""


# --- PriorityLevelConfiguration ----------------------------------------------------------------


def level_errors(spec: Object, name: str) -> list[FieldError]:
    """What is wrong with a PriorityLevelConfigurationSpec."""
    kind, errors = spec.get("type") or "", list[FieldError]()
    if (name == _EXEMPT) != (kind == "Exempt"):
        errors.append(invalid(_SPEC.child("type"), kind,
                              "type must be 'Exempt' if and only if name is 'exempt'"))
    if kind not in ("Exempt", "Limited"):
        return [*errors, not_supported(_SPEC.child("type"), kind, ["Exempt", "Limited"])]
    own, other = ("exempt", "limited") if kind == "Exempt" else ("limited", "exempt")
    if spec.get(other) is not None:
        errors.append(forbidden(_SPEC.child(other),
                                f"must be nil if the type is not {other.capitalize()}"))
    part = spec.get(own)
    if part is None:
        return [*errors, required(_SPEC.child(own), f"must not be empty when type is {kind}")]
    return errors + _shares_errors(part, _SPEC.child(own), limited=kind == "Limited")


def _shares_errors(part: Object, path: Path, *, limited: bool) -> list[FieldError]:
    shares, lendable, borrowed = (part.get(name) for name in (
        "nominalConcurrencyShares", "lendablePercent", "borrowingLimitPercent"))
    errors: list[FieldError] = []
    if shares is not None and shares < 0:
        errors.append(invalid(path.child("nominalConcurrencyShares"), shares, _NOT_NEGATIVE))
    if limited:
        errors += _response_errors(part.get("limitResponse") or {}, path.child("limitResponse"))
    if lendable is not None and not 0 <= lendable <= 100:
        errors.append(invalid(path.child("lendablePercent"), lendable,
                              "must be between 0 and 100, inclusive"))
    if borrowed is not None and borrowed < 0:
        errors.append(invalid(path.child("borrowingLimitPercent"), borrowed,
                              f"if specified, {_NOT_NEGATIVE}"))
    return errors


def _response_errors(response: Object, path: Path) -> list[FieldError]:
    kind, queuing, own = response.get("type") or "", response.get("queuing"), path.child("queuing")
    if kind not in ("Queue", "Reject"):
        return [not_supported(path.child("type"), kind, ["Queue", "Reject"])]
    if kind == "Reject":
        return [] if queuing is None else [forbidden(
            own, "must be nil if limited.limitResponse.type is not Limited")]
    if queuing is None:
        return [required(own, "must not be empty if limited.limitResponse.type is Limited")]
    return _queuing_errors(queuing, own)


def _queuing_errors(queuing: Object, path: Path) -> list[FieldError]:
    length, queues, hand = (queuing.get(name) or 0 for name in (
        "queueLengthLimit", "queues", "handSize"))
    errors = [invalid(path.child(name), value, "must be positive")
              for name, value in (("queueLengthLimit", length), ("queues", queues)) if value <= 0]
    if queues > _MOST_QUEUES:
        errors.append(invalid(path.child("queues"), queues,
                              f"must not be greater than {_MOST_QUEUES}"))
    wrong = _hand_error(queues, hand)
    return [*errors, invalid(path.child("handSize"), hand, wrong)] if wrong else errors


def _hand_error(queues: int, hand: int) -> str:
    """Shuffle sharding deals a hand from the 60 bits of a hash."""
    if hand <= 0:
        return "must be positive"
    if hand > queues:
        return f"should not be greater than queues ({queues})"
    if math.ceil(math.log2(queues) * hand) > _MOST_BITS:
        return (f"required entropy bits of deckSize {queues} and handSize {hand} should not be "
                f"greater than {_MOST_BITS}")
    return ""


def conditions_errors(status: Object) -> list[FieldError]:
    """What is wrong with the conditions of either kind."""
    conditions = status.get("conditions") or ()
    kinds, errors = [c.get("type") or "" for c in conditions], list[FieldError]()
    for i, kind in enumerate(kinds):
        path = Path("status.conditions").at(i).child("type")
        if kind in kinds[:i]:
            errors.append(duplicate(path, kind))
        if not kind:
            errors.append(required(path, "must not be empty"))
    return errors
