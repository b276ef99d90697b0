"""The RBAC authorizer. Models plugin/pkg/auth/authorizer/rbac and pkg/registry/rbac/validation.

It reads roles and bindings through a `Lister`, so that it knows nothing of the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from apiserver.authorization.attributes import Attributes, Decision
from apiserver.authorization.rules import allows
from apiserver.machinery.validation import go_quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from apiserver.context import User
    from apiserver.machinery.types import Object

MASTERS: Final = "system:masters"


class Lister(Protocol):
    """Where roles and bindings come from. Objects are shared and never changed."""

    def role(self, namespace: str, name: str) -> Object | None:
        """A Role."""

    def cluster_role(self, name: str) -> Object | None:
        """A ClusterRole."""

    def role_bindings(self, namespace: str) -> Iterable[Object]:
        """The RoleBindings of a namespace."""

    def cluster_role_bindings(self) -> Iterable[Object]:
        """All ClusterRoleBindings."""


class Authorizer:
    """May a user do this? Members of system:masters may do all; else some rule must allow it."""

    def __init__(self, lister: Lister) -> None:
        self._lister = lister

    def decide(self, attributes: Attributes) -> Decision:
        """The first rule that allows a request decides; no rule, no access."""
        if MASTERS in attributes.user.groups:
            return Decision(True)
        for rule, reason in self._rules(attributes.user, attributes.namespace):
            if allows(rule, attributes):
                return Decision(True, f"RBAC: allowed by {reason}")
        return Decision(False)

    def rules_for(self, user: User, namespace: str) -> list[Object]:
        """Every rule that applies to a user in a namespace, cluster-wide ones first."""
        if MASTERS in user.groups:
            return [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
                    {"nonResourceURLs": ["*"], "verbs": ["*"]}]
        return [rule for rule, _ in self._rules(user, namespace)]

    def rules_of(self, ref: Object, namespace: str) -> Sequence[Object]:
        """The rules of what a binding refers to; none when it does not exist."""
        if ref.get("kind") == "ClusterRole":
            role = self._lister.cluster_role(ref["name"])
        else:
            role = self._lister.role(namespace, ref["name"])
        return (role or {}).get("rules") or ()

    def _rules(self, user: User, namespace: str) -> Iterator[tuple[Object, str]]:
        for binding in self._lister.cluster_role_bindings():
            yield from self._bound(binding, user, "")
        if namespace:
            for binding in self._lister.role_bindings(namespace):
                yield from self._bound(binding, user, namespace)

    def _bound(self, binding: Object, user: User, namespace: str) -> Iterator[tuple[Object, str]]:
        for subject in binding.get("subjects") or ():
            if applies_to(user, subject, namespace):
                reason = _reason(binding, subject, namespace)
                for rule in self.rules_of(binding["roleRef"], namespace):
                    yield rule, reason
                return


def applies_to(user: User, subject: Object, namespace: str) -> bool:
    """Whether a binding's subject is this user."""
    kind, name = subject.get("kind"), subject.get("name", "")
    if kind == "User":
        return bool(user.name == name)
    if kind == "Group":
        return name in user.groups
    place = subject.get("namespace") or namespace
    return kind == "ServiceAccount" and user.name == f"system:serviceaccount:{place}:{name}"


def _reason(binding: Object, subject: Object, namespace: str) -> str:
    meta, ref = binding["metadata"], binding["roleRef"]
    who = f"{subject['kind']} {go_quote(_subject_name(subject, namespace))}"
    if namespace:
        which = f"RoleBinding {go_quote(meta['name'] + '/' + namespace)}"
    else:
        which = f"ClusterRoleBinding {go_quote(meta['name'])}"
    role = ref["name"] if ref["kind"] == "ClusterRole" else f"{ref['name']}/{namespace}"
    return f"{which} of {ref['kind']} {go_quote(role)} to {who}"


def _subject_name(subject: Object, namespace: str) -> str:
    if subject["kind"] != "ServiceAccount":
        return str(subject["name"])
    return f"{subject['name']}/{subject.get('namespace') or namespace}"
