"""Access reviews: what the authorizer says, asked by clients. Models pkg/registry/authorization and
pkg/registry/authentication/selfsubjectreview.

The registry's `decide` and `rules` are the authorizer's; a server without one allows everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apiserver.authorization.attributes import Attributes
from apiserver.context import User
from apiserver.machinery.clock import rfc3339
from apiserver.machinery.errors import BadRequest, Invalid
from apiserver.machinery.gvk import GVK
from apiserver.machinery.validation import FieldError, Path, invalid
from apiserver.subresources.review_selectors import (
    evaluation_error,
    field_selector_of,
    selector_errors,
)
from apiserver.subresources.subresource import Subresource
from apiserver.subresources.token_review import user_info

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

_GROUP = "authorization.k8s.io"
_NOT_BOTH = "cannot be specified in combination with resourceAttributes"
_ONE_OF = "exactly one of nonResourceAttributes or resourceAttributes must be specified"


async def review_self(registry: Registry, ctx: RequestContext, review: Object) -> Object:
    """May I? Raises Invalid."""
    spec = review.get("spec") or {}
    _refuse(_attribute_errors(spec) + _metadata_errors(review))
    return _decided(registry, ctx, review, ctx.user)


async def review_subject(registry: Registry, ctx: RequestContext, review: Object) -> Object:
    """May somebody? Raises Invalid."""
    spec = review.get("spec") or {}
    _refuse(_subject_errors(spec) + _metadata_errors(review))
    return _decided(registry, ctx, review, _subject(spec))


def _subject_errors(spec: Object) -> list[FieldError]:
    errors = _attribute_errors(spec)
    if not spec.get("user") and not spec.get("groups"):
        errors.append(invalid("spec.user", "", "at least one of user or group must be specified"))
    return errors


def _subject(spec: Object) -> User:
    extra = tuple((key, tuple(values)) for key, values in (spec.get("extra") or {}).items())
    return User(name=spec.get("user") or "", uid=spec.get("uid") or "",
                groups=tuple(spec.get("groups") or ()), extra=extra)


async def review_local(registry: Registry, ctx: RequestContext, review: Object) -> Object:
    """May somebody, in this namespace? Raises Invalid, BadRequest."""
    spec, metadata = review.get("spec") or {}, dict(review.get("metadata") or {})
    if metadata.setdefault("namespace", ctx.namespace) != ctx.namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent"
                         " on the request")
    review["metadata"] = metadata
    _refuse(_subject_errors(spec) + _metadata_errors(review, "namespace")
            + _local_errors(spec, ctx.namespace))
    return _decided(registry, ctx, review, _subject(spec))


def _local_errors(spec: Object, namespace: str) -> list[FieldError]:
    errors: list[FieldError] = []
    asked = spec.get("resourceAttributes")
    if asked is not None and (asked.get("namespace") or "") != namespace:
        errors.append(invalid("spec.resourceAttributes.namespace", asked.get("namespace") or "",
                              "must match metadata.namespace"))
    if spec.get("nonResourceAttributes") is not None:
        errors.append(invalid("spec.nonResourceAttributes", spec["nonResourceAttributes"],
                              "disallowed on this kind of request"))
    return errors


async def review_rules(registry: Registry, ctx: RequestContext, review: Object) -> Object:
    """What may I do in a namespace? Raises BadRequest."""
    namespace = (review.get("spec") or {}).get("namespace") or ""
    if not namespace:
        raise BadRequest("no namespace on request")
    resource_rules: list[Object] = []
    other_rules: list[Object] = []
    for rule in registry.rules(ctx.user, namespace):
        (other_rules if rule.get("nonResourceURLs") else resource_rules).append(rule)
    status: Object = {"resourceRules": resource_rules, "nonResourceRules": other_rules,
                      "incomplete": False}
    if problem := registry.rules_problem(ctx.user, namespace):
        status = {**status, "evaluationError": problem}
    return _answer(ctx, {**review, "spec": {}}, status)


async def review_me(registry: Registry, ctx: RequestContext, review: Object) -> Object:
    """Who am I?"""
    made = _answer(ctx, review, {"userInfo": user_info(ctx.user)})
    made.pop("spec", None)
    made["metadata"] = {"creationTimestamp": rfc3339(ctx.now)}
    return made


def _decided(registry: Registry, ctx: RequestContext, review: Object, user: User) -> Object:
    decision = registry.decide(_attributes(review["spec"], user))
    status: dict[str, Any] = {"allowed": decision.allowed}
    if decision.reason:
        status["reason"] = decision.reason
    if problem := evaluation_error(review["spec"].get("resourceAttributes") or {}):
        status["evaluationError"] = problem
    return _answer(ctx, review, status)


def _attributes(spec: Object, user: User) -> Attributes:
    asked = spec.get("resourceAttributes")
    if asked is None:
        path = spec["nonResourceAttributes"]
        return Attributes(user=user, verb=path.get("verb", ""), path=path.get("path", ""))
    return Attributes(
        user=user, verb=asked.get("verb", ""), group=asked.get("group", ""),
        version=asked.get("version", ""), resource=asked.get("resource", ""),
        subresource=asked.get("subresource", ""), namespace=asked.get("namespace", ""),
        name=asked.get("name", ""), field_selector=field_selector_of(asked))


def _attribute_errors(spec: Object) -> list[FieldError]:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is None and path is None:
        return [invalid("spec.resourceAttributes", None, _ONE_OF)]
    if resource is not None and path is not None:
        return [invalid("spec.nonResourceAttributes", path, _NOT_BOTH)]
    return selector_errors(resource or {}, Path("spec.resourceAttributes"))


def _metadata_errors(review: Object, allowed: str = "") -> list[FieldError]:
    """Reviews have no metadata, since they are not kept."""
    metadata = review.get("metadata") or {}
    if all(field in ("managedFields", allowed) or value in (None, "", {}, [])
           for field, value in metadata.items()):
        return []
    why = f"must be empty except for {allowed}" if allowed else "must be empty"
    return [invalid("metadata", metadata, why)]


def _refuse(errors: list[FieldError]) -> None:
    if errors:
        error = Invalid.object(_GROUP, "", "", errors)
        details = {key: value for key, value in (error.details or {}).items() if key != "kind"}
        raise Invalid(error.message, details=details, errors=errors)


def _answer(ctx: RequestContext, review: Object, status: Object) -> Object:
    resource = ctx.resource
    made: Object = {"kind": resource.kind, "apiVersion": resource.api_version}
    return {**made, "metadata": review.get("metadata") or {}, "spec": review.get("spec") or {},
            "status": status}


def _kind(kind: str, group: str = _GROUP) -> GVK:
    return GVK(group, "v1", kind)


SELF_ACCESS = Subresource(name="selfsubjectaccessreviews", kind=_kind("SelfSubjectAccessReview"),
                          create=review_self)
SUBJECT_ACCESS = Subresource(name="subjectaccessreviews", kind=_kind("SubjectAccessReview"),
                             create=review_subject)
LOCAL_ACCESS = Subresource(name="localsubjectaccessreviews",
                           kind=_kind("LocalSubjectAccessReview"), create=review_local)
RULES = Subresource(name="selfsubjectrulesreviews", kind=_kind("SelfSubjectRulesReview"),
                    create=review_rules)
ME = Subresource(name="selfsubjectreviews",
                 kind=_kind("SelfSubjectReview", "authentication.k8s.io"), create=review_me)
