"""RFC 6902 JSON Patch. Models gopkg.in/evanphx/json-patch.v4 as the patch handler uses it.

Its ways that differ from the RFC: `replace` of a missing object key adds it, `copy` of a
missing key copies null, negative indexes count from the end, and every failing operation gives
one and the same answer.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final, NoReturn

from apiserver.machinery.errors import BadRequest, Invalid, RequestEntityTooLarge
from apiserver.schema.json_body import parse_json
from apiserver.schema.state import describe

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_OPERATIONS: Final = 10000
_REJECTED: Final = "the server rejected our request due to an error in our request"
_TEXTS: Final = ("op", "from", "path")
_ABSENT: Final = object()


class _Failed(Exception):
    """An operation does not apply."""


def parse(body: bytes) -> list[dict[str, Any]]:
    """The operations of a patch body. Raises BadRequest and RequestEntityTooLarge."""
    try:
        patch = parse_json(body)
    except ValueError as error:
        raise BadRequest(f"error decoding patch: {error}") from None
    if patch is None:
        return []
    if not isinstance(patch, list):
        _undecodable(patch, "Go value of type []handlers.jsonPatchOp")
    for operation in patch:
        _check(operation)
    if len(patch) > MAX_OPERATIONS:
        raise RequestEntityTooLarge("The allowed maximum operations in a JSON patch is "
                                    f"{MAX_OPERATIONS}, got {len(patch)}")
    return patch


def apply(document: Any, operations: list[dict[str, Any]]) -> Any:
    """The patched copy of a document. Raises Invalid when an operation does not apply."""
    result = copy.deepcopy(document)
    try:
        for operation in operations:
            _OPERATIONS.get((operation or {}).get("op") or "", _unknown)(result, operation)
    except _Failed:
        raise Invalid(_REJECTED, details={}) from None
    return result


def _check(operation: Any) -> None:
    if operation is None:
        return
    if not isinstance(operation, dict):
        _undecodable(operation, "Go value of type handlers.jsonPatchOp")
    for name in _TEXTS:
        if not isinstance(operation.get(name, ""), str | None):
            _undecodable(operation[name], f"Go struct field jsonPatchOp.{name} of type string")


def _undecodable(value: Any, where: str) -> NoReturn:
    raise BadRequest(f"error decoding patch: json: cannot unmarshal {describe(value)} into {where}")


def _add(document: Any, operation: dict[str, Any]) -> None:
    _insert(document, operation.get("path"), copy.deepcopy(operation.get("value")))


def _remove(document: Any, operation: dict[str, Any]) -> None:
    container, key = _find(document, operation.get("path"))
    if isinstance(container, list):
        del container[_index(key, len(container))]
    elif key in container:
        del container[key]
    else:
        raise _Failed


def _replace(document: Any, operation: dict[str, Any]) -> None:
    container, key = _find(document, operation.get("path"))
    value = copy.deepcopy(operation.get("value"))
    if isinstance(container, list):
        container[_index(key, len(container))] = value
    else:
        container[key] = value


def _move(document: Any, operation: dict[str, Any]) -> None:
    value = _get(document, operation.get("from"))
    _remove(document, {"path": operation.get("from")})
    _insert(document, operation.get("path"), value)


def _copy(document: Any, operation: dict[str, Any]) -> None:
    value = _get(document, operation.get("from"))
    _insert(document, operation.get("path"), None if value is _ABSENT else copy.deepcopy(value))


def _test(document: Any, operation: dict[str, Any]) -> None:
    value = _get(document, operation.get("path"))
    found = None if value is _ABSENT else value
    if not same(found, operation.get("value")):
        raise _Failed


def _unknown(document: Any, operation: dict[str, Any]) -> None:
    raise _Failed


_OPERATIONS: Final[dict[str, Callable[[Any, dict[str, Any]], None]]] = {
    "add": _add, "remove": _remove, "replace": _replace, "move": _move, "copy": _copy,
    "test": _test}


def _insert(document: Any, path: str | None, value: Any) -> None:
    container, key = _find(document, path)
    if not isinstance(container, list):
        container[key] = value
    elif key == "-":
        container.append(value)
    else:
        container.insert(_index(key, len(container) + 1), value)


def _get(document: Any, path: str | None) -> Any:
    container, key = _find(document, path)
    if isinstance(container, list):
        return container[_index(key, len(container))]
    return container.get(key, _ABSENT)


def _find(document: Any, path: str | None) -> tuple[Any, str]:
    """The container that a path ends in, and the last key."""
    parts = (path or "").split("/")
    if len(parts) < 2:
        raise _Failed
    *above, last = (part.replace("~1", "/").replace("~0", "~") for part in parts[1:])
    container = document
    for key in above:
        if isinstance(container, list):
            container = container[_index(key, len(container))]
        else:
            container = container.get(key)
        if not isinstance(container, dict | list):
            raise _Failed
    return container, last


def _index(key: str, length: int) -> int:
    try:
        index = int(key) if key.lstrip("+-").isascii() and key.lstrip("+-").isdigit() else length
    except ValueError:
        raise _Failed from None
    if not -length <= index < length:
        raise _Failed
    return index if index >= 0 else index + length


def same(a: Any, b: Any) -> bool:
    """Equality of JSON values: true is not 1."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and a == b
