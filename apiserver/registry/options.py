"""What requests may ask beyond naming an object. Models metav1.ListOptions and DeleteOptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.machinery.types import JSON

Propagation = Literal["Background", "Foreground", "Orphan"]
PatchType = Literal["json", "merge", "strategic", "apply"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions:
    """Which objects, and as of when. Also what `watch` and `deletecollection` select by."""

    label_selector: str = ""
    field_selector: str = ""
    limit: int = 0
    continue_token: str = ""
    resource_version: str = ""
    resource_version_match: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """Which changes, from when on, and what is said besides them."""

    label_selector: str = ""
    field_selector: str = ""
    resource_version: str = ""
    send_initial_events: bool = False
    allow_bookmarks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """How to delete."""

    grace_period_seconds: int | None = None
    propagation: Propagation | None = None
    orphan_dependents: bool | None = None
    """The old form of `propagation`."""
    preconditions: Mapping[str, str] = field(default_factory=dict)
    """`uid` and `resourceVersion` that the object must have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A change to parts of an object."""

    type: PatchType
    body: JSON
    force: bool = False
    """Apply: take over the fields that others own."""
    raw: Any = None
    """The parsed body with what strict validation needs (duplicate keys), when it came by HTTP."""
