"""Strategic merge patch with all its directives. Models apimachinery/pkg/util/strategicpatch.

The type says which lists merge and by which key (patchStrategy, patchMergeKey). Directives in a
patch: `$patch` (replace, delete, merge), `$retainKeys`, `$deleteFromPrimitiveList/FIELD`,
`$setElementOrder/FIELD`. Nothing given is changed; results may share parts with both.
"""

from __future__ import annotations

from typing import Any, Final

from apiserver.machinery.errors import BadRequest, Unknown
from apiserver.patch import elements
from apiserver.patch.goformat import go_text
from apiserver.schema.json_body import parse_json
from apiserver.schema.scalars import whole_numbers
from apiserver.schema.state import describe
from apiserver.schema.types import Field, List, Map, Struct, Type

Patch = dict[str, Any]
_DIRECTIVE: Final = elements.DIRECTIVE
_RETAIN: Final = "$retainKeys"
_DELETE_LIST: Final = "$deleteFromPrimitiveList"
_ORDER: Final = "$setElementOrder"
_CONTAINERS: Final = (dict, list)
_BAD: Final = {
    _RETAIN: "invalid patch format of retainKeys",
    _DELETE_LIST: "invalid patch format of primitive list",
    _ORDER: "invalid patch format of setElementOrder list",
}


def parse(body: bytes) -> Patch:
    """The object of a strategic merge patch body. Raises BadRequest."""
    try:
        patch = whole_numbers(parse_json(body))
    except ValueError as error:
        raise BadRequest(str(error)) from None
    if patch is None:
        return {}
    if not isinstance(patch, dict):
        raise BadRequest(f"json: cannot unmarshal {describe(patch)} into Go value of type "
                         "map[string]interface {}")
    return patch


def apply(document: dict[str, Any], patch: Patch, type_: Type) -> dict[str, Any]:
    """The patched document. Raises BadRequest and Unknown as Kubernetes does."""
    return _merge_map(document, patch, type_)


def _merge_map(original: dict[str, Any] | None, patch: Patch, type_: Type) -> dict[str, Any]:
    if _DIRECTIVE in patch:
        return _directive(patch)
    result = _retained(original or {}, patch)
    done = {_RETAIN, *_ordered_lists(result, patch, type_)}
    for key, value in patch.items():
        if key in done or key.startswith(_ORDER):
            continue
        deletes = key.startswith(_DELETE_LIST)
        name = _target(key, _DELETE_LIST) if deletes else key
        _merge_key(result, name, value, type_, deletes)
    return result


def _directive(patch: Patch) -> dict[str, Any]:
    """A map with `$patch` takes the place of the original."""
    kind = patch[_DIRECTIVE]
    if kind == "replace":
        return {key: value for key, value in patch.items() if key != _DIRECTIVE}
    if kind == "delete":
        return {}
    raise Unknown(f"unknown patch type: {go_text(kind)} in map: {go_text(patch)}")


def _merge_key(result: dict[str, Any], name: str, value: Any, type_: Type, deletes: bool) -> None:
    if value is None:
        result.pop(name, None)
        return
    if name not in result or _go_kind(result[name]) != _go_kind(value):
        if not deletes:
            kept, keep = _without_directives(_without_nulls(value))
            if keep:
                result[name] = kept
        return
    if isinstance(value, dict):
        field_type, field = _lookup(type_, name)
        replaces = field is not None and "replace" in field.strategies
        result[name] = value if replaces else _merge_map(result[name], value, field_type)
    elif isinstance(value, list):
        result[name] = _merge_list(result[name], value, type_, name, deletes)
    else:
        result[name] = value


def _merge_list(original: list[Any], patch: list[Any], type_: Type, name: str,
                deletes: bool) -> list[Any]:
    field_type, field = _lookup(type_, name)
    if not deletes and (field is None or "merge" not in field.strategies):
        return patch
    if not original and not patch:
        return original
    element = field_type.element if isinstance(field_type, List) else field_type
    key = field.merge_key if field else ""
    if elements.are_maps(original, patch):
        if not key:
            raise Unknown(f"cannot merge lists without merge key for {element.go_type}")
        original, patch = elements.special(original, patch, key)
        merged = _merge_elements(original, patch, key, element)
    elif deletes:
        return [item for item in original if item not in patch]
    else:
        merged = list(dict.fromkeys([*original, *patch]))
    mine, theirs = elements.partition(merged, patch, key)
    return elements.order(mine, theirs, patch, original, key)


