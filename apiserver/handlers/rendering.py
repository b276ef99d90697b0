"""Stored versions into answers: the object, a list, a Table, or only the metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from apiserver.handlers.answer import Answer, json_answer, to_yaml
from apiserver.machinery.errors import BadRequest, NotAcceptable
from apiserver.machinery.validation import go_quote
from apiserver.negotiation import YAML
from apiserver.schema.request_body import internal_package
from apiserver.table import IncludeObject, partial_metadata, table_of

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.handlers.request import Request
    from apiserver.machinery.types import Object
    from apiserver.negotiation import Accepted
    from apiserver.registry.listing import Listing
    from apiserver.resource import Resource
    from apiserver.storage.store import Version

_INCLUDE: Final = {"": "Metadata", "Metadata": "Metadata", "Object": "Object", "None": "None"}


def include_object(request: Request) -> IncludeObject:
    """What a Table's rows carry. Raises BadRequest."""
    wanted = request.parameter("includeObject")
    include: Any = _INCLUDE.get(wanted)
    if include is None:
        raise BadRequest("Unable to convert to Table as requested: includeObject: Invalid value:"
                         f" {go_quote(wanted)}: must be 'Metadata', 'Object', 'None', or empty")
    return include  # type: ignore[no-any-return]


def object_answer(request: Request, ctx: RequestContext, version: Version, accepted: Accepted,
                  *, status: int = 200) -> Answer:
    """One object. Raises NotAcceptable, BadRequest."""
    if not accepted.form:
        answer = Answer(version.encode() + b"\n", status, revision=version.revision)
    elif accepted.form == "Table":
        table = table_of(ctx.resource, [version], ctx.now, include_object(request),
                         accepted.version)
        table["metadata"] = {"resourceVersion": str(version.revision)}
        answer = json_answer(table, status=status, revision=version.revision)
    elif accepted.form == "PartialObjectMetadata":
        partial = partial_metadata(version.object, accepted.version)
        answer = json_answer(partial, status=status, revision=version.revision)
    else:
        raise NotAcceptable(f"you requested {accepted.form}, but the requested object is not a"
                            f" list ({_go_type(ctx.resource)})")
    return to_yaml(answer) if accepted.media_type == YAML else answer


def list_answer(request: Request, ctx: RequestContext, listing: Listing,
                accepted: Accepted) -> Answer:
    """A list. Raises NotAcceptable, BadRequest."""
    metadata = list_metadata(ctx.resource, listing, whole=not accepted.form)
    if not accepted.form:
        answer = Answer(_joined(ctx.resource, listing, metadata), revision=listing.revision)
    elif accepted.form == "Table":
        table = table_of(ctx.resource, listing.versions, ctx.now, include_object(request),
                         accepted.version)
        table["metadata"] = metadata
        answer = json_answer(table, revision=listing.revision)
    elif accepted.form == "PartialObjectMetadataList":
        items = [partial_metadata(each.object, accepted.version) for each in listing.versions]
        body = {"kind": accepted.form, "apiVersion": f"meta.k8s.io/{accepted.version}",
                "metadata": metadata, "items": items}
        answer = json_answer(body, revision=listing.revision)
    else:
        raise NotAcceptable(f"you requested {accepted.form}, but the requested object is a list"
                            f" ({_go_type(ctx.resource)[:-1]}List)"
                            if ctx.resource.custom else
                            f"you requested {accepted.form}, but the requested object is a list"
                            f" ({_go_type(ctx.resource)}List)")
    return to_yaml(answer) if accepted.media_type == YAML else answer


def list_metadata(resource: Resource, listing: Listing, *, whole: bool) -> Object:
    """A list's metadata; lists of whole custom resources always show `continue`."""
    metadata: Object = {"resourceVersion": str(listing.revision)}
    if listing.continue_token or (resource.custom and whole):
        metadata["continue"] = listing.continue_token
    if listing.remaining is not None:
        metadata["remainingItemCount"] = listing.remaining
    return metadata


def _joined(resource: Resource, listing: Listing, metadata: Object) -> bytes:
    """The list's bytes, joined from those of its items."""
    head = (f'{{"kind":"{resource.list_kind}","apiVersion":"{resource.api_version}","metadata":'
            .encode())
    items = [version.encode() for version in listing.versions]
    if not resource.custom:
        items = _without_type(resource, items)
    return b"".join((head, orjson.dumps(metadata), b',"items":[', b",".join(items), b"]}\n"))


def _without_type(resource: Resource, items: list[bytes]) -> list[bytes]:
    """Items of built-in lists do not repeat their kind and apiVersion."""
    prefix = f'{{"kind":"{resource.kind}","apiVersion":"{resource.api_version}",'.encode()
    cut = len(prefix)
    return [b"{" + item[cut:] if item.startswith(prefix) else item for item in items]


def _go_type(resource: Resource) -> str:
    if resource.custom:
        return "*unstructured.Unstructured"
    return f"*{internal_package(resource.group)}.{resource.kind}"


