"""PolicyRules: does one allow a request, do some cover others. Models component-helpers' rbac/v1
(EvaluationHelpers) and policy_comparator.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from apiserver.machinery.validation import go_quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apiserver.authorization.attributes import Attributes
    from apiserver.machinery.types import Object

ALL: Final = "*"

_COMPACT: Final = (("apiGroups", "APIGroups"), ("resources", "Resources"),
                   ("nonResourceURLs", "NonResourceURLs"), ("resourceNames", "ResourceNames"),
                   ("verbs", "Verbs"))
_ATOMS: Final = ("apiGroups", "resources", "verbs")


def allows(rule: Object, attributes: Attributes) -> bool:
    """Whether one rule allows a request (rbac.RuleAllows)."""
    if not _holds(rule.get("verbs"), attributes.verb):
        return False
    if not attributes.resource:
        return any(_path_matches(pattern, attributes.path)
                   for pattern in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames") or ()
    return (_holds(rule.get("apiGroups"), attributes.group)
            and any(resource_matches(wanted, attributes.combined_resource, attributes.subresource)
                    for wanted in rule.get("resources") or ())
            and (not names or attributes.name in names))


def resource_matches(wanted: str, combined: str, subresource: str) -> bool:
    """`*`, the same `resource[/subresource]`, or `*/subresource`."""
    return wanted in (ALL, combined) or (bool(subresource) and wanted == f"*/{subresource}")


def _holds(values: Sequence[str] | None, wanted: str) -> bool:
    return values is not None and (ALL in values or wanted in values)


def _path_matches(pattern: str, path: str) -> bool:
    if pattern in (ALL, path):
        return True
    return pattern.endswith(ALL) and path.startswith(pattern.rstrip(ALL))


def uncovered(held: Sequence[Object], wanted: Sequence[Object]) -> list[Object]:
    """What of `wanted` is not held, in the smallest rules (policy_comparator.Covers)."""
    missing = [atom for rule in wanted for atom in _break_down(rule)
               if not any(_covers(owned, atom) for owned in held)]
    return missing


def _break_down(rule: Object) -> Iterator[Object]:
    """One rule a (group, resource, name, verb), and one a (path, verb)."""
    names = rule.get("resourceNames") or ()
    for group, resource, verb in itertools.product(*(rule.get(key) or () for key in _ATOMS)):
        atom = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
        if not names:
            yield atom
        for name in names:
            yield {**atom, "resourceNames": [name]}
    for path, verb in itertools.product(rule.get("nonResourceURLs") or (), rule.get("verbs") or ()):
        yield {"nonResourceURLs": [path], "verbs": [verb]}


def _covers(owned: Object, atom: Object) -> bool:
    if not _holds(owned.get("verbs"), atom["verbs"][0]):
        return False
    if "nonResourceURLs" in atom:
        return any(_path_matches(pattern, atom["nonResourceURLs"][0])
                   for pattern in owned.get("nonResourceURLs") or ())
    resource = atom["resources"][0]
    subresource = resource.partition("/")[2]
    return (_holds(owned.get("apiGroups"), atom["apiGroups"][0])
            and any(resource_matches(r, resource, subresource) for r in owned.get("resources", ()))
            and _covers_names(owned.get("resourceNames") or (), atom.get("resourceNames") or ()))


def _covers_names(owned: Sequence[str], wanted: Sequence[str]) -> bool:
    return not owned or (bool(wanted) and wanted[0] in owned)


def compact(rules: Sequence[Object]) -> list[Object]:
    """Rules for the same group, resource and names become one with all their verbs, sorted."""
    merged: dict[tuple[str, ...], Object] = {}
    for rule in rules:
        key = tuple(str(rule.get(part)) for part, _ in _COMPACT if part != "verbs")
        if key in merged:
            verbs = list(dict.fromkeys([*merged[key]["verbs"], *rule["verbs"]]))
            merged[key] = {**merged[key], "verbs": verbs}
        else:
            merged[key] = rule
    return sorted(merged.values(), key=describe)


def describe(rule: Object) -> str:
    """`{APIGroups:[""], Resources:["pods"], Verbs:["get"]}` (rbac.PolicyRule.CompactString)."""
    parts = [f"{title}:[{' '.join(go_quote(v) for v in rule[key])}]"
             for key, title in _COMPACT if rule.get(key)]
    return "{" + ", ".join(parts) + "}"