def _merge_elements(original: list[Any], patch: list[Any], key: str, element: Type) -> list[Any]:
    merged = list(original)
    for item in patch:
        wanted = elements.key_of(item, key)
        at = elements.find(merged, key, wanted)
        if at < 0:
            merged.append(item)
        else:
            merged[at] = _merge_map(merged[at], item, element)
    return merged


def _retained(original: dict[str, Any], patch: Patch) -> dict[str, Any]:
    """`$retainKeys`: everything else goes from the original."""
    if _RETAIN not in patch:
        return dict(original)
    keep = patch[_RETAIN]
    if not isinstance(keep, list):
        raise BadRequest(_BAD[_RETAIN])
    for key, value in patch.items():
        if key not in keep and value is not None and not key.startswith(
                (_RETAIN, _DELETE_LIST, _ORDER)):
            raise BadRequest(_BAD[_RETAIN])
    return {key: value for key, value in original.items() if key in keep}


def _ordered_lists(result: dict[str, Any], patch: Patch, type_: Type) -> list[str]:
    """`$setElementOrder`: merge those lists in the given order; the names that are done."""
    done = []
    for key, order in patch.items():
        if key.startswith(_ORDER):
            name = _target(key, _ORDER)
            if name in result or name in patch:
                result[name] = _ordered(result.get(name), patch.get(name), order, type_, name)
            done.append(name)
    return done


def _ordered(original: Any, patch: Any, order: Any, type_: Type, name: str) -> list[Any]:
    for given in (order, original, patch):
        if not isinstance(given, list | None):
            raise Unknown(f"expected a slice, but received a {_go_kind(given)}")
    field = _lookup(type_, name)[1]
    key = field.merge_key if field else ""
    elements.check_order(patch or [], order or [], key)
    if patch is None:
        merged = original
    elif original is None:
        merged = _without_directives(patch)[0]
    else:
        merged = _merge_list(original, patch, type_, name, deletes=False)
    mine, theirs = elements.partition(merged, order, key)
    return elements.order(mine, theirs, order, original or [], key)


def _target(key: str, prefix: str) -> str:
    head, _, name = key.partition("/")
    if head != prefix or not name:
        raise BadRequest(_BAD[prefix])
    return name


def _lookup(type_: Type, name: str) -> tuple[Type, Field | None]:
    """The type of a field (or of a map's value), and the field's strategies."""
    if isinstance(type_, Struct):
        field = type_.fields.get(name)
        if field is None:
            raise Unknown(
                f'unable to find api field in struct {type_.name} for the json field "{name}"')
        return field.type, field
    return (type_.value if isinstance(type_, Map) else type_), None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) if isinstance(item, _CONTAINERS) else item
                for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) if isinstance(item, _CONTAINERS) else item for item in value]
    return value


def _without_directives(value: Any) -> tuple[Any, bool]:
    """A value without directives, and whether anything is left to keep."""
    if isinstance(value, dict):
        if _DIRECTIVE in value:
            return None, False
        cleaned = {key: _without_directives(item) if isinstance(item, _CONTAINERS) else (item, True)
                   for key, item in value.items()
                   if key[:1] != "$" or not key.startswith((_RETAIN, _DELETE_LIST, _ORDER))}
        return {key: item for key, (item, keep) in cleaned.items() if keep}, True
    if isinstance(value, list):
        items = (_without_directives(item) for item in value)
        return [item for item, keep in items if keep], True
    return value, True


def _go_kind(value: Any) -> str:
    if isinstance(value, dict):
        return "map"
    if isinstance(value, list):
        return "slice"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    return "int64" if isinstance(value, int) else "float64"
