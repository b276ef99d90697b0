"""What is wrong with an applied object, in the words of structured-merge-diff's validation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from apiserver.patch.fieldset import element_text
from apiserver.patch.goformat import go_float, go_text
from apiserver.patch.typed import ElementError, child_type, element_of
from apiserver.schema.types import List, Map, Scalar, Struct, Type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def problems(type_: Type | None, value: Any, path: str = "") -> list[str]:
    """Each complaint as `PATH: what`."""
    if value is None or type_ is None:
        return []
    if isinstance(type_, Struct | Map):
        if not isinstance(value, dict):
            return [_at(path, f"expected map, got &{{{go_text(value)}}}")]
        return list(_map_problems(type_, value, path))
    if isinstance(type_, List):
        if not isinstance(value, list):
            return [_at(path, f"expected list, got &{{{go_text(value)}}}")]
        return list(_list_problems(type_, value, path))
    what = _scalar_problem(type_, value)
    return [_at(path, what)] if what else []


def joined(errors: list[str]) -> str:
    """ValidationErrors.Error: one bare, several as a list."""
    return errors[0] if len(errors) == 1 else "\n".join(["errors:", *(f"  {e}" for e in errors)])


def _map_problems(type_: Struct | Map, value: dict[str, Any], path: str) -> Iterator[str]:
    for name, item in value.items():
        below = f"{path}.{name}"
        if isinstance(type_, Struct) and name not in type_.fields and not type_.preserve_unknown:
            yield _at(below, "field not declared in schema")
        else:
            yield from problems(child_type(type_, name), item, below)


def _list_problems(type_: List, value: list[Any], path: str) -> Iterator[str]:
    seen = set()
    for at, item in enumerate(value):
        if type_.kind == "atomic":
            yield from problems(type_.element, item, f"{path}[{at}]")
            continue
        try:
            element = element_of(type_, item)
        except ElementError as error:
            yield _at(path, f"element {at}: {error}")
            continue
        if element in seen:
            yield _at(path, f"duplicate entries for key {element_text(element)}")
        seen.add(element)
        yield from problems(type_.element, item, path + element_text(element))


def _scalar_problem(type_: Type, value: Any) -> str:
    check = _CHECKS.get(type_.kind) if isinstance(type_, Scalar) else None
    return check(value) if check else ""


def _string(value: Any) -> str:
    if isinstance(value, str):
        return ""
    return f"expected string, got &value.valueUnstructured{{Value:{_go_syntax(value)}}}"


def _number(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return ""
    return f"expected numeric (int or float), got {_go_type(value)}"


def _boolean(value: Any) -> str:
    return "" if isinstance(value, bool) else f"expected boolean, got &{{{go_text(value)}}}"


def _untyped(value: Any) -> str:
    if not isinstance(value, dict | list):
        return ""
    return f"expected any scalar, got &{{{go_text(value)}}}"


_CHECKS: Final[dict[str, Callable[[Any], str]]] = {
    "string": _string, "bytes": _string, "integer": _number, "number": _number,
    "boolean": _boolean, "quantity": _untyped, "intstr": _untyped, "time": _untyped,
    "duration": _untyped}


def _go_type(value: Any) -> str:
    names = ((bool, "bool"), (str, "string"), (dict, "map[string]interface {}"))
    return next((name for kind, name in names if isinstance(value, kind)), "[]interface {}")


def _go_syntax(value: Any) -> str:
    """%#v of a JSON value."""
    if isinstance(value, dict):
        items = ", ".join(f"{json.dumps(key)}:{_go_syntax(value[key])}" for key in sorted(value))
        return f"map[string]interface {{}}{{{items}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(_go_syntax, value))}}}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return go_float(value) if isinstance(value, float) else str(value)


def _at(path: str, what: str) -> str:
    return f"{path}: {what}" if path else what
