"""serviceaccounts/token: a token for who may ask. Models TokenREST of core/serviceaccount."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import rfc3339
from apiserver.machinery.errors import BadRequest, Conflict, Invalid
from apiserver.machinery.gvk import GVK, GVR, parse_api_version
from apiserver.machinery.validation import FieldError, invalid
from apiserver.subresources.subresource import Subresource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

_GROUP: Final = "authentication.k8s.io"
_KIND: Final = "TokenRequest"
_HOUR: Final = 3600
_LEAST: Final = 600
_MOST: Final = 1 << 32
_BINDABLE: Final = {"Pod": "pods", "Secret": "secrets", "Node": "nodes"}


async def create_token(registry: Registry, ctx: RequestContext, request: Object) -> Object:
    """A new token of the account that `ctx` names. Raises Invalid, NotFound, Conflict."""
    _check_metadata(ctx, meta.metadata(request))
    spec = request.get("spec") or {}
    seconds = _HOUR if spec.get("expirationSeconds") is None else int(spec["expirationSeconds"])
    if errors := _duration_errors(seconds):
        raise Invalid.object(_GROUP, _KIND, "", errors)
    account = (await registry.get(ctx)).object
    bound = await _bound_objects(registry, ctx, spec.get("boundObjectRef"))
    audiences = list(spec.get("audiences") or registry.tokens.audiences)
    token = registry.tokens.issue(account, seconds=seconds, audiences=audiences, bound=bound,
                                  now=ctx.now)
    made: Object = {
        "kind": _KIND, "apiVersion": f"{_GROUP}/v1", "metadata": _metadata(account, ctx.now),
        "spec": {"audiences": audiences, "expirationSeconds": seconds,
                 "boundObjectRef": spec.get("boundObjectRef")},
        "status": {"token": token if ctx.reads_later else str(token),
                   "expirationTimestamp": rfc3339(ctx.now + seconds)}}
    return made


def _metadata(account: Object, now: float) -> Object:
    return {"name": meta.name(account), "namespace": meta.namespace(account),
            "uid": meta.uid(account), "creationTimestamp": rfc3339(now)}


def _check_metadata(ctx: RequestContext, given: Mapping[str, Any]) -> None:
    """What the body says of name and namespace is what the URL says. Raises Invalid."""
    for field, own in (("name", ctx.name), ("namespace", ctx.namespace)):
        said = given.get(field)
        if said and said != own:
            error = invalid(f"metadata.{field}", said,
                            f"must match the service account {field} if specified")
            raise Invalid.object(_GROUP, _KIND, ctx.name, [error])


def _duration_errors(seconds: int) -> list[FieldError]:
    path = "spec.expirationSeconds"
    if seconds < _LEAST:
        return [invalid(path, seconds, "may not specify a duration less than 10 minutes")]
    if seconds > _MOST:
        return [invalid(path, seconds, "may not specify a duration larger than 2^32 seconds")]
    return []


async def _bound_objects(registry: Registry, ctx: RequestContext,
                         reference: Object | None) -> dict[str, Object]:
    """What the token is bound to, by kind in lower case. Raises BadRequest, NotFound, Conflict."""
    if not reference:
        return {}
    group, version = parse_api_version(reference.get("apiVersion") or "")
    kind, name = reference.get("kind") or "", reference.get("name") or ""
    if group or kind not in _BINDABLE:
        raise BadRequest(f"cannot bind token to object of type {group}/{version}, Kind={kind}")
    obj = await _get(registry, ctx, _BINDABLE[kind], name)
    bound = {kind.lower(): obj}
    if kind == "Pod":
        _check_pod(ctx, obj)
        if node := obj["spec"].get("nodeName"):
            bound |= await _node(registry, ctx, node)
    wanted = reference.get("uid") or ""
    if wanted and wanted != meta.uid(obj):
        raise Conflict.object("", kind, name, (
            f"the UID in the bound object reference ({wanted}) does not match the UID in record"
            f" ({meta.uid(obj)}). The object might have been deleted and then recreated"))
    return bound


def _check_pod(ctx: RequestContext, pod: Object) -> None:
    account = pod["spec"].get("serviceAccountName") or ""
    if account != ctx.name:
        raise BadRequest(f'cannot bind token for serviceaccount "{ctx.name}" to pod running with'
                         f' serviceaccount "{account}"')


async def _node(registry: Registry, ctx: RequestContext, name: str) -> dict[str, Object]:
    """The Node that a bound Pod runs on; only its name when it is not there."""
    version = await registry.store.get(f"/registry/minions/{name}")
    return {"node": version.object if version else {"metadata": {"name": name, "uid": ""}}}


async def _get(registry: Registry, ctx: RequestContext, plural: str, name: str) -> Object:
    resource = registry.catalog.resource(GVR("", "v1", plural))
    there = replace(ctx, resource=resource, verb="get", name=name, subresource="",
                    namespace=ctx.namespace if resource.namespaced else "")
    return (await registry.get(there)).object


TOKEN: Final = Subresource(name="token", kind=GVK(_GROUP, "v1", _KIND), create=create_token)
