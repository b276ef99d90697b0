"""ClusterRoles that are made of others. Models syncClusterRole of
pkg/controller/clusterroleaggregation.

Shared by the controller and by the policy of a fresh cluster, which is stored as the controller
would leave it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.machinery import meta
from apiserver.machinery.selectors import from_label_selector

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apiserver.machinery.types import Object


def selectors_of(role: Object) -> list[Object]:
    """Which roles an aggregated role is made of; none for ordinary roles."""
    return list((role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ())


def aggregated_rules(role: Object, roles: Iterable[Object]) -> list[Object]:
    """The rules of all roles that the selectors match, by their names, each rule once."""
    rules: list[Object] = []
    others = [(meta.labels(other), other) for other in roles if other is not role]
    for selector in map(from_label_selector, selectors_of(role)):
        chosen = [other for labels, other in others if selector.matches(labels)]
        for other in sorted(chosen, key=meta.name):
            rules += [rule for rule in other.get("rules") or () if rule not in rules]
    return rules
