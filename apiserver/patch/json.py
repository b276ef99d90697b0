"""RFC 6902 JSON Patch. Models gopkg.in/evanphx/json-patch.v4 as the patch handler uses it.

Its ways that differ from the RFC: `replace` of a missing object key adds it, `copy` of a
missing key copies null, negative indexes count from the end, and every failing operation of a
client gives one and the same answer.
"""

from __future__ import annotations

import copy
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NoReturn

from apiserver.machinery.errors import BadRequest, Invalid, RequestEntityTooLarge
from apiserver.schema.json_body import parse_json
from apiserver.schema.state import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_OPERATIONS: Final = 10000
_REJECTED: Final = "the server rejected our request due to an error in our request"
_TEXTS: Final = ("op", "from", "path")
_ABSENT: Final = object()


class PatchFailed(Exception):
    """An operation does not apply, in the library's words."""


class TestFailed(PatchFailed):
    """A value is not what it should be."""

    __test__ = False


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
    try:
        return applied(document, operations)
    except PatchFailed:
        raise Invalid(_REJECTED, details={}) from None


def applied(document: Any, operations: list[dict[str, Any]]) -> Any:
    """The patched copy of a document. Raises PatchFailed."""
    result = copy.deepcopy(document)
    for operation in operations:
        _OPERATIONS.get((operation or {}).get("op") or "", _unknown)(result, operation)
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
    path = _path(operation, "add")
    container, key = _find(document, path,
                           f'add operation does not apply: doc is missing path: "{path}"')
    with _failing(f"error in add for path: '{path}'"):
        _insert(container, key, copy.deepcopy(operation.get("value")))


def _remove(document: Any, operation: dict[str, Any]) -> None:
    path = _path(operation, "remove")
    container, key = _find(document, path,
                           f'remove operation does not apply: doc is missing path: "{path}"')
    with _failing(f"error in remove for path: '{path}'"):
        _delete(container, key)


def _replace(document: Any, operation: dict[str, Any]) -> None:
    path = _path(operation, "replace")
    container, key = _find(document, path,
                           f"replace operation does not apply: doc is missing path: {path}")
    value = copy.deepcopy(operation.get("value"))
    if not isinstance(container, list):
        container[key] = value
        return
    try:
        container[_index(key, len(container))] = value
    except PatchFailed:
        raise PatchFailed(f"replace operation does not apply: doc is missing key: {path}"
                          ": missing value") from None


def _move(document: Any, operation: dict[str, Any]) -> None:
    source, path = _path(operation, "move", "from"), _path(operation, "move")
    container, key = _find(document, source,
                           f"move operation does not apply: doc is missing from path: {source}")
    with _failing(f"error in move for path: '{key}'"):
        value = _get(container, key)
        _delete(container, key)
    container, key = _find(document, path, (
        f"move operation does not apply: doc is missing destination path: {path}"))
    with _failing(f"error in move for path: '{path}'"):
        _insert(container, key, value)


def _copy(document: Any, operation: dict[str, Any]) -> None:
    source, path = _path(operation, "copy", "from"), _path(operation, "copy")
    container, key = _find(document, source,
                           f"copy operation does not apply: doc is missing from path: {source}")
    with _failing(f"error in copy for from: '{source}'"):
        value = _get(container, key)
    container, key = _find(document, path, (
        f"copy operation does not apply: doc is missing destination path: {path}"))
    with _failing(f"error in copy for path: '{path}'"):
        _insert(container, key, None if value is _ABSENT else copy.deepcopy(value))


def _test(document: Any, operation: dict[str, Any]) -> None:
    path = _path(operation, "test")
    container, key = _find(document, path,
                           f"test operation does not apply: is missing path: {path}")
    with _failing(f"error in test for path: '{path}'"):
        value = _get(container, key)
    found = None if value is _ABSENT else value
    if not same(found, operation.get("value")):
        raise TestFailed(f"testing path {path} failed: test failed")


def _unknown(document: Any, operation: dict[str, Any]) -> None:
    raise PatchFailed(f"Unexpected kind: {(operation or {}).get('op') or 'unknown'}")


_OPERATIONS: Final[dict[str, Callable[[Any, dict[str, Any]], None]]] = {
    "add": _add, "remove": _remove, "replace": _replace, "move": _move, "copy": _copy,
    "test": _test}


@contextmanager
def _failing(how: str) -> Iterator[None]:
    """Failures inside begin with `how`."""
    try:
        yield
    except PatchFailed as error:
        raise PatchFailed(f"{how}: {error}") from None


def _path(operation: dict[str, Any], name: str, field: str = "path") -> str:
    """A path of an operation. Raises PatchFailed when it is not there."""
    path = operation.get(field)
    if path is None:
        raise PatchFailed(f"{name} operation failed to decode {field}: missing value")
    return str(path)


def _insert(container: Any, key: str, value: Any) -> None:
    if not isinstance(container, list):
        container[key] = value
    elif key == "-":
        container.append(value)
    else:
        if not _is_number(key):
            raise PatchFailed(f"value was not a proper array index: '{key}': {_no_number(key)}")
        container.insert(_index(key, len(container) + 1), value)


def _delete(container: Any, key: str) -> None:
    if isinstance(container, list):
        del container[_index(key, len(container))]
    elif key in container:
        del container[key]
    else:
        raise PatchFailed(f"Unable to remove nonexistent key: {key}: missing value")


def _get(container: Any, key: str) -> Any:
    if isinstance(container, list):
        return container[_index(key, len(container))]
    return container.get(key, _ABSENT)


def _find(document: Any, path: str, missing: str) -> tuple[Any, str]:
    """The container that a path ends in, and the last key. Raises PatchFailed with `missing`."""
    parts = path.split("/")
    if len(parts) < 2:
        raise PatchFailed(f"{missing}: missing value")
    *above, last = (part.replace("~1", "/").replace("~0", "~") for part in parts[1:])
    container = document
    for key in above:
        try:
            container = _get(container, key)
        except PatchFailed:
            container = _ABSENT
        if not isinstance(container, dict | list):
            raise PatchFailed(f"{missing}: missing value")
    return container, last


def _is_number(key: str) -> bool:
    return re.fullmatch("[+-]?[0-9]+", key) is not None


def _no_number(key: str) -> str:
    return f'strconv.Atoi: parsing "{key}": invalid syntax'


def _index(key: str, length: int) -> int:
    if not _is_number(key):
        raise PatchFailed(_no_number(key))
    index = int(key) if len(key) < 20 else length
    if not -length <= index < length:
        raise PatchFailed(f"Unable to access invalid index: {index}: invalid index referenced")
    return index if index >= 0 else index + length


def same(a: Any, b: Any) -> bool:
    """Equality of JSON values: true is not 1."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and a == b
