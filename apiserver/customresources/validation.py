"""OpenAPI validation of values. Models kube-openapi's validation/validate, with its messages and
its order of complaints, and apiextensions' ratcheting.

A schema node becomes a list of checks `(value, old, path) -> errors`. `old` is what the value was
before (MISSING when it has no counterpart): what did not change is not complained about again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from apiserver.customresources.formats import FORMATS, go_regex
from apiserver.customresources.structural import INT_OR_STRING
from apiserver.machinery.validation import (
    FieldError,
    go_quote,
    invalid,
    not_supported,
    required,
    too_long,
    too_many,
    type_invalid,
)
from apiserver.patch.typed import MISSING

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

Errors = list[FieldError]
Check = Callable[[Any, Any, str], Errors]
NO_PATH: Final = "<nil>"
_RANGES: Final = {("integer", "int32"): (-(2**31), 2**31 - 1),
                  ("integer", "uint32"): (0, 2**32 - 1), ("integer", "uint64"): (0, 2**64 - 1),
                  ("integer", "int64"): (-(2**63), 2**63 - 1)}


def type_name(value: Any) -> str:
    """How messages call a JSON value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    return "object" if isinstance(value, dict) else "array"


def compile_validator(node: Object) -> Check:
    """What checks a value of a node and all below it."""
    checks = [check for make in _MAKERS if (check := make(node)) is not None]
    for_null = [check for make in (_type_check, _enum_check) if (check := make(node)) is not None]

    def validate(value: Any, old: Any, path: str) -> Errors:
        if old is not MISSING and same_json(value, old):
            return []
        used = checks if value is not None else for_null
        return [error for check in used for error in check(value, old, path)]

    return validate


