"""Closures that decode lists, maps and structs. The hot path of every write: one pass, no
intermediate objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apiserver.schema.state import Duplicated, Mismatch, State
from apiserver.schema.types import Decoder, Field, List, Map, Scalar, Struct, Type

if TYPE_CHECKING:
    from collections.abc import Callable


def string(value: Any) -> str:
    """Go's string."""
    if type(value) is str:
        return value
    raise Mismatch(value, "string")


def named_string(go_type: str) -> Callable[[Any], str]:
    """A Go string with a name of its own, such as v1.PullPolicy."""

    def decode(value: Any) -> str:
        if type(value) is str:
            return value
        raise Mismatch(value, go_type)

    return decode


def list_decoder(type_: List) -> Decoder:
    """The decoder of a list."""
    element = type_.element

    def decode(value: Any, state: State) -> Any:
        if type(value) is not list:
            raise Mismatch(value, type_.go_type)
        path, out = state.path, []
        for at, item in enumerate(value):
            path.append(at)
            out.append(element.zero() if item is None else element.decode(item, state))
            path.pop()
        return out

    return decode


def map_decoder(type_: Map) -> Decoder:
    """The decoder of a map."""
    element = type_.value
    exact = {element.exact} if isinstance(element, Scalar) and element.exact else None

    def decode(value: Any, state: State) -> Any:
        if not isinstance(value, dict):
            raise Mismatch(value, type_.go_type)
        _note_duplicates(value, state)
        if exact is not None and exact.issuperset(map(type, value.values())):
            return dict(value)
        path, out = state.path, {}
        for key, item in value.items():
            path.append((key,))
            out[key] = element.zero() if item is None else element.decode(item, state)
            path.pop()
        return out

    return decode


def struct_decoder(type_: Struct) -> Decoder:
    """The decoder of a struct: unknown fields noted, nulls and zero values dropped as in Go."""
    fields = type_.fields
    get = fields.get
    shown = [(field.name, field.zero) for field in type_.shown_fields()]

    def decode(value: Any, state: State) -> Any:
        if not isinstance(value, dict):
            raise Mismatch(value, type_.go_type)
        if type(value) is Duplicated:
            _note_duplicates(value, state, fields)
        out: dict[str, Any] = {}
        for key, item in value.items():
            field = get(key)
            if field is None:
                state.unknown(key)
            elif type(item) is field.exact and (item or field.keep_zero):
                out[key] = item
            elif item is not None:
                _decode_field(type_, field, item, state, out)
        for name, zero in shown:
            if name not in out:
                out[name] = zero()
        return out

    return decode


def _decode_field(struct: Struct, field: Field, item: Any, state: State,
                  out: dict[str, Any]) -> None:
    name, type_ = field.name, field.type
    depth = len(state.path)
    try:
        if type_.container:
            state.path.append(name)
            decoded = type_.decode(item, state)
            state.path.pop()
        else:
            decoded = type_.decode(item, state)
    except Mismatch as error:
        del state.path[depth:]
        state.save(struct.name, name, error)
        return
    if decoded or field.keep_zero:
        out[name] = decoded


def _note_duplicates(value: Any, state: State, known: Any = None) -> None:
    if type(value) is Duplicated:
        for key in value.repeated:
            if known is None or key in known:
                state.duplicate(key)


def attach(type_: Type) -> None:
    """Give a list or map its decoder."""
    if isinstance(type_, List):
        type_.decode = list_decoder(type_)
    elif isinstance(type_, Map):
        type_.decode = map_decoder(type_)
