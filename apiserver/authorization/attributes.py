"""What is asked: one user, one verb, one resource or path. Models authorizer.Attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apiserver.machinery.errors import Forbidden
from apiserver.machinery.validation import go_quote

if TYPE_CHECKING:
    from apiserver.context import User
    from apiserver.machinery.types import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """A question to the authorizer; `path` is set for what is not a resource."""

    user: User
    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    field_selector: str = ""
    """Of a list, watch or deletecollection, as text."""

    @property
    def combined_resource(self) -> str:
        """`pods` or `pods/log`, as rules and messages have it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer; the reason is for people and for access reviews."""

    allowed: bool
    reason: str = ""


def forbidden(attributes: Attributes, reason: str = "") -> Forbidden:
    """The 403 of a refused request (responsewriters.ForbiddenMessage)."""
    what = _resource_text(attributes) if attributes.resource else _path_text(attributes)
    text = f"User {go_quote(attributes.user.name)} cannot {attributes.verb} {what}"
    if reason:
        text += f": {reason}"
    if not attributes.resource:
        return Forbidden(f"forbidden: {text}", details={})
    return _about_resource(attributes, text)


def _about_resource(attributes: Attributes, text: str) -> Forbidden:
    group, resource = attributes.group, attributes.resource
    subject = f"{resource}.{group}" if group else resource
    details: Object = {"name": attributes.name, "group": group, "kind": resource}
    if attributes.name:
        subject += f" {go_quote(attributes.name)}"
    return Forbidden(f"{subject} is forbidden: {text}",
                     details={key: value for key, value in details.items() if value})


def _resource_text(attributes: Attributes) -> str:
    where = (f"in the namespace {go_quote(attributes.namespace)}" if attributes.namespace
             else "at the cluster scope")
    return (f"resource {go_quote(attributes.combined_resource)} in API group "
            f"{go_quote(attributes.group)} {where}")


def _path_text(attributes: Attributes) -> str:
    return f"path {go_quote(attributes.path)}"
