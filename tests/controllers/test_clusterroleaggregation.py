"""ClusterRoles that are made of others follow them."""

from __future__ import annotations

from typing import Any

from apiserver.machinery.rbac import aggregated_rules
from controllers.clusterroleaggregation import CLUSTERROLES
from tests.controllers.world import World


def role(name: str, *verbs: str, labels: dict[str, str] | None = None,
         of: dict[str, str] | None = None) -> dict[str, Any]:
    """A role with one rule a verb, or one that is made of those with the labels `of`."""
    made: dict[str, Any] = {
        "metadata": {"name": name, "labels": labels or {}},
        "rules": [{"verbs": [v], "apiGroups": [""], "resources": ["pods"]} for v in verbs]}
    if of is not None:
        made["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": of}]}
    return made


def verbs(world: World, name: str) -> list[str]:
    return [rule["verbs"][0] for rule in world.get(CLUSTERROLES, name, None)["rules"]]


def test_rules_come_by_name_and_once() -> None:
    parts = [role("b", "get", "list", labels={"a": "1"}), role("a", "list", labels={"a": "1"}),
             role("c", "delete")]
    rules = aggregated_rules(role("all", of={"a": "1"}), parts)
    assert [rule["verbs"] for rule in rules] == [["list"], ["get"]]


def test_an_aggregated_role_follows_its_parts() -> None:
    world = World("clusterrole-aggregation-controller")
    world.create(CLUSTERROLES, role("all", of={"a": "1"}))
    world.create(CLUSTERROLES, role("some", of={"b": "1"}, labels={"a": "1"}))
    world.create(CLUSTERROLES, role("part", "get", labels={"b": "1"}))
    assert verbs(world, "all") == verbs(world, "some") == ["get"]
    world.delete(CLUSTERROLES, "part", place=None)
    assert world.get(CLUSTERROLES, "all", None).get("rules") in ([], None)
