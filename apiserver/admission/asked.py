"""One request as webhooks and policies see it. Models admission.Attributes and
admission/plugin/webhook/generic.VersionedAttributes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.gvk import parse_api_version
from apiserver.registry.scaling import scale_of
from apiserver.registry.shared_storage import converted

if TYPE_CHECKING:
    from apiserver.admission.chain import Operation
    from apiserver.context import RequestContext, User
    from apiserver.machinery.types import Object
    from apiserver.resource import Resource

_OPTIONS: Final = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions",
                   "DELETE": "DeleteOptions"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be done to which object, by whom."""

    operation: Operation
    resource: Resource
    """In whose version `obj` and `old` are."""
    requested: Resource
    """In whose version the client asked."""
    subresource: str
    namespace: str
    name: str
    obj: Object | None
    old: Object | None
    user: User
    dry_run: bool
    field_manager: str

    @property
    def options(self) -> Object | None:
        """The request's options, as far as they are kept."""
        if self.operation == "CONNECT":
            return None
        options: dict[str, Any] = {"kind": _OPTIONS.get(self.operation),
                                   "apiVersion": "meta.k8s.io/v1"}
        if self.dry_run:
            options["dryRun"] = ["All"]
        if self.field_manager and self.operation in ("CREATE", "UPDATE"):
            options["fieldManager"] = self.field_manager
        return options

    def kind(self, resource: Resource) -> Object:
        """The group, version and kind of the object: a subresource's own where it has one."""
        body = self.obj if self.obj is not None else self.old
        if body is not None and body.get("kind") not in (None, resource.kind):
            group, version = parse_api_version(body.get("apiVersion") or "")
            return {"group": group, "version": version, "kind": body["kind"]}
        return {"group": resource.group, "version": resource.version, "kind": resource.kind}

    def request(self, uid: str) -> Object:
        """`request` of an AdmissionReview, which is `request` in expressions too."""
        asked: dict[str, Any] = {
            "uid": uid, "kind": self.kind(self.resource), "resource": _name(self.resource)}
        if self.subresource:
            asked["subResource"] = self.subresource
        asked["requestKind"] = self.kind(self.requested)
        asked["requestResource"] = _name(self.requested)
        if self.subresource:
            asked["requestSubResource"] = self.subresource
        if self.name:
            asked["name"] = self.name
        if self.namespace:
            asked["namespace"] = self.namespace
        return asked | {"operation": self.operation, "userInfo": user_info(self.user),
                        "object": self.obj, "oldObject": self.old, "dryRun": self.dry_run,
                        "options": self.options}

    def converted(self, resource: Resource) -> Asked:
        """The same with its objects in another version of the kind."""
        if resource is self.resource:
            return self
        return replace(self, resource=resource,
                       obj=_convert(self.obj, self.resource, resource),
                       old=_convert(self.old, self.resource, resource))

    def converted_back(self, obj: Object) -> Object:
        """A changed object in the version that the client asked in."""
        if self.resource is self.requested:
            return obj
        return _convert(obj, self.resource, self.requested) or obj


def asked_of(ctx: RequestContext, obj: Object | None, old: Object | None) -> Asked:
    """The request that a step is called with."""
    operation: Operation = "DELETE" if obj is None else "CREATE" if old is None else "UPDATE"
    if ctx.connecting:
        operation = "CONNECT"
    if ctx.subresource == "scale" and ctx.resource.scale is not None:
        obj = scale_of(ctx.resource, obj) if obj is not None else None
        old = scale_of(ctx.resource, old) if old is not None else None
    return Asked(
        operation=operation, resource=ctx.resource, requested=ctx.resource,
        subresource=ctx.subresource, namespace=ctx.name if is_namespace(ctx.resource) else
        ctx.namespace, name=ctx.name, obj=obj, old=old,
        user=ctx.user, dry_run=ctx.dry_run, field_manager=ctx.field_manager)


def is_namespace(resource: Resource) -> bool:
    """Whether it is about Namespaces, whose namespace is their own name."""
    return resource.plural == "namespaces" and not resource.group


def user_info(user: User) -> Object:
    """authentication/v1 UserInfo."""
    info: dict[str, Any] = {"username": user.name}
    if user.uid:
        info["uid"] = user.uid
    if user.groups:
        info["groups"] = list(user.groups)
    if user.extra:
        info["extra"] = {key: list(values) for key, values in user.extra}
    return info


def _name(resource: Resource) -> Object:
    return {"group": resource.group, "version": resource.version, "resource": resource.plural}


def _convert(obj: Object | None, source: Resource, target: Resource) -> Object | None:
    if obj is None or obj.get("kind") != source.kind:  # a subresource's own kind stays what it is
        return obj
    return converted(obj, source=source, target=target)
