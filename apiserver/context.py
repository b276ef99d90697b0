"""What a request carries through the pipeline. Models apiserver/pkg/endpoints/request."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from apiserver.machinery.names import is_qualified_name

if TYPE_CHECKING:
    from apiserver.machinery.types import Object
    from apiserver.resource import Resource

FieldValidation = Literal["Strict", "Warn", "Ignore"]
PATCHES: Final = "patch.webhook.admission.k8s.io/"
"""Annotations that show parts of objects, as audit events from level Request on do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who asks. Models authentication/user.Info."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


SYSTEM = User(name="system:apiserver", groups=("system:masters", "system:authenticated"))
"""The server itself and the controllers that run in its process."""


@dataclass(slots=True)
class Invoked:
    """Whom one step has asked, and whom it asks again."""

    asked: set[str] = field(default_factory=set)
    """Who wants to see the object again when it has changed since."""
    due: set[str] = field(default_factory=set)
    """For whom it has."""
    left: Object | None = None
    """The object as the step left it, once somebody wants to see it again."""

    def all_due(self) -> None:
        """The object has changed since all of them saw it."""
        self.due |= self.asked

    def leave(self, obj: Object | None) -> None:
        """The step is done with the object."""
        if self.asked:
            self.left = copy.deepcopy(obj)


@dataclass(slots=True)
class Reinvocation:
    """Which steps are asked again, since later ones changed the object (webhook/reinvocation)."""

    again: bool = False
    """This is the second round."""
    changed: bool = False
    """Somebody from outside changed the object in the first one."""
    steps: dict[str, Invoked] = field(default_factory=dict)

    def enter(self, step: str, obj: Object | None) -> Invoked:
        """A step begins its round: what it knows of the last one."""
        invoked = self.steps.setdefault(step, Invoked())
        if self.again and invoked.left != obj:
            invoked.all_due()
        return invoked


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """One request on its way: what it names, who sent it, how it is to be treated."""

    resource: Resource
    verb: str
    user: User = SYSTEM
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    dry_run: bool = False
    field_manager: str = ""
    field_validation: FieldValidation = "Ignore"
    now: float = 0.0
    """The cluster clock when the request came, seconds since 1970."""
    warnings: list[str] = field(default_factory=list)
    """Texts for Warning headers."""

    admitted: bool = False
    """Admission has passed what was asked; what the server does about it passes no more."""
    connecting: bool = False
    """The client wants a connection (exec, attach, port-forward, proxy), not a change."""
    reads_later: bool = False
    """The caller is in the process and takes texts that are made when they are read (`Later`)."""
    reinvocation: Reinvocation | None = None
    """Kept while admission runs, once somebody may change the object."""

    notes: dict[str, str] | None = None
    """Annotations of the audit event, None when nobody writes one."""

    def warn(self, text: str) -> None:
        """Add a Warning header, once per text."""
        if text not in self.warnings:
            self.warnings.append(text)

    def note(self, key: str, value: str) -> None:
        """Annotate the audit event: a qualified name with a prefix; the first value stays."""
        if self.notes is not None and key.count("/") == 1 and not is_qualified_name(key):
            self.notes.setdefault(key, value)