def same_json(a: Any, b: Any) -> bool:
    """Equal as JSON values: unlike in Python, true is not 1."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_json(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_json, a, b))
    return isinstance(a, bool) is isinstance(b, bool) and bool(a == b)


# --- one keyword or one family of keywords each --------------------------------------------------

def _type_check(node: Object) -> Check | None:
    types: tuple[str, ...] = (node["type"],) if node.get("type") else ()
    if node.get(INT_OR_STRING):
        types = ("integer", "string")
    if not types:
        return None
    wanted, accepted = ",".join(types), set(types)
    if "number" in accepted:
        accepted.add("integer")
    if node.get("nullable"):
        accepted.add("null")

    def check(value: Any, old: Any, path: str) -> Errors:
        name = type_name(value)
        if name in accepted:
            return []
        text = f"{path} in body must be of type {wanted}: {go_quote(name)}"
        return [type_invalid(path or NO_PATH, name, text)]

    return check


def _logic_check(node: Object) -> Check | None:
    parts = [make(node) for make in (_any_of, _one_of, _all_of, _not)]
    present = [part for part in parts if part is not None]
    if not present:
        return None
    return lambda value, old, path: [
        error for part in present for error in part(value, old, path)]


def _composite(path: str, what: str) -> FieldError:
    return invalid(NO_PATH, "", f"{go_quote(path)} {what}")


def _results(schemas: list[Check], value: Any, path: str) -> list[Errors]:
    return [schema(value, MISSING, path) for schema in schemas]


def _best(results: list[Errors]) -> Errors:
    """The complaints of the alternative that came closest."""
    return min(results, key=len) if results else []


def _any_of(node: Object) -> Check | None:
    schemas = [compile_validator(part) for part in node.get("anyOf") or ()]

    def check(value: Any, old: Any, path: str) -> Errors:
        results = _results(schemas, value, path)
        if any(not errors for errors in results):
            return []
        return [_composite(path, "must validate at least one schema (anyOf)"), *_best(results)]

    return check if schemas else None


def _one_of(node: Object) -> Check | None:
    schemas = [compile_validator(part) for part in node.get("oneOf") or ()]

    def check(value: Any, old: Any, path: str) -> Errors:
        results = _results(schemas, value, path)
        valid = sum(not errors for errors in results)
        text = "must validate one and only one schema (oneOf). "
        if not valid:
            return [_composite(path, f"{text}Found none valid"), *_best(results)]
        return [] if valid == 1 else [
            _composite(path, f"{text}Found {valid} valid alternatives")]

    return check if schemas else None


def _all_of(node: Object) -> Check | None:
    schemas = [compile_validator(part) for part in node.get("allOf") or ()]

    def check(value: Any, old: Any, path: str) -> Errors:
        results = _results(schemas, value, path)
        errors = [error for result in results for error in result]
        if not errors:
            return []
        none = ". None validated" if all(results) else ""
        return [*errors, _composite(path, f"must validate all the schemas (allOf){none}")]

    return check if schemas else None


def _not(node: Object) -> Check | None:
    if node.get("not") is None:
        return None
    schema = compile_validator(node["not"])
    return lambda value, old, path: [] if schema(value, MISSING, path) else [
        _composite(path, "must not validate the schema (not)")]


def _string_check(node: Object) -> Check | None:
    longest, shortest, pattern = (node.get(name) for name in ("maxLength", "minLength", "pattern"))
    if longest is None and shortest is None and not pattern:
        return None
    regex = go_regex(pattern) if pattern else None

    def check(value: Any, old: Any, path: str) -> Errors:
        if not isinstance(value, str):
            return []
        if longest is not None and len(value) > longest:
            return [too_long(path, longest)]
        if shortest is not None and len(value) < shortest:
            return [invalid(path, value,
                            f"{path} in body should be at least {shortest} chars long")]
        if regex is not None and not regex.search(value):
            return [invalid(path, value, f"{path} in body should match '{pattern}'")]
        return []

    return check


def _format_check(node: Object) -> Check | None:
    name = node.get("format") or ""
    fits = FORMATS.get(name)
    if fits is None:
        return None

    def check(value: Any, old: Any, path: str) -> Errors:
        if not isinstance(value, str) or fits(value):
            return []
        text = f"{path} in body must be of type {name}: {go_quote(value)}"
        return [type_invalid(path, value, text)]

    return check


def _number_check(node: Object) -> Check | None:
    rules = [rule for rule in (_range_rule(node), _multiple_rule(node), _maximum_rule(node),
                               _minimum_rule(node)) if rule is not None]
    if not rules:
        return None

    def check(value: Any, old: Any, path: str) -> Errors:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return []
        return [error for rule in rules for error in rule(value, old, path)]

    return check


def _range_rule(node: Object) -> Check | None:
    kind, format_ = node.get("type") or "", node.get("format") or ""
    limits = _RANGES.get((kind, format_))
    if limits is None:
        return None
    low, high = limits
    text = f"Checked value must be of type {kind} with format {format_} in "
    return lambda value, old, path: [] if low <= value <= high else [
        invalid(NO_PATH, "", text + path)]


def _multiple_rule(node: Object) -> Check | None:
    factor = node.get("multipleOf")
    if factor is None:
        return None

    def check(value: Any, old: Any, path: str) -> Errors:
        quotient = value / factor
        whole = value % factor == 0 if isinstance(value, int) and isinstance(
            factor, int) else abs(quotient - round(quotient)) < 1e-9
        return [] if whole else [
            invalid(path, value, f"{path} in body should be a multiple of {go_number(factor)}")]

    return check


def _maximum_rule(node: Object) -> Check | None:
    limit, exclusive = node.get("maximum"), node.get("exclusiveMaximum")
    if limit is None:
        return None
    words = "less than" if exclusive else "less than or equal to"
    return lambda value, old, path: [] if value < limit or (
        value == limit and not exclusive) else [
            invalid(path, value, f"{path} in body should be {words} {go_number(limit)}")]


def _minimum_rule(node: Object) -> Check | None:
    limit, exclusive = node.get("minimum"), node.get("exclusiveMinimum")
    if limit is None:
        return None
    words = "greater than" if exclusive else "greater than or equal to"
    return lambda value, old, path: [] if value > limit or (
        value == limit and not exclusive) else [
            invalid(path, value, f"{path} in body should be {words} {go_number(limit)}")]


def go_number(number: float) -> str:
    """%v of a float64."""
    if isinstance(number, int) or (float(number).is_integer() and abs(number) < 1e21):
        return str(int(number))
    return repr(number)


def _list_check(node: Object) -> Check | None:
    items = node.get("items")
    each = compile_validator(items) if isinstance(items, dict) else None
    most, least = node.get("maxItems"), node.get("minItems")
    unique = bool(node.get("uniqueItems"))
    keys = _map_keys(node)
    if each is None and most is None and least is None and not unique:
        return None

    def check(value: Any, old: Any, path: str) -> Errors:
        if not isinstance(value, list):
            return []
        errors: Errors = []
        before = counterparts(value, old, keys)
        if each is not None:
            errors += [error for at, item in enumerate(value)
                       for error in each(item, before[at], f"{path}[{at}]")]
        if least is not None and len(value) < least:
            errors.append(invalid(path, len(value),
                                  f"{path} in body should have at least {least} items"))
        if most is not None and len(value) > most:
            errors.append(too_many(path, len(value), most))
        if unique and _has_duplicates(value):
            errors.append(invalid(path, "", f"{path} in body shouldn't contain duplicates"))
        return errors

    return check


def _map_keys(node: Object) -> tuple[str, ...]:
    if node.get("x-kubernetes-list-type") != "map":
        return ()
    return tuple(node.get("x-kubernetes-list-map-keys") or ())


def counterparts(value: list[Any], old: Any, keys: tuple[str, ...]) -> list[Any]:
    """For each element of a list with keys, what it was before; MISSING where it is new."""
    if not keys or not isinstance(old, list):
        return [MISSING] * len(value)
    before = {_key_of(item, keys): item for item in old}
    return [before.get(_key_of(item, keys), MISSING) for item in value]


def _key_of(item: Any, keys: tuple[str, ...]) -> str:
    values = [item.get(key) for key in keys] if isinstance(item, dict) else [item]
    return json.dumps(values, sort_keys=True)


def _has_duplicates(value: list[Any]) -> bool:
    texts = [json.dumps(item, sort_keys=True) for item in value]
    return len(set(texts)) < len(texts)


def _enum_check(node: Object) -> Check | None:
    allowed = node.get("enum")
    if not allowed:
        return None
    shown = [each if isinstance(each, str) else json.dumps(each, separators=(",", ":"))
             for each in allowed]

    def check(value: Any, old: Any, path: str) -> Errors:
        if any(same_json(value, each) for each in allowed):
            return []
        if value is None and node.get("nullable"):
            return []
        return [not_supported(path or NO_PATH, value, shown)]

    return check


def _object_check(node: Object) -> Check | None:
    properties = {name: compile_validator(child)
                  for name, child in (node.get("properties") or {}).items()}
    more = node.get("additionalProperties")
    values = compile_validator(more) if isinstance(more, dict) else None
    needed = tuple(node.get("required") or ())
    most, least = node.get("maxProperties"), node.get("minProperties")
    if not (properties or values or needed or most is not None or least is not None):
        return None

    def check(value: Any, old: Any, path: str) -> Errors:
        if not isinstance(value, dict):
            return []
        if least is not None and len(value) < least:
            return [invalid(path, len(value),
                            f"{path} in body should have at least {least} properties")]
        if most is not None and len(value) > most:
            return [too_many(path, len(value), most)]
        before = old if isinstance(old, dict) else {}
        errors: Errors = []
        for name, item in value.items():
            below = properties.get(name, values)
            if below is not None:
                errors += below(item, before.get(name, MISSING), child_path(path, name))
        return errors + [required(child_path(path, name)) for name in needed if name not in value]

    return check


def child_path(path: str, name: str) -> str:
    """The path of a field."""
    return f"{path}.{name}" if path else name


_MAKERS: Final = (_type_check, _logic_check, _string_check, _format_check, _number_check,
                  _list_check, _enum_check, _object_check)
