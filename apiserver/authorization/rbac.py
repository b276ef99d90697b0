"""The RBAC authorizer. Models plugin/pkg/auth/authorizer/rbac and pkg/registry/rbac/validation.

It reads roles and bindings through a `Lister`, so that it knows nothing of the store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from apiserver.authorization.attributes import Attributes, Decision
from apiserver.authorization.rules import allows
from apiserver.machinery.validation import go_quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


@dataclass(frozen=True, slots=True)
class Granted:
    """What a user may do in a namespace: each rule with the binding that grants it."""

    rules: Sequence[tuple[Object, str]]
    errors: Sequence[str]
    """What was referred to and is not there."""


class Authorizer:
    """May a user do this? Members of system:masters may do all; else some rule must allow it."""

    def __init__(self, lister: Lister) -> None:
        self._lister = lister

    def decide(self, attributes: Attributes) -> Decision:
        """The first rule that allows a request decides; no rule, no access."""
        if MASTERS in attributes.user.groups:
            return Decision(True)
        granted = self.granted(attributes.user, attributes.namespace)
        for rule, reason in granted.rules:
            if allows(rule, attributes):
                return Decision(True, f"RBAC: allowed by {reason}")
        return Decision(False, f"RBAC: {_aggregate(granted.errors)}" if granted.errors else "")

    def rules_for(self, user: User, namespace: str) -> list[Object]:
        """Every rule that applies to a user in a namespace, cluster-wide ones first."""
        return [rule for rule, _ in self.granted(user, namespace).rules]

    def problem_for(self, user: User, namespace: str) -> str:
        """Which roles a user is bound to that are not there; '' when all are."""
        errors = self.granted(user, namespace).errors
        return _aggregate(errors) if errors else ""

    def granted(self, user: User, namespace: str) -> Granted:
        """Every rule that applies to a user in a namespace, and who grants it."""
        rules: list[tuple[Object, str]] = []
        errors: list[str] = []
        for binding in self._lister.cluster_role_bindings():
            self._add(binding, user, "", (rules, errors))
        for binding in self._lister.role_bindings(namespace) if namespace else ():
            self._add(binding, user, namespace, (rules, errors))
        return Granted(rules, errors)

    def role_of(self, ref: Object, namespace: str) -> Object | None:
        """The role that a binding refers to."""
        if ref.get("kind") == "ClusterRole":
            return self._lister.cluster_role(ref["name"])
        return self._lister.role(namespace, ref["name"])

    def _add(self, binding: Object, user: User, namespace: str,
             found: tuple[list[tuple[Object, str]], list[str]]) -> None:
        for subject in binding.get("subjects") or ():
            if applies_to(user, subject, namespace):
                ref = binding["roleRef"]
                role = self.role_of(ref, namespace)
                if role is None:
                    kind, name = ref["kind"].lower(), go_quote(ref["name"])
                    found[1].append(f"{kind}.rbac.authorization.k8s.io {name} not found")
                    return
                reason = _reason(binding, subject, namespace)
                found[0].extend((rule, reason) for rule in role.get("rules") or ())
                return


def _aggregate(errors: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(errors))
    return distinct[0] if len(distinct) == 1 else f"[{', '.join(distinct)}]"


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
