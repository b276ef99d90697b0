"""Which FlowSchema a request falls under. Models util/flowcontrol/rule.go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from apiserver.authorization.attributes import Attributes
    from apiserver.context import User
    from apiserver.machinery.types import Object

_ALL: Final = "*"
_ACCOUNT: Final = "system:serviceaccount:"


def in_order(schemas: Iterable[Object]) -> list[Object]:
    """The schemas as they are asked: by precedence, then by name."""
    return sorted(schemas, key=lambda each: (
        each["spec"].get("matchingPrecedence") or 0, each["metadata"]["name"]))


def matches(schema: Object, asked: Attributes) -> bool:
    """Whether some rule of a schema is about this user and this request."""
    return any(_is_about(rule, asked) for rule in schema["spec"].get("rules") or ())


def _is_about(rule: Object, asked: Attributes) -> bool:
    if not any(_is_subject(each, asked.user) for each in rule.get("subjects") or ()):
        return False
    if asked.resource:
        return any(_is_resource(each, asked) for each in rule.get("resourceRules") or ())
    return any(_is_path(each, asked) for each in rule.get("nonResourceRules") or ())


def _is_subject(subject: Object, user: User) -> bool:
    kind = subject["kind"]
    if kind == "User":
        return _names(subject["user"]["name"], (user.name,))
    if kind == "Group":
        return _names(subject["group"]["name"], user.groups)
    account = subject["serviceAccount"]
    if not user.name.startswith(_ACCOUNT):
        return False
    namespace, _, name = user.name.removeprefix(_ACCOUNT).partition(":")
    return bool(namespace == account.get("namespace")) and _names(account.get("name"), (name,))


def _names(wanted: str | None, present: Sequence[str]) -> bool:
    return wanted == _ALL or wanted in present


def _is_resource(rule: Object, asked: Attributes) -> bool:
    if not (_holds(rule, "verbs", asked.verb) and _holds(rule, "apiGroups", asked.group)
            and _holds(rule, "resources", asked.combined_resource)):
        return False
    if not asked.namespace:
        return bool(rule.get("clusterScope"))
    return _holds(rule, "namespaces", asked.namespace)


def _holds(rule: Object, field: str, value: str) -> bool:
    values = rule.get(field) or ()
    return value in values or _ALL in values


def _is_path(rule: Object, asked: Attributes) -> bool:
    return _holds(rule, "verbs", asked.verb) and any(
        path == _ALL or path == asked.path
        or (path.endswith("/*") and asked.path.startswith(path[:-1]))
        for path in rule.get("nonResourceURLs") or ())
