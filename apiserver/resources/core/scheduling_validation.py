"""What is wrong with where a pod wants to run: affinity, tolerations, spreading. Models
validateAffinity, ValidateTolerations and validateTopologySpreadConstraints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import (
    is_dns1123_label,
    is_dns1123_subdomain,
    is_qualified_name,
    is_valid_label_value,
)
from apiserver.machinery.selectors import selector_errors
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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

EFFECTS: Final = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_OPERATOR: Final = "not a valid selector operator"
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"


def affinity_errors(affinity: Object | None, path: Path) -> list[FieldError]:
    """What is wrong with `affinity`."""
    errors: list[FieldError] = []
    affinity = affinity or {}
    if affinity.get("nodeAffinity") is not None:
        errors += _node_affinity_errors(affinity["nodeAffinity"], path.child("nodeAffinity"))
    for name in ("podAffinity", "podAntiAffinity"):
        if affinity.get(name) is not None:
            errors += _pod_affinity_errors(affinity[name], path.child(name))
    return errors


def _node_affinity_errors(affinity: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    if affinity.get(_REQUIRED) is not None:
        errors += node_selector_errors(affinity[_REQUIRED], path.child(_REQUIRED))
    for i, term in enumerate(affinity.get(_PREFERRED) or ()):
        own = path.child(_PREFERRED).at(i)
        errors += _weight_errors(term, own)
        errors += _term_errors(term.get("preference") or {}, own.child("preference"), values=False)
    return errors


def node_selector_errors(selector: Object, path: Path) -> list[FieldError]:
    """What is wrong with a NodeSelector."""
    terms, own = selector.get("nodeSelectorTerms") or (), path.child("nodeSelectorTerms")
    if not terms:
        return [required(own, "must have at least one node selector term")]
    return [error for i, term in enumerate(terms)
            for error in _term_errors(term, own.at(i), values=True)]


def _term_errors(term: Object, path: Path, *, values: bool) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, requirement in enumerate(term.get("matchExpressions") or ()):
        errors += _requirement_errors(requirement, path.child("matchExpressions").at(i), values)
    for i, requirement in enumerate(term.get("matchFields") or ()):
        errors += _field_errors(requirement, path.child("matchFields").at(i))
    return errors


def _requirement_errors(requirement: Object, path: Path, check_values: bool) -> list[FieldError]:
    operator, values = requirement.get("operator") or "", requirement.get("values") or ()
    own = path.child("values")
    errors: list[FieldError] = []
    if operator in ("In", "NotIn"):
        if not values:
            errors.append(required(own, "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            errors.append(forbidden(own, "may not be specified when `operator` is 'Exists' or "
                                    "'DoesNotExist'"))
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            errors.append(required(own, "must be specified single value when `operator` is 'Lt' "
                                   "or 'Gt'"))
    else:
        errors.append(invalid(path.child("operator"), operator, _OPERATOR))
    key = requirement.get("key") or ""
    errors += all_invalid(path.child("key"), key, is_qualified_name(key))
    if check_values:
        for i, value in enumerate(values):
            errors += all_invalid(own.at(i), value, is_valid_label_value(value))
    return errors


def _field_errors(requirement: Object, path: Path) -> list[FieldError]:
    operator, values = requirement.get("operator") or "", requirement.get("values") or ()
    errors: list[FieldError] = []
    if operator not in ("In", "NotIn"):
        errors.append(invalid(path.child("operator"), operator, _OPERATOR))
    elif len(values) != 1:
        errors.append(required(path.child("values"), "must be only one value when `operator` is "
                               "'In' or 'NotIn' for node field selector"))
    if requirement.get("key") != "metadata.name":
        return [*errors, invalid(path.child("key"), requirement.get("key") or "",
                                 "not a valid field selector key")]
    for i, value in enumerate(values):
        errors += all_invalid(path.child("values").at(i), value, is_dns1123_subdomain(value))
    return errors


def _weight_errors(term: Object, path: Path) -> list[FieldError]:
    weight = term.get("weight") or 0
    if 0 < weight <= 100:
        return []
    return [invalid(path.child("weight"), weight, "must be in the range 1-100")]


def _pod_affinity_errors(affinity: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, term in enumerate(affinity.get(_REQUIRED) or ()):
        errors += _pod_term_errors(term, path.child(_REQUIRED).at(i))
    for i, weighted in enumerate(affinity.get(_PREFERRED) or ()):
        own = path.child(_PREFERRED).at(i)
        errors += _weight_errors(weighted, own)
        errors += _pod_term_errors(weighted.get("podAffinityTerm") or {},
                                   own.child("podAffinityTerm"))
    return errors


def _pod_term_errors(term: Object, path: Path) -> list[FieldError]:
    errors = selector_errors(term.get("labelSelector"), path.child("labelSelector"))
    errors += selector_errors(term.get("namespaceSelector"), path.child("namespaceSelector"))
    for name in term.get("namespaces") or ():
        errors += all_invalid(path.child("namespace"), name, is_dns1123_label(name))
    errors += _label_keys_errors(term, path)
    key = term.get("topologyKey") or ""
    if not key:
        errors.append(required(path.child("topologyKey"), "can not be empty"))
    return errors + all_invalid(path.child("topologyKey"), key, is_qualified_name(key))


def _label_keys_errors(term: Object, path: Path) -> list[FieldError]:
    match, mismatch = term.get("matchLabelKeys") or [], term.get("mismatchLabelKeys") or []
    errors = _keys_errors(match, term, path.child("matchLabelKeys"))
    errors += _keys_errors(mismatch, term, path.child("mismatchLabelKeys"))
    selector = term.get("labelSelector") or {}
    keys = set(selector.get("matchLabels") or ())
    for expression in selector.get("matchExpressions") or ():
        key = expression.get("key")
        if key in match and key in keys:
            errors.append(invalid(path.at(match.index(key)), key,
                                  "exists in both matchLabelKeys and labelSelector"))
        keys.add(key)
    errors += [invalid(path.child("matchLabelKeys").at(i), key,
                       "exists in both matchLabelKeys and mismatchLabelKeys")
               for i, key in enumerate(match) if key in mismatch]
    return errors


def _keys_errors(keys: Sequence[str], term: Object, path: Path) -> list[FieldError]:
    if not keys:
        return []
    if term.get("labelSelector") is None:
        return [forbidden(path, "must not be specified when labelSelector is not set")]
    return [error for i, key in enumerate(keys)
            for error in all_invalid(path.at(i), key, is_qualified_name(key))]


def tolerations_errors(tolerations: Sequence[Object], path: Path) -> list[FieldError]:
    """What is wrong with `tolerations`."""
    return [error for i, toleration in enumerate(tolerations)
            for error in _toleration_errors(toleration, path.at(i))]


def _toleration_errors(toleration: Object, path: Path) -> list[FieldError]:
    key, effect = toleration.get("key") or "", toleration.get("effect") or ""
    operator = toleration.get("operator") or ""
    errors = all_invalid(path.child("key"), key, is_qualified_name(key)) if key else []
    if not key and operator != "Exists":
        errors.append(invalid(path.child("operator"), operator, "operator must be Exists when "
                              '`key` is empty, which means "match all values and all keys"'))
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        errors.append(invalid(path.child("effect"), effect,
                              "effect must be 'NoExecute' when `tolerationSeconds` is set"))
    errors += _operator_errors(operator, toleration.get("value") or "", path.child("operator"))
    if effect and effect not in EFFECTS:
        errors.append(not_supported(path.child("effect"), effect, EFFECTS))
    return errors


def _operator_errors(operator: str, value: str, path: Path) -> list[FieldError]:
    if operator in ("Equal", ""):
        wrong = is_valid_label_value(value)
        return [invalid(path, value, ";".join(wrong))] if wrong else []
    if operator == "Exists":
        return [invalid(path, value, "value must be empty when `operator` is 'Exists'")] \
            if value else []
    return [not_supported(path, operator, ["Equal", "Exists"])]


def taints_errors(taints: Sequence[Object], path: Path) -> list[FieldError]:
    """What is wrong with a node's taints."""
    errors: list[FieldError] = []
    seen: set[tuple[str, str]] = set()
    for i, taint in enumerate(taints):
        own = path.at(i)
        key, value, effect = (taint.get(n) or "" for n in ("key", "value", "effect"))
        errors += all_invalid(own.child("key"), key, is_qualified_name(key))
        if wrong := is_valid_label_value(value):
            errors.append(invalid(own.child("value"), value, ";".join(wrong)))
        if effect not in EFFECTS:
            errors.append(not_supported(own.child("effect"), effect, EFFECTS) if effect
                          else required(own.child("effect")))
        if (effect, key) in seen:
            shown = internal_struct(taint, ("Key", ""), ("Value", ""), ("Effect", ""), "TimeAdded")
            errors.append(FieldError("FieldValueDuplicate", own, shown,
                                     "taints must be unique by key and effect pair"))
        seen.add((effect, key))
    return errors


