"""What a request carries through the pipeline. Models apiserver/pkg/endpoints/request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from apiserver.resource import Resource

FieldValidation = Literal["Strict", "Warn", "Ignore"]


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
class Reinvocation:
    """Which steps are asked again, since later ones changed the object (webhook/reinvocation)."""

    again: bool = False
    """This is the second round."""
    changed: bool = False
    """Somebody from outside changed the object in the first one."""
    asked: set[str] = field(default_factory=set)
    """Who wants to be asked again, and was asked already."""
    due: set[str] = field(default_factory=set)
    """Who of them was asked before the last change."""

    def note_change(self) -> None:
        """The object has changed: all that were asked before want to see it again."""
        self.changed = True
        self.due |= self.asked


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

    def warn(self, text: str) -> None:
        """Add a Warning header, once per text."""
        if text not in self.warnings:
            self.warnings.append(text)
