"""The roles and bindings of a fresh cluster, from policy.txt. Models bootstrappolicy.

The objects are made once a process and shared by its clusters, which give each a metadata of its
own: a cluster has some 150 of them, and must start in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.rbac import aggregated_rules, selectors_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apiserver.machinery.types import Object

GROUP: Final = "rbac.authorization.k8s.io"
AUTO_UPDATE: Final = "rbac.authorization.kubernetes.io/autoupdate"
_LABELS: Final = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_ANNOTATIONS: Final = {AUTO_UPDATE: "true"}
_CONTROLLER: Final = "system:controller:"
_ACCOUNTS: Final = "kube-system"
_WORDS: Final = {
    "read": ("get", "list", "watch"),
    "write": ("create", "update", "patch", "delete", "deletecollection"),
    "core": ("",),
}
_NEWEST: Final = 37
_SINCE: Final = f" since=1.{_NEWEST}"
_EVENTS: Final = "create,update,patch core,events.k8s.io events"


@dataclass(frozen=True, slots=True)
class Default:
    """One object, but for what each cluster adds to its metadata."""

    kind: str
    namespace: str
    name: str
    object: Object
    """Shared: never to be changed."""


def defaults(minor: int = _NEWEST) -> tuple[Default, ...]:
    """Every role, then every binding, in the order of policy.txt, as of Kubernetes 1.`minor`."""
    return _defaults(minor >= _NEWEST)


@cache
def _defaults(newest: bool) -> tuple[Default, ...]:
    text = (Path(__file__).parent / "policy.txt").read_text("utf-8")
    made = [default for head, rules in _stanzas(_of_version(text, newest))
            for default in _default(head, rules)]
    _aggregate(made)
    return (*(each for each in made if "Binding" not in each.kind),
            *(each for each in made if "Binding" in each.kind))


def _of_version(text: str, newest: bool) -> str:
    """Without what is marked as new; the mark is on a rule or on a head that has all its rules."""
    lines = (line for line in text.splitlines() if newest or not line.endswith(_SINCE))
    return "\n".join(line.removesuffix(_SINCE) for line in lines)


def _aggregate(made: Sequence[Default]) -> None:
    """Give aggregated roles their rules, as the controller would; again while something changes,
    since they are made of one another."""
    roles = [default.object for default in made if default.kind == "ClusterRole"]
    changed = True
    while changed:
        changed = False
        for role in filter(selectors_of, roles):
            rules = aggregated_rules(role, roles)
            if rules != role["rules"]:
                role["rules"], changed = rules, True


def _stanzas(text: str) -> Iterator[tuple[list[str], list[Object]]]:
    """Head line and rules of each declaration."""
    head: list[str] = []
    rules: list[Object] = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith(" "):
            rules.append(_rule(_EVENTS if line.strip() == "events" else line))
            continue
        if head:
            yield head, rules
        head, rules = line.split(), []
    yield head, rules


def _rule(line: str) -> Object:
    verbs, groups, what, *names = line.split()
    if groups == "url":
        return {"verbs": _values(verbs), "nonResourceURLs": _values(what)}
    rule: Object = {"verbs": _values(verbs), "apiGroups": _values(groups),
                    "resources": _values(what)}
    return {**rule, "resourceNames": _values(names[0])} if names else rule


def _values(text: str) -> list[str]:
    """A list in order, with words for what is frequent."""
    return sorted(value for word in text.split(",") for value in _WORDS.get(word, (word,)))


def _default(head: list[str], rules: list[Object]) -> Iterator[Default]:
    what, *words = head
    if what == "clusterrole":
        yield _cluster_role(words[0], rules, dict(word.split("=") for word in words[1:]))
    elif what == "controller":
        name = _CONTROLLER + words[0]
        yield _cluster_role(name, rules, {})
        yield _cluster_binding(name, [f"account:{_ACCOUNTS}/{words[0]}"])
    elif what == "role":
        yield _made("Role", words[0], words[1], {"rules": rules})
    elif what == "clusterbinding":
        yield _cluster_binding(words[0], words[1].split(",") if words[1:] else [])
    else:
        assert what == "binding", head
        namespace, name, role, subjects = words
        reference = {"apiGroup": GROUP, "kind": "Role", "name": role}
        yield _made("RoleBinding", namespace, name, {
            "roleRef": reference, "subjects": _subjects(subjects.split(","))})


def _cluster_role(name: str, rules: list[Object], options: dict[str, str]) -> Default:
    labels = {f"{GROUP}/{options['label']}": "true"} if "label" in options else {}
    body: Object = {"rules": rules}
    if "aggregates" in options:
        selector = {"matchLabels": {f"{GROUP}/{options['aggregates']}": "true"}}
        body = {"rules": None, "aggregationRule": {"clusterRoleSelectors": [selector]}}
    return _made("ClusterRole", "", name, body, labels)


def _cluster_binding(name: str, subjects: Sequence[str]) -> Default:
    body: Object = {"roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": name}}
    if subjects:
        body["subjects"] = _subjects(subjects)
    return _made("ClusterRoleBinding", "", name, body)


def _subjects(words: Sequence[str]) -> list[Object]:
    return [_subject(*word.split(":", 1)) for word in words]


def _subject(kind: str, name: str) -> Object:
    if kind == "account":
        namespace, _, account = name.partition("/")
        return {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    return {"apiGroup": GROUP, "kind": kind.capitalize(), "name": name}


def _made(kind: str, namespace: str, name: str, body: Object,
          labels: dict[str, str] | None = None) -> Default:
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    metadata |= {"labels": {**_LABELS, **(labels or {})}, "annotations": _ANNOTATIONS}
    return Default(kind, namespace, name, {
        "kind": kind, "apiVersion": f"{GROUP}/v1", "metadata": metadata, **body})
