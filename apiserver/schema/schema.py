"""The schema of one version of Kubernetes: types by name, and decoding. Shared between clusters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from apiserver.machinery.gvk import GVK
from apiserver.schema.compiler import Compiler
from apiserver.schema.definitions import Definitions, load, minor_of
from apiserver.schema.state import DecodeError, Mismatch, State
from apiserver.schema.types import Struct, Type

if TYPE_CHECKING:
    from apiserver.machinery.types import JSON, Object


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded body: the canonical object, and what strict validation has to say about it."""

    object: Object
    problems: tuple[str, ...] = ()
    """`unknown field "spec.x"`, `duplicate field "spec.y"`, in the order in which they were met."""

    def strict_error(self) -> str:
        """The text of fieldValidation=Strict; '' when there is nothing to say."""
        return f"strict decoding error: {', '.join(self.problems)}" if self.problems else ""


class Schema:
    """Types and decoding of one version."""

    def __init__(self, minor: int) -> None:
        self.minor = minor

    @cached_property
    def definitions(self) -> Definitions:
        """The raw OpenAPI definitions (never to be changed)."""
        return load(self.minor)

    @cached_property
    def _compiler(self) -> Compiler:
        return Compiler(self.definitions, self.minor)

    @cached_property
    def names(self) -> dict[GVK, str]:
        """The definition of each kind, lists and options included."""
        return {
            GVK(gvk["group"], gvk["version"], gvk["kind"]): name
            for name, definition in self.definitions.items()
            for gvk in definition.get("x-kubernetes-group-version-kind", ())}

    def knows(self, gvk: GVK) -> bool:
        """Whether this is a built-in kind."""
        return gvk in self.names

    def struct(self, gvk: GVK) -> Struct:
        """The type of a kind. Raises KeyError for one that is not built in."""
        type_ = self._compiler.named(self.names[gvk])
        assert isinstance(type_, Struct)
        return type_

    def named(self, definition: str) -> Type:
        """The type of a definition by its name (io.k8s.api.core.v1.PodSpec). Raises KeyError."""
        return self._compiler.named(definition)

    def decode(self, gvk: GVK, value: JSON) -> Decoded:
        """Decode a parsed body as `gvk`. Raises DecodeError with the text of Go's decoder."""
        return decode(self.struct(gvk), value)


def decode(type_: Type, value: JSON) -> Decoded:
    """Decode a parsed value as a type; always gives new containers. Raises DecodeError."""
    state = State()
    try:
        decoded: Any = type_.zero() if value is None else type_.decode(value, state)
    except Mismatch as error:
        raise DecodeError(
            f"json: cannot unmarshal {error.value} into Go value of type {error.go_type}",
            error.conversion) from None
    if state.mismatch:
        raise DecodeError(state.mismatch, state.conversion)
    return Decoded(decoded, tuple(state.problems))


@cache
def _schema(minor: int) -> Schema:
    return Schema(minor)


def schema_for(version: str = "") -> Schema:
    """The schema of `1.36`; '' is the newest. Raises ValueError for a version that is not there."""
    return _schema(minor_of(version))
