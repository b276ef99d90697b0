"""What is special about a kind. Models registry/rest.RESTCreateStrategy and its siblings.

The registry (`apiserver/registry/`) does what is common and calls these hooks on private copies, so
default and prepare hooks change `obj` in place; `old` is shared and must not be touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.machinery.validation import FieldError

NameRule = Literal["dns1123subdomain", "dns1123label", "dns1035label", "pathsegment"]


RESETS: Final[Mapping[str, tuple[str, ...]]] = {"": ("status",), "status": ("spec",)}
"""What writes cannot own, where a kind says nothing else."""
RESETS_WITH_METADATA: Final[Mapping[str, tuple[str, ...]]] = {
    **RESETS, "status": ("spec", "metadata")}
"""The same, where a write to `status` leaves all of the metadata alone (ResetObjectMetaForStatus).
"""


class Strategy:
    """The common case; a kind overrides what differs."""

    resets: ClassVar[Mapping[str, tuple[str, ...]]] = RESETS
    """By subresource: paths that a write to it resets, so that its manager does not own them
    (GetResetFields). A write to `status` keeps the metadata that is named here as it was."""
    writes_only: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """By subresource: all that a write to it can own; `*` stands for any element of a list."""

    name_rule: ClassVar[NameRule] = "dns1123subdomain"
    """What a valid metadata.name is (also decides how generateName is checked)."""
    create_on_update: ClassVar[bool] = False
    """PUT of a missing object creates it (AllowCreateOnUpdate)."""
    unconditional_update: ClassVar[bool] = True
    """PUT without resourceVersion overwrites (AllowUnconditionalUpdate)."""
    has_generation: ClassVar[bool] = True
    """metadata.generation is set to 1 and rises with the spec (see `generation_changed`)."""
    first_generation: ClassVar[int] = 1
    """metadata.generation of a new object, where the kind has one; 0 is not shown."""
    delete_returns_object: ClassVar[bool] = False
    """DELETE answers the deleted object rather than a Status."""
    keeps_status_on_create: ClassVar[bool] = False
    """A new object may bring its status along (only Nodes)."""
    revalidates_metadata: ClassVar[bool] = False
    """Updates check the whole metadata once more (kinds whose ValidateXUpdate calls ValidateX)."""
    any_finalizer: ClassVar[bool] = False
    """Finalizers need not be Kubernetes' own or have a domain (kinds outside of core's rules)."""
    default_propagation: ClassVar[Literal["Background", "Orphan"]] = "Background"
    """What DELETE does to dependents when the client does not say."""

    unknown_field: ClassVar[str] = "field label not supported: {}"
    """What is said of a field that no selector of this kind knows (where it has its own)."""

    def default(self, obj: Object) -> None:
        """Fill in defaults (SetDefaults_*); also run on update and on patch."""

    def default_status(self, obj: Object) -> None:
        """The same for an object whose spec has its defaults, and is shared: only the rest."""
        self.default(obj)

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        """Drop or set what a client may not say on create, before validation."""

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """What is wrong with a new object (metadata is validated by the registry)."""
        return []

    def prepare_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep what a client may not change, before validation (status is kept by the registry)."""

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """What is wrong with the changed object."""
        return self.validate(ctx, obj)

    def generation_changed(self, obj: Object, old: Object) -> bool:
        """Whether metadata.generation rises."""
        return bool(obj.get("spec") != old.get("spec"))

    def prepare_status_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Further things that a write to `status` may not change (the spec is kept already)."""

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        """What is wrong with the changed status."""
        return []

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        """Warning headers for a create (old is None) or an update."""
        return []

    def fields(self, obj: Object) -> dict[str, str]:
        """Field selectors besides metadata.name and .namespace, with the object's values."""
        return {}

    def graceful_delete(self, ctx: RequestContext, obj: Object,
                        grace_period: int | None) -> int | None:
        """Seconds of grace before the object goes; None where the kind knows none (only Pods do).

        0 is marked and removed at once. `grace_period` is what the client asks, None if nothing.
        """
        return None

    shows_grace: ClassVar[bool] = True
    """An object that waits for its end has deletionGracePeriodSeconds (Namespaces have not)."""

    def may_go(self, obj: Object) -> bool:
        """Whether a terminating object without metadata.finalizers may be removed."""
        return True

    def mark_deleting(self, obj: Object) -> None:
        """Set more on an object that just got its deletionTimestamp (a Namespace's phase).

        Only its top level and metadata are private: replace other containers, never change them.
        """

    def scale_selector(self, obj: Object) -> str:
        """The selector that `scale` shows, as text; '' when there is none."""
        return ""

    def row_conditions(self, obj: Object) -> list[Object]:
        """The `conditions` of the object's row in a Table (metav1.TableRowCondition)."""
        return []
