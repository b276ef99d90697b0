"""LIST: pages of a collection, consistent over a changing set. Models storage/etcd3's GetList."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson

from apiserver.machinery.errors import BadRequest, Expired
from apiserver.registry.selection import select
from apiserver.registry.versions import BadRevision, check_not_future, parse_revision
from apiserver.schema.json_body import parse_json
from apiserver.schema.scalars import go_base64url
from apiserver.schema.state import describe
from apiserver.storage.keys import collection_prefix
from apiserver.storage.store import Compacted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.context import RequestContext
    from apiserver.registry.options import ListOptions
    from apiserver.registry.registry import Registry
    from apiserver.registry.selection import Selection
    from apiserver.storage.store import Page, Version

_Value = TypeVar("_Value", str, int)
_TOKEN_VERSION: Final = "meta.k8s.io/v1"
_NEWEST: Final = -1
"""The revision in a token that goes on inconsistently."""
_TOO_OLD_LIST: Final = "The resourceVersion for the provided list is too old."
_TOO_OLD_TOKEN: Final = (
    "The provided continue parameter is too old to display a consistent list result. You can start"
    " a new list without the continue parameter, or use the continue token in this response to"
    " retrieve the remainder of the results. Continuing with the provided token results in an"
    " inconsistent list - objects that were created, modified, or deleted between the time the"
    " first chunk was returned and now may show up in the list.")


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list answers."""

    versions: Sequence[Version]
    revision: int
    continue_token: str = ""
    remaining: int | None = None
    """How many more there are; None when a selector makes it unknown."""


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a page begins: at a key, at a revision (0: the newest)."""

    key: str = ""
    revision: int = 0
    continued: bool = False


async def list_page(registry: Registry, ctx: RequestContext, options: ListOptions) -> Listing:
    """A page of the collection that `ctx` names. Raises BadRequest, Expired, Timeout."""
    selection = select(ctx, options.label_selector, options.field_selector)
    prefix = collection_prefix(ctx.resource, ctx.namespace)
    start = _start(registry, options, prefix)
    limit = max(options.limit, 0)
    try:
        if selection.everything:
            page = await registry.stored(ctx.resource).list(
                prefix, revision=start.revision, start=start.key, limit=limit)
            return _listing(page, prefix, page.remaining)
        store = registry.stored(ctx.resource)
        page = await store.list(prefix, revision=start.revision, start=start.key)
        return _selected(page, prefix, selection, limit)
    except Compacted:
        raise _expired(start, prefix) from None


def _selected(page: Page, prefix: str, selection: Selection, limit: int) -> Listing:
    found: list[Version] = []
    for at, version in enumerate(page.versions, 1):
        if selection.matches(version.object):
            found.append(version)
            if len(found) == limit and at < len(page.versions):
                return Listing(found, page.revision,
                               _token(version.key, prefix, page.revision))
    return Listing(found, page.revision)


def _listing(page: Page, prefix: str, remaining: int) -> Listing:
    if not remaining:
        return Listing(page.versions, page.revision)
    token = _token(page.versions[-1].key, prefix, page.revision)
    return Listing(page.versions, page.revision, token, remaining)


def _start(registry: Registry, options: ListOptions, prefix: str) -> _Start:
    if options.continue_token:
        start = _read_token(options.continue_token, prefix)
        if options.resource_version not in ("", "0"):
            raise BadRequest("specifying resource version is not allowed when using continue")
        return start
    if options.resource_version in ("", "0"):
        return _Start()
    try:
        revision = parse_revision(options.resource_version)
    except BadRevision as error:
        raise BadRequest(f"invalid resource version: {error.message}") from None
    check_not_future(registry.store, revision)
    legacy_exact = options.limit > 0 and not options.resource_version_match
    exact = options.resource_version_match == "Exact" or legacy_exact
    return _Start(revision=revision) if exact else _Start()


def _token(last: str, prefix: str, revision: int) -> str:
    """Where the page after the key `last` begins, as kube-apiserver encodes it."""
    body = {"v": _TOKEN_VERSION, "rv": revision, "start": last.removeprefix(prefix) + "\0"}
    return base64.urlsafe_b64encode(orjson.dumps(body)).rstrip(b"=").decode()


def _read_token(token: str, prefix: str) -> _Start:
    """Raises BadRequest in the words of storage.DecodeContinue."""
    try:
        start, revision = _decoded(token)
    except ValueError as error:
        raise BadRequest(f"invalid continue token: continue key is not valid: {error}") from None
    return _Start(prefix + start, 0 if revision == _NEWEST else revision, continued=True)


def _decoded(token: str) -> tuple[str, int]:
    """The key and the revision of a token. Raises ValueError."""
    body = parse_json(go_base64url(token))
    if not isinstance(body, dict | None):
        raise ValueError(f"json: cannot unmarshal {describe(body)} into Go value of type "
                         "storage.continueToken")
    version, start = (_token_field(body, name, "", "string") for name in ("v", "start"))
    revision = _token_field(body, "rv", 0, "int64")
    if version != _TOKEN_VERSION:
        raise ValueError(f"server does not recognize this encoded version {version}")
    if not revision:
        raise ValueError(f"incorrect encoded start resourceVersion (version {_TOKEN_VERSION})")
    if not start:
        raise ValueError(f"encoded start key empty (version {_TOKEN_VERSION})")
    if _leads_elsewhere(start):
        raise ValueError(start)
    return start.removeprefix("/"), revision


def _token_field(body: Any, name: str, zero: _Value, go_type: str) -> _Value:
    value = (body or {}).get(name)
    if value is None:
        return zero
    if not isinstance(value, type(zero)):
        raise ValueError(f"json: cannot unmarshal {describe(value, go_type)} into Go struct field "
                         f"continueToken.{name} of type {go_type}")
    return value


def _leads_elsewhere(start: str) -> bool:
    """Whether a key is not in its shortest form, and so may leave the collection."""
    parts = start.removeprefix("/").split("/")
    return any(part in ("", ".", "..") for part in parts) and parts != [""]


def _expired(start: _Start, prefix: str) -> Expired:
    if not start.continued:
        return Expired(_TOO_OLD_LIST)
    error = Expired(_TOO_OLD_TOKEN)
    error.continue_token = _token(start.key.removesuffix("\0"), prefix, _NEWEST)
    return error
