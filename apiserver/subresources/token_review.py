"""Whose token is this? Models pkg/registry/authentication/tokenreview."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.authentication.service_accounts import Identity, InvalidToken
from apiserver.machinery.errors import BadRequest
from apiserver.machinery.gvk import GVK
from apiserver.subresources.subresource import Subresource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.context import RequestContext, User
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

_UNKNOWN: Final = "invalid bearer token"


async def review_token(registry: Registry, ctx: RequestContext, review: Object) -> Object:
    """The user of a token, or why it is nobody's. Raises BadRequest."""
    spec = review.get("spec") or {}
    token = spec.get("token") or ""
    if not token:
        raise BadRequest("token is required for TokenReview in authentication")
    status = await _status(registry, token, spec.get("audiences") or ())
    resource = ctx.resource
    return {"kind": resource.kind, "apiVersion": resource.api_version,
            "metadata": review.get("metadata") or {}, "spec": spec, "status": status}


async def _status(registry: Registry, token: str, audiences: Sequence[str]) -> Object:
    try:
        identity = await _identify(registry, token, audiences or registry.tokens.audiences)
    except InvalidToken as error:
        return {"user": {}, "error": f"[{_UNKNOWN}, {error}]"}
    if identity is None:
        return {"user": {}, "error": _UNKNOWN}
    status: Object = {"authenticated": True, "user": user_info(identity.user)}
    if identity.audiences:
        status = {**status, "audiences": list(identity.audiences)}
    return status


async def _identify(registry: Registry, token: str, audiences: Sequence[str]) -> Identity | None:
    user = registry.tokens.fixed.get(token)
    if user is not None:
        meant = tuple(each for each in audiences if each in registry.tokens.audiences)
        return Identity(user, meant) if meant else None
    return await registry.tokens.identify(token, audiences)


def user_info(user: User) -> Object:
    """An authentication.k8s.io/v1 UserInfo."""
    info: dict[str, Any] = {"username": user.name}
    if user.uid:
        info["uid"] = user.uid
    if user.groups:
        info["groups"] = list(user.groups)
    if user.extra:
        info["extra"] = {key: list(values) for key, values in user.extra}
    return info


TOKEN_REVIEW: Final = Subresource(
    name="tokenreviews", kind=GVK("authentication.k8s.io", "v1", "TokenReview"),
    create=review_token)
