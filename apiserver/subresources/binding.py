"""pods/binding: a scheduler's decision. Models BindingREST of pkg/registry/core/pod/storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.machinery import meta
from apiserver.machinery.clock import rfc3339
from apiserver.machinery.errors import ApiError, BadRequest, Conflict, Unknown
from apiserver.machinery.gvk import GVK, PODS
from apiserver.machinery.validation import FieldError, not_supported, required
from apiserver.subresources.subresource import Subresource

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry


async def bind(registry: Registry, ctx: RequestContext, binding: Object) -> Object:
    """Set the Pod's node. Raises NotFound, Conflict, and Unknown for a wrong target."""
    if (name := meta.name(binding)) and name != ctx.name:
        raise BadRequest(f"the name in the binding ({name}) does not match the name on the URL"
                         f" ({ctx.name})")
    target = binding.get("target") or {}
    if errors := _target_errors(target):
        raise Unknown(", ".join(str(error) for error in errors) if len(errors) == 1
                      else f"[{', '.join(str(error) for error in errors)}]")
    await registry.modify(ctx, lambda pod: _bound(ctx, pod, binding))
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def _target_errors(target: Object) -> list[FieldError]:
    errors = []
    if (kind := target.get("kind") or "") not in ("", "Node"):
        errors.append(not_supported("target.kind", kind, ["Node", "<empty>"]))
    if not target.get("name"):
        errors.append(required("target.name"))
    return errors


def _bound(ctx: RequestContext, pod: Object, binding: Object) -> Object:
    node = binding["target"]["name"]
    if error := _refusal(ctx, pod):
        raise error
    # Containers, volumes, ... stay the stored ones: nothing changes them on this way.
    bound: Object = {**pod, "metadata": dict(pod["metadata"]),
                     "spec": {**pod["spec"], "nodeName": node},
                     "status": {**(pod.get("status") or {})}}
    if annotations := meta.annotations(binding):
        bound["metadata"]["annotations"] = {**meta.annotations(pod), **annotations}
    if labels := meta.labels(binding):
        bound["metadata"]["labels"] = {**meta.labels(pod), **labels}
    if revision := meta.resource_version(binding):
        bound["metadata"]["resourceVersion"] = revision
    _set_scheduled(bound, rfc3339(ctx.now))
    return bound


def _refusal(ctx: RequestContext, pod: Object) -> ApiError | None:
    spec = pod.get("spec") or {}
    why = ""
    if meta.is_terminating(pod):
        why = f"pod {ctx.name} is being deleted, cannot be assigned to a host"
    elif spec.get("nodeName"):
        why = f'pod {ctx.name} is already assigned to node "{spec["nodeName"]}"'
    elif spec.get("schedulingGates"):
        why = f"pod {ctx.name} has non-empty .spec.schedulingGates"
    return Conflict.object("", "pods/binding", ctx.name, why) if why else None


def _set_scheduled(pod: Object, now: str) -> None:
    """The condition PodScheduled becomes True (podutil.UpdatePodCondition)."""
    conditions: list[Object] = [*(pod["status"].get("conditions") or ())]
    pod["status"]["conditions"] = conditions
    fresh = {"type": "PodScheduled", "status": "True", "lastProbeTime": None,
             "lastTransitionTime": now}
    for i, condition in enumerate(conditions):
        if condition["type"] == "PodScheduled":
            if condition["status"] == "True":
                fresh["lastTransitionTime"] = condition.get("lastTransitionTime")
            conditions[i] = fresh
            return
    conditions.append(fresh)


async def bind_named(registry: Registry, ctx: RequestContext, binding: Object) -> Object:
    """The same by POST to the collection `bindings`: the Pod is the one of the binding's name."""
    ctx.name = meta.name(binding)
    ctx.resource, ctx.subresource = registry.catalog.resource(PODS), BINDING.name
    return await bind(registry, ctx, binding)


BINDINGS = Subresource(name="bindings", kind=GVK("", "v1", "Binding"), create=bind_named)
BINDING = Subresource(name="binding", kind=GVK("", "v1", "Binding"), create=bind)
