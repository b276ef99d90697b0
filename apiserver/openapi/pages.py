"""/openapi/v2, /openapi/v3 and the documents below it, as pages of the app."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import orjson

from apiserver.handlers.answer import TEXT, Answer, not_found_text
from apiserver.machinery.errors import NotAcceptable
from apiserver.negotiation import JSON, parse_accept
from apiserver.openapi import gnostic
from apiserver.openapi.documents import Document, Documents, packed
from apiserver.openapi.served import reads_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.app import Page
    from apiserver.handlers.request import Request
    from apiserver.registry.catalog import Catalog
    from apiserver.resource import Resource
    from apiserver.schema.schema import Schema

V2_PROTOBUF: Final = ("application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
                      "application/com.github.proto-openapi.spec.v2.v1.0+protobuf")
_INDEX: Final = "/openapi/v3"
_FORM: Final = "2"
"""Counted up when the documents are written in another way: clients keep them by their hash."""


class OpenAPI:
    """The documents of one catalog, made when first asked for and kept as bytes."""

    def __init__(self, schema: Schema, catalog: Catalog) -> None:
        self._documents = Documents(schema)
        self._minor = schema.minor
        self._catalog = catalog
        self._generation = -1
        self._made: dict[str, bytes] = {}

    def pages(self) -> dict[str, Page]:
        """What the app serves: by path, or by prefix when it ends in '/'."""
        return {"/openapi/v2": self._v2, _INDEX: self._index, f"{_INDEX}/": self._v3}

    def _v2(self, request: Request) -> Answer:
        form = _wanted(request)
        if form == JSON:
            return _tagged(request, self._v2_json(), JSON)
        body = self._cached("v2.pb", lambda: gnostic.encode(orjson.loads(self._v2_json())))
        return _tagged(request, body, V2_PROTOBUF[1])  # the one that Go can parse

    def _v2_json(self) -> bytes:
        return self._cached("v2", lambda: orjson.dumps(
            self._documents.v2(self._catalog, packed)))

    def _index(self, request: Request) -> Answer:
        body = self._cached("index", lambda: orjson.dumps({"paths": {
            path: {"serverRelativeURL": _url(path, self._hash(path, found))}
            for path, found in self._groups().items()}}))
        return _tagged(request, body, TEXT)

    def _v3(self, request: Request) -> Answer:
        path = request.path.strip("/").removeprefix("openapi/v3/")
        resources = self._groups().get(path)
        if resources is None:
            return not_found_text()
        tag = self._hash(path, resources)
        wanted = request.parameter("hash")
        if wanted and wanted != tag:
            return _moved(_url(path, tag))
        body = self._cached(f"v3/{path}", lambda: orjson.dumps(
            self._v3_document(path, resources)))
        return _tagged(request, body, JSON, tag, for_ever=bool(wanted))

    def _v3_document(self, path: str, resources: list[Resource]) -> Document:
        reads = [read for read in reads_of(self._catalog) if read.document == path]
        return self._documents.v3(resources, reads, packed)

    def _groups(self) -> dict[str, list[Resource]]:
        """Resources by the path of their document: `api/v1`, `apis/apps/v1`; `version` has none."""
        groups: dict[str, list[Resource]] = {
            read.document: [] for read in reads_of(self._catalog)}
        for resource in self._catalog:
            prefix = "apis" if resource.group else "api"
            groups.setdefault(f"{prefix}/{resource.api_version}", []).append(resource)
        return dict(sorted(groups.items()))

    def _hash(self, path: str, resources: list[Resource]) -> str:
        """Changes when the document may: without making the document (upstream: its digest)."""
        names = sorted(f"{each.plural}{each.verbs}{each.subresources}" for each in resources)
        custom = str(self._catalog.generation) if any(each.custom for each in resources) else ""
        text = "\n".join([path, str(self._minor), _FORM, custom, *names])
        return hashlib.sha512(text.encode()).hexdigest().upper()

    def _cached(self, key: str, make: Callable[[], bytes]) -> bytes:
        if self._generation != self._catalog.generation:
            self._made.clear()
            self._generation = self._catalog.generation
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


def _wanted(request: Request) -> str:
    """The media type for /openapi/v2. Raises NotAcceptable."""
    ranges = parse_accept(request.header(b"accept"))
    for each in ranges:
        if each.type in V2_PROTOBUF:
            return each.type
        if each.type in ("*/*", "application/*", JSON):
            return JSON
    if not ranges:
        return JSON
    raise NotAcceptable(f"only the following media types are accepted: {JSON}, {V2_PROTOBUF[0]}")


def _url(path: str, tag: str) -> str:
    return f"{_INDEX}/{path}?hash={tag}"


def _moved(url: str) -> Answer:
    """What net/http answers a GET of an old address."""
    body = f'<a href="{url}">Moved Permanently</a>.\n\n'.encode()
    return Answer(body, 301, "text/html; charset=utf-8", headers=[(b"location", url.encode())])


def _tagged(request: Request, body: bytes, media_type: str, tag: str = "", *,
            for_ever: bool = False) -> Answer:
    """With an ETag (of the body when none is given); `for_ever`: the address names the version."""
    tag = f'"{tag or hashlib.sha512(body).hexdigest().upper()}"'
    headers: list[Any] = [(b"etag", tag.encode()), (b"vary", b"Accept")]
    if for_ever:
        headers.append((b"cache-control", b"public, immutable"))
    if request.header(b"if-none-match") == tag:
        return Answer(b"", 304, media_type, headers=headers)
    return Answer(body, media_type=media_type, headers=headers)
