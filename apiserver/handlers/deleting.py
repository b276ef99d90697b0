"""DELETE of an object or a collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.handlers.answer import json_answer
from apiserver.handlers.bodies import media_type_of
from apiserver.handlers.options import boolean, dry_run_errors, integer, list_options
from apiserver.handlers.rendering import list_answer, object_answer
from apiserver.machinery.errors import BadRequest, Invalid
from apiserver.machinery.gvk import GVK
from apiserver.machinery.validation import go_quote
from apiserver.registry.options import DeleteOptions
from apiserver.schema.request_body import SCHEME, kind_in, parse_body
from apiserver.schema.state import DecodeError

if TYPE_CHECKING:
    from apiserver.handlers.answer import Answer
    from apiserver.handlers.call import Call
    from apiserver.machinery.types import Object

_OPTIONS: Final = GVK("meta.k8s.io", "v1", "DeleteOptions")


async def delete(call: Call) -> Answer:
    """One object: answers it, or a Status."""
    options = await _read_options(call)
    deleted = await call.registry.delete(call.ctx, options)
    revision = call.registry.store.revision
    asked_in_background = options.orphan_dependents is False
    status = 202 if asked_in_background and not deleted.gone else 200
    if not deleted.answer_object:
        return json_answer(deleted.status(call.ctx), status=status, revision=revision)
    answer = object_answer(call.request, call.ctx, deleted.version, call.accepted, status=status)
    answer.revision = revision
    return answer


async def delete_collection(call: Call) -> Answer:
    """All that match: answers the list of them."""
    options = await _read_options(call)
    listing = await call.registry.delete_collection(
        call.ctx, list_options(call.request), options)
    answer = list_answer(call.request, call.ctx, listing, call.accepted)
    answer.revision = call.registry.store.revision
    return answer


async def _read_options(call: Call) -> DeleteOptions:
    """From the body, or else from the query; sets the context's dry_run. Raises BadRequest."""
    body = await call.request.body()
    found = _from_body(call, body) if body.strip() else _from_query(call)
    if body.strip():
        call.request.audit(found)
    dry_run = found.get("dryRun") or []
    if errors := dry_run_errors(dry_run):
        raise Invalid.object("meta.k8s.io", "DeleteOptions", "", errors)
    call.ctx.dry_run = bool(dry_run)
    return DeleteOptions(
        grace_period_seconds=found.get("gracePeriodSeconds"),
        propagation=found.get("propagationPolicy"),
        orphan_dependents=found.get("orphanDependents"),
        preconditions=found.get("preconditions") or {})


def _from_body(call: Call, body: bytes) -> Object:
    value = parse_body(body, media_type_of(call.request), _OPTIONS)
    found = kind_in(value, _OPTIONS, body)
    if found.kind != _OPTIONS.kind:
        raise BadRequest(f"no kind {go_quote(found.kind)} is registered for version"
                         f" {go_quote(found.api_version)} in scheme {go_quote(SCHEME)}")
    try:
        return call.registry.schema.decode(GVK("", "v1", "DeleteOptions"), value).object
    except DecodeError as error:
        raise BadRequest(str(error)) from None


def _from_query(call: Call) -> Object:
    request = call.request
    found: dict[str, Any] = {"gracePeriodSeconds": integer(request, "gracePeriodSeconds"),
                             "dryRun": request.query.get("dryRun", [])}
    if "orphanDependents" in request.query:
        found["orphanDependents"] = boolean(request, "orphanDependents")
    if policy := request.parameter("propagationPolicy"):
        found["propagationPolicy"] = policy
    return found
