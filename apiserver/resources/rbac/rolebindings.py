"""RoleBindings and ClusterRoleBindings. Models pkg/registry/rbac/rolebinding."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery.names import is_dns1123_subdomain, is_path_segment
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    internal_struct,
    invalid,
    not_supported,
    required,
    same,
)
from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, named
from apiserver.resources.rbac.roles import GROUP
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.resource import Cell

_KINDS: Final = ("ServiceAccount", "User", "Group")
_REFERENCE: Final = Path("roleRef")


class RoleBindingStrategy(Strategy):
    """Who has a role, in a namespace."""

    name_rule = "pathsegment"
    create_on_update = True
    has_generation = False
    revalidates_metadata = True
    role_kinds: ClassVar[Sequence[str]] = ("Role", "ClusterRole")
    everywhere: ClassVar[bool] = False

    def default(self, obj: Object) -> None:
        reference = obj.setdefault("roleRef", {})
        if not reference.get("apiGroup"):
            reference["apiGroup"] = GROUP
        for subject in obj.get("subjects") or ():
            if subject.get("kind") in ("User", "Group") and not subject.get("apiGroup"):
                subject["apiGroup"] = GROUP

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        errors = self._reference_errors(obj.get("roleRef") or {})
        for i, subject in enumerate(obj.get("subjects") or ()):
            errors += _subject_errors(subject, Path("subjects").at(i), everywhere=self.everywhere)
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        errors = self.validate(ctx, obj)
        reference = obj.get("roleRef")
        if not same(reference, old.get("roleRef")):
            shown = internal_struct(reference, ("APIGroup:apiGroup", ""), ("Kind", ""),
                                    ("Name", ""))
            errors.append(invalid(_REFERENCE, shown, "cannot change roleRef"))
        return errors

    def _reference_errors(self, reference: Object) -> list[FieldError]:
        group, kind, name = (reference.get(key) or "" for key in ("apiGroup", "kind", "name"))
        errors: list[FieldError] = []
        if group != GROUP:
            errors.append(not_supported(_REFERENCE.child("apiGroup"), group, [GROUP]))
        if kind not in self.role_kinds:
            errors.append(not_supported(_REFERENCE.child("kind"), kind, self.role_kinds))
        if not name:
            return [*errors, required(_REFERENCE.child("name"))]
        return errors + all_invalid(_REFERENCE.child("name"), name, is_path_segment(name))


class ClusterRoleBindingStrategy(RoleBindingStrategy):
    """Who has a role everywhere."""

    role_kinds = ("ClusterRole",)
    everywhere = True


def _subject_errors(subject: Object, path: Path, *, everywhere: bool) -> list[FieldError]:
    kind, name, group = (subject.get(key) or "" for key in ("kind", "name", "apiGroup"))
    errors = [] if name else [required(path.child("name"))]
    if kind == "ServiceAccount":
        if name:
            errors += all_invalid(path.child("name"), name, is_dns1123_subdomain(name))
        if group:
            errors.append(not_supported(path.child("apiGroup"), group, [""]))
        if everywhere and not subject.get("namespace"):
            errors.append(required(path.child("namespace")))
    elif kind in _KINDS:
        if group != GROUP:
            errors.append(not_supported(path.child("apiGroup"), group, [GROUP]))
    else:
        errors.append(not_supported(path.child("kind"), kind, _KINDS))
    return errors


def _role(obj: Object, now: float) -> str:
    reference = obj.get("roleRef") or {}
    return f"{reference.get('kind', '')}/{reference.get('name', '')}"


def _subjects(kind: str) -> Cell:
    def cell(obj: Object, now: float) -> str:
        return ", ".join(
            f"{s.get('namespace', '')}/{s['name']}" if kind == "ServiceAccount" else s["name"]
            for s in obj.get("subjects") or () if s.get("kind") == kind)
    return cell


_COLUMNS: Final = (
    NAME,
    named("Role", _role, "Which role it gives."),
    AGE,
    named("Users", _subjects("User"), "To which users.", priority=1),
    named("Groups", _subjects("Group"), "To which groups.", priority=1),
    named("ServiceAccounts", _subjects("ServiceAccount"), "To which service accounts.",
          priority=1))

ROLEBINDINGS = Resource(
    group=GROUP, version="v1", kind="RoleBinding", plural="rolebindings",
    strategy=RoleBindingStrategy(), columns=_COLUMNS)

CLUSTERROLEBINDINGS = Resource(
    group=GROUP, version="v1", kind="ClusterRoleBinding", plural="clusterrolebindings",
    namespaced=False, strategy=ClusterRoleBindingStrategy(), columns=_COLUMNS)
