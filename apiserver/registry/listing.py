"""LIST: pages of a collection, consistent over a changing set. Models storage/etcd3's GetList."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from apiserver.machinery.errors import BadRequest, Expired
from apiserver.machinery.validation import go_quote
from apiserver.registry.selection import select
from apiserver.registry.versions import BadRevision, check_not_future, parse_revision
from apiserver.storage.keys import collection_prefix
from apiserver.storage.store import Compacted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.context import RequestContext
    from apiserver.registry.options import ListOptions
    from apiserver.registry.registry import Registry
    from apiserver.registry.selection import Selection
    from apiserver.storage.store import Page, Version

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
        if options.resource_version not in ("", "0"):
            raise BadRequest("specifying resource version is not allowed when using continue")
        return _read_token(options.continue_token, prefix)
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
    try:
        padded = token + "=" * (-len(token) % 4)
        body = orjson.loads(base64.urlsafe_b64decode(padded))
        version, revision, start = body["v"], body.get("rv", 0), body["start"]
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRequest(f"continue key is not valid: {error}") from None
    if version != _TOKEN_VERSION or not isinstance(start, str) or type(revision) is not int:
        raise BadRequest(f"continue key is not valid: server does not recognize this encoded"
                         f" version {go_quote(str(version))}")
    if not revision:
        raise BadRequest("continue key is not valid: incorrect encoded start resourceVersion"
                         " (version meta.k8s.io/v1)")
    return _Start(prefix + start, 0 if revision == _NEWEST else revision, continued=True)


def _expired(start: _Start, prefix: str) -> Expired:
    if not start.continued:
        return Expired(_TOO_OLD_LIST)
    error = Expired(_TOO_OLD_TOKEN)
    error.continue_token = _token(start.key.removesuffix("\0"), prefix, _NEWEST)
    return error
