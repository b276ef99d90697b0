"""Which requests a webhook or a policy is about. Models
apiserver/pkg/admission/plugin/webhook/predicates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.admission.asked import is_namespace
from apiserver.machinery import meta
from apiserver.machinery.selectors import from_label_selector
from apiserver.registry.shared_storage import equivalents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.admission.asked import Asked
    from apiserver.admission.lister import Lister
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry
    from apiserver.resource import Resource

_NEVER: Final = frozenset({
    "validatingwebhookconfigurations", "mutatingwebhookconfigurations",
    "validatingadmissionpolicies", "validatingadmissionpolicybindings",
    "mutatingadmissionpolicies", "mutatingadmissionpolicybindings"})
_REVIEWS: Final = frozenset({"authentication.k8s.io", "authorization.k8s.io"})


def is_exempt(resource: Resource, *, reviews: bool = False) -> bool:
    """Whether nothing may interfere with a kind: what could lock everybody out.

    `reviews`: policies leave access reviews alone too.
    """
    if resource.group == "admissionregistration.k8s.io":
        return resource.plural in _NEVER
    return reviews and resource.group in _REVIEWS


def matching_resource(registry: Registry, asked: Asked, rules: Iterable[Object],
                      policy: str) -> Resource | None:
    """The version in which a rule matches the request, None when none does.

    `policy` Equivalent: other served versions of the kind count too.
    """
    rules = list(rules)
    if any(_rule_matches(rule, asked, asked.resource) for rule in rules):
        return asked.resource
    if policy == "Exact" or not any(_may_match(rule, asked) for rule in rules):
        return None
    return next((other for other in equivalents(registry, asked.resource)[1:]
                 if any(_rule_matches(rule, asked, other) for rule in rules)), None)


def _may_match(rule: Object, asked: Asked) -> bool:
    return any(each in ("*", asked.operation) for each in rule.get("operations") or ())


def _rule_matches(rule: Object, asked: Asked, resource: Resource) -> bool:
    return (_may_match(rule, asked)
            and _in(resource.group, rule.get("apiGroups"))
            and _in(resource.version, rule.get("apiVersions"))
            and _scope_matches(rule.get("scope"), asked, resource)
            and any(_names(each, resource.plural, asked.subresource)
                    for each in rule.get("resources") or ())
            and (not rule.get("resourceNames") or asked.name in rule["resourceNames"]))


def _in(value: str, wanted: Iterable[str] | None) -> bool:
    return any(each in ("*", value) for each in wanted or ())


def _scope_matches(scope: str | None, asked: Asked, resource: Resource) -> bool:
    if scope in (None, "*"):
        return True
    return (scope == "Namespaced") == resource.namespaced


def _names(wanted: str, plural: str, subresource: str) -> bool:
    """`pods`, `pods/status`, `pods/*`, `*/scale`, `*` (no subresources), `*/*`."""
    own, _, sub = wanted.partition("/")
    return own in ("*", plural) and (sub == subresource or sub == "*")


def selects(hook: Mapping[str, Any], asked: Asked, namespaces: Lister) -> bool:
    """Whether namespaceSelector and objectSelector match. `namespaces` is refreshed."""
    return (_selects_namespace(hook.get("namespaceSelector"), asked, namespaces)
            and _selects_object(hook.get("objectSelector"), asked))


def _selects_namespace(selector: Object | None, asked: Asked, namespaces: Lister) -> bool:
    if not selector:
        return True
    if is_namespace(asked.resource):
        found = asked.obj if asked.obj is not None else asked.old
    elif not asked.namespace:
        return True
    else:
        found = namespaces.get("", asked.namespace)
    return from_label_selector(selector).matches(meta.labels(found) if found is not None else {})


def _selects_object(selector: Object | None, asked: Asked) -> bool:
    if not selector:
        return True
    wanted = from_label_selector(selector)
    return any(wanted.matches(meta.labels(one)) for one in (asked.obj, asked.old)
               if one is not None)
