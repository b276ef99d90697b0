"""What a kind is, declared once. A CRD makes the same declaration at run time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.gvk import GVK, GVR

if TYPE_CHECKING:
    from apiserver.machinery.types import Object
    from apiserver.strategy import Strategy

Cell = Callable[["Object", float], Any]
"""A table cell from (object, now in seconds since 1970)."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`. Models metav1.TableColumnDefinition and its printer."""

    name: str
    cell: Cell
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Where a scalable kind keeps what autoscaling/v1 Scale shows (JSON paths without the dot)."""

    replicas: str = "spec.replicas"
    status_replicas: str = "status.replicas"
    selector: str = "status.selector"
    """A path, or one of the kind's own: the strategy's `scale_selector(obj)` wins where defined."""


@dataclass(frozen=True, slots=True)
class SharedStorage:
    """A kind that is kept as another one, which is served too (autoscaling/v1 as v2)."""

    stored: Resource
    to_stored: Callable[[Object], Object]
    from_stored: Callable[[Object], Object]
    """Both give new objects and leave what they get alone."""


ALL_VERBS: Final = (
    "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One served collection: names, scope, subresources, columns, and what is special."""

    group: str
    version: str
    kind: str
    plural: str
    strategy: Strategy
    columns: Sequence[Column]
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    verbs: tuple[str, ...] = ALL_VERBS
    status: bool = False
    """Has the subresource `status` (and so spec and status are written apart)."""
    scale: Scale | None = None
    subresources: tuple[str, ...] = field(default=())
    """Further ones by name ("binding", "log"), implemented in apiserver/subresources/."""
    custom: bool = False
    """Declared by a CRD rather than built in."""
    deprecation: str = ""
    """A Warning header for every request, '' for none ("v1 Endpoints is deprecated in ...")."""
    shared: SharedStorage | None = None
    """Where its objects are kept, when not under its own name."""
    list_kind_name: str = ""
    """The kind of its lists; '' for the usual name."""
    storage_version: str = ""
    """The version that its objects are kept in; '' when that is its own."""
    row_order: Callable[[Object], Any] | None = None
    """By what the rows of a Table of them are sorted; None leaves them in order of names."""
    definition: str = ""
    """The OpenAPI definition, e.g. io.k8s.api.core.v1.Pod; '' derives it from group and kind."""

    @property
    def gvk(self) -> GVK:
        """The type of its objects."""
        return GVK(self.group, self.version, self.kind)

    @property
    def gvr(self) -> GVR:
        """Its name in requests."""
        return GVR(self.group, self.version, self.plural)

    @property
    def api_version(self) -> str:
        """`v1` or `apps/v1`."""
        return self.gvk.api_version

    @property
    def list_kind(self) -> str:
        """`PodList`."""
        return self.list_kind_name or f"{self.kind}List"
