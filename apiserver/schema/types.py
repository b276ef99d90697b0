"""Types as patches and decoders walk them: structs with fields, lists, maps, scalars.

A type is built once per schema version and shared. `decode` is a closure, made when the type is
first used. Every type also says how server-side apply treats it (x-kubernetes-list-type, -list-
map-keys, -map-type).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal

from apiserver.schema.state import State

Decoder = Callable[[Any, State], Any]
ListKind = Literal["atomic", "set", "map"]


class Type:
    """Any type."""

    __slots__ = ("decode", "go_type")
    container: bool = False
    decode: Decoder
    """Canonical form of a JSON value that is not None. Raises Mismatch and DecodeError."""

    def __init__(self, go_type: str) -> None:
        self.go_type = go_type

    def zero(self) -> Any:
        """What Go encodes for the zero value where it is shown."""
        return None


class Scalar(Type):
    """A single value: `kind` is what its JSON form is."""

    __slots__ = ("_zero", "exact", "kind")

    def __init__(self, go_type: str, kind: str, zero: Any, decode: Callable[[Any], Any], *,
                 exact: type | None = None) -> None:
        super().__init__(go_type)
        self.kind: Final = kind
        self.exact: Final = exact
        """Values of this Python type are canonical as they are."""
        self._zero = zero
        self.decode = lambda value, state: decode(value)

    def zero(self) -> Any:
        """'' or 0 or False; None for times."""
        return self._zero


class List(Type):
    """A list; `kind` and `keys` rule how apply merges it."""

    __slots__ = ("element", "keys", "kind")
    container = True

    def __init__(self, element: Type, *, kind: ListKind = "atomic",
                 keys: tuple[str, ...] = ()) -> None:
        super().__init__(f"[]{element.go_type}")
        self.element = element
        self.kind: ListKind = kind
        self.keys = keys


class Map(Type):
    """A map from strings to values of one type."""

    __slots__ = ("atomic", "value")
    container = True

    def __init__(self, value: Type, go_type: str = "", *, atomic: bool = False) -> None:
        super().__init__(go_type or f"map[string]{value.go_type}")
        self.value = value
        self.atomic = atomic


class Field:
    """One field of a struct: its type, how its zero value is encoded, how patches treat it."""

    __slots__ = ("default", "exact", "keep_zero", "merge_key", "name", "pointer", "shown",
                 "strategies", "type")

    def __init__(self, name: str, type_: Type, *, keep_zero: bool = False,
                 shown: bool = False) -> None:
        self.name = name
        self.type = type_
        self.exact = type_.exact if isinstance(type_, Scalar) else None
        """As the type's: most fields are strings, and decoding them needs no call."""
        self.keep_zero = keep_zero
        """An explicit zero value stays (pointers, structs, and what is always shown)."""
        self.shown = shown
        """Encoded even when it is absent."""
        self.pointer = False
        """Absent is null, not the type's zero value."""
        self.merge_key = ""
        """x-kubernetes-patch-merge-key."""
        self.strategies: tuple[str, ...] = ()
        """x-kubernetes-patch-strategy: merge, replace, retainKeys."""
        self.default: Any = None
        """What apply assumes for a list-map key that is not given."""

    def zero(self) -> Any:
        """What stands for the field where it is shown and absent."""
        return None if self.pointer else self.type.zero()


class Struct(Type):
    """An object with declared fields, compiled when first asked for them."""

    __slots__ = ("_build", "_fields", "atomic", "name", "preserve_unknown")
    container = True

    def __init__(self, name: str, go_type: str, build: Callable[[Struct], dict[str, Field]],
                 compile_decoder: Callable[[Struct], Decoder]) -> None:
        super().__init__(go_type)
        self.name = name
        """The Go struct's bare name, as error messages have it."""
        self.atomic = False
        self.preserve_unknown = False
        self._build = build
        self._fields: dict[str, Field] | None = None
        self.decode = self._first_decode(compile_decoder)

    @property
    def fields(self) -> Mapping[str, Field]:
        """The declared fields by JSON name."""
        if self._fields is None:
            self._fields = self._build(self)
        return self._fields

    def zero(self) -> dict[str, Any]:
        """A new object with the fields that are always shown."""
        return {field.name: field.zero() for field in self.shown_fields()}

    def shown_fields(self) -> Iterator[Field]:
        """The fields that are encoded even when they are absent."""
        return (field for field in self.fields.values() if field.shown)

    def _first_decode(self, compile_decoder: Callable[[Struct], Decoder]) -> Decoder:
        def decode(value: Any, state: State) -> Any:
            self.decode = compile_decoder(self)
            return self.decode(value, state)

        return decode
