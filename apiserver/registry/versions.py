"""Resource versions that clients send, and what is wrong with them. Models storage/versioner.go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.machinery.errors import Timeout, Unknown
from apiserver.machinery.validation import go_quote

if TYPE_CHECKING:
    from apiserver.storage.store import Store

_UINT64 = 2**64


class BadRevision(Unknown):
    """Not a number; lists answer 400, everything else 500 without a reason."""


def parse_uint(text: str) -> int | None:
    """strconv.ParseUint of a decimal; None when it is not one."""
    if not (text.isascii() and text.isdigit()):
        return None
    value = int(text)
    return value if value < _UINT64 else None


def parse_revision(text: str) -> int:
    """The number that a resource version is. Raises BadRevision."""
    value = parse_uint(text)
    if value is None:
        raise BadRevision(f"resourceVersion: Invalid value: {go_quote(text)}: strconv.ParseUint:"
                          f" parsing {go_quote(text)}: invalid syntax")
    return value


def object_revision(text: str) -> int:
    """The same for `metadata.resourceVersion` of an object; 0 when unset. Raises Unknown."""
    if not text:
        return 0
    value = parse_uint(text)
    if value is None:
        raise Unknown(f"strconv.ParseUint: parsing {go_quote(text)}: invalid syntax")
    return value


def check_not_future(store: Store, revision: int) -> None:
    """Raises Timeout for a revision that has not happened yet, as a cache that waited does."""
    if revision > store.revision:
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        raise Timeout(
            f"Timeout: Too large resource version: {revision}, current: {store.revision}",
            details={"causes": [cause], "retryAfterSeconds": 1})