def spread_errors(constraints: Sequence[Object], path: Path) -> list[FieldError]:
    """What is wrong with `topologySpreadConstraints`."""
    errors: list[FieldError] = []
    for i, constraint in enumerate(constraints):
        own = path.at(i)
        errors += _spread_basics(constraint, own)
        pair = (constraint.get("topologyKey") or "", constraint.get("whenUnsatisfiable") or "")
        if any(pair == (c.get("topologyKey") or "", c.get("whenUnsatisfiable") or "")
               for c in constraints[i + 1:]):
            errors.append(duplicate(own.child("{topologyKey, whenUnsatisfiable}"),
                                    f"{{{pair[0]}, {pair[1]}}}"))
        errors += _min_domains_errors(constraint, own.child("minDomains"))
        for name in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            if constraint.get(name) not in (None, "Honor", "Ignore"):
                errors.append(not_supported(own.child(name), constraint[name],
                                            ["Honor", "Ignore"]))
        errors += _spread_keys_errors(constraint, own.child("matchLabelKeys"))
        errors += selector_errors(constraint.get("labelSelector"), own.child("labelSelector"))
    return errors


def _spread_basics(constraint: Object, path: Path) -> list[FieldError]:
    skew, action = constraint.get("maxSkew") or 0, constraint.get("whenUnsatisfiable") or ""
    errors = []
    if skew <= 0:
        errors.append(invalid(path.child("maxSkew"), skew, "must be greater than zero"))
    if not constraint.get("topologyKey"):
        errors.append(required(path.child("topologyKey"), "can not be empty"))
    if action not in ("DoNotSchedule", "ScheduleAnyway"):
        errors.append(not_supported(path.child("whenUnsatisfiable"), action,
                                    ["DoNotSchedule", "ScheduleAnyway"]))
    return errors


def _min_domains_errors(constraint: Object, path: Path) -> list[FieldError]:
    number, action = constraint.get("minDomains"), constraint.get("whenUnsatisfiable") or ""
    if number is None:
        return []
    errors = [invalid(path, number, "must be greater than zero")] if number <= 0 else []
    if action != "DoNotSchedule":
        errors.append(invalid(path, number, "can only use minDomains if "
                              f"whenUnsatisfiable=DoNotSchedule, not {action}"))
    return errors


def _spread_keys_errors(constraint: Object, path: Path) -> list[FieldError]:
    keys, selector = constraint.get("matchLabelKeys") or (), constraint.get("labelSelector")
    if not keys:
        return []
    errors = []
    if selector is None:
        errors.append(forbidden(path, "must not be specified when labelSelector is not set"))
    known = set((selector or {}).get("matchLabels") or ())
    known |= {e.get("key") for e in (selector or {}).get("matchExpressions") or ()}
    for i, key in enumerate(keys):
        errors += all_invalid(path.at(i), key, is_qualified_name(key))
        if key in known:
            errors.append(invalid(path.at(i), key,
                                  "exists in both matchLabelKeys and labelSelector"))
    return errors
