"""Kubelets write about their own node and its Pods only. Models
plugin/pkg/admission/noderestriction; the node authorizer has let pass what may pass for some node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.admission.chain import AdmissionStep, Operation, refuse
from apiserver.admission.nodecertificates import certificate_problem
from apiserver.authorization.node import node_of
from apiserver.authorization.references import references_of
from apiserver.machinery import meta
from apiserver.machinery.gvk import PODS
from apiserver.machinery.validation import go_quote
from apiserver.storage.keys import object_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

_MIRROR: Final = "kubernetes.io/config.mirror"
_LEASES: Final = "kube-node-lease"
_RESTRICTED: Final = "node-restriction.kubernetes.io"
_KUBERNETES: Final = ("kubernetes.io", "k8s.io")
_KUBELET_NAMESPACES: Final = ("kubelet.kubernetes.io", "node.kubernetes.io")
_KUBELET_LABELS: Final = frozenset({
    "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch", "beta.kubernetes.io/instance-type",
    "node.kubernetes.io/instance-type", "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region"})
_UNREFERABLE: Final = (("serviceaccounts", "a service account"), ("secrets", "secrets"),
                       ("configmaps", "configmaps"), ("resourceclaims", "resourceclaims"),
                       ("persistentvolumeclaims", "persistentvolumeclaims"))


class NodeRestriction(AdmissionStep):
    """Asks of kubelets only; of everybody else nothing is asked."""

    plugin: ClassVar[str] = "NodeRestriction"
    operations: ClassVar[tuple[Operation, ...]] = ("CREATE", "UPDATE", "DELETE")
    sees_bodies: ClassVar[bool] = True
    _registry: Registry

    def connect(self, registry: Registry) -> None:
        """The registry has the Pods."""
        self._registry = registry

    async def admit(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden, NotFound."""
        node = node_of(ctx.user)
        if not node:
            return
        key = (ctx.resource.plural, ctx.subresource)
        if key == ("serviceaccounts", "token") and obj is not None:
            problem = await self._token(node, ctx, obj)
        elif ctx.resource.plural == "pods" and not ctx.resource.group:
            problem = await self._pod(node, ctx, obj, old)
        elif ctx.resource.plural == "podcertificaterequests":
            problem = await certificate_problem(self._registry, node, ctx, obj, old)
        else:
            problem = _own(node, ctx, obj, old)
        if problem:
            raise refuse(ctx, ctx.name or meta.name(obj or {}), problem)

    # --- Pods ------------------------------------------------------------------------------------

    async def _pod(self, node: str, ctx: RequestContext, obj: Object | None,
                   old: Object | None) -> str:
        who = f"node {go_quote(node)}"
        if ctx.subresource == "status":
            return _pod_status(who, node, obj or {}, old or {})
        if ctx.subresource == "eviction":
            pod = await self._stored_pod(ctx.namespace, ctx.name)
            if pod is not None and pod["spec"].get("nodeName") != node:
                return f"node {node} can only evict pods with spec.nodeName set to itself"
            return ""
        if ctx.subresource:
            return (f"unexpected pod subresource {go_quote(ctx.subresource)}, only 'status' and"
                    " 'eviction' are allowed")
        if obj is None:
            mine = old is not None and old["spec"].get("nodeName") == node
            return "" if mine else f"{who} can only delete pods with spec.nodeName set to itself"
        if old is not None:
            return (f'unexpected operation "UPDATE", {who} can only create and delete mirror pods')
        return _mirror_pod(who, node, obj)

    async def _token(self, node: str, ctx: RequestContext, request: Object) -> str:
        bound = (request.get("spec") or {}).get("boundObjectRef") or {}
        if (bound.get("apiVersion"), bound.get("kind")) != ("v1", "Pod") or not bound.get("name"):
            return "node requested token not bound to a pod"
        if not bound.get("uid"):
            return "node requested token with a pod binding without a uid"
        pod = await self._stored_pod(ctx.namespace, bound["name"])
        if pod is None:
            return ""  # the token's own answer says so
        if meta.uid(pod) != bound["uid"]:
            return (f"the UID in the bound object reference ({bound['uid']}) does not match the UID"
                    " in record. The object might have been deleted and then recreated")
        if pod["spec"].get("nodeName") != node:
            return "node requested token bound to a pod scheduled on a different node"
        return ""

    async def _stored_pod(self, namespace: str, name: str) -> Object | None:
        resource = self._registry.catalog.resource(PODS)
        version = await self._registry.store.get(object_key(resource, namespace, name))
        return version.object if version is not None else None


def _pod_status(who: str, node: str, obj: Object, old: Object) -> str:
    if (old.get("spec") or {}).get("nodeName") != node:
        return f"{who} can only update pod status for pods with spec.nodeName set to itself"
    if meta.labels(obj) != meta.labels(old):
        return f"{who} cannot update labels through pod status"
    return ""


def _mirror_pod(who: str, node: str, pod: Object) -> str:
    """A static Pod's picture, which needs nothing of the API."""
    if _MIRROR not in meta.annotations(pod):
        return (f"pod does not have {go_quote(_MIRROR)} annotation, {who} can only create mirror"
                " pods")
    if pod["spec"].get("nodeName") != node:
        return f"{who} can only create pods with spec.nodeName set to itself"
    owners = pod["metadata"].get("ownerReferences") or ()
    if len(owners) > 1:
        return f"{who} can only create pods with a single owner reference set to itself"
    if not owners or (owners[0].get("kind"), owners[0].get("name")) != ("Node", node):
        return f"{who} can only create pods with an owner reference set to itself"
    held = {kind for kind, _ in references_of(pod)}
    return next((f"{who} can not create pods that reference {text}"
                 for kind, text in _UNREFERABLE if kind in held), "")


# --- what has the node's name ---------------------------------------------------------------------

def _own(node: str, ctx: RequestContext, obj: Object | None, old: Object | None) -> str:
    name = ctx.name or meta.name(obj or {})
    if ctx.resource.plural == "nodes" and not ctx.resource.group:
        return _node(node, name, obj, old)
    if ctx.resource.plural == "leases":
        if ctx.namespace != _LEASES:
            return f"can only access leases in the {go_quote(_LEASES)} system namespace"
        if name != node:
            return "can only access node lease with the same name as the requesting node"
    if ctx.resource.plural == "csinodes" and name != node:
        return "can only access CSINode with the same name as the requesting node"
    if ctx.resource.plural == "persistentvolumeclaims" and ctx.subresource != "status":
        return "may only update PVC status"
    return ""


def _node(node: str, name: str, obj: Object | None, old: Object | None) -> str:
    who = f"node {go_quote(node)}"
    if name != node:
        return f"{who} is not allowed to modify node {go_quote(name)}"
    if obj is None:
        return ""
    before = meta.labels(old) if old is not None else {}
    if labels := _forbidden(meta.labels(obj), before):
        done = "set the following labels" if old is None else "modify labels"
        return f"{who} is not allowed to {done}: {', '.join(labels)}"
    if old is not None and (obj.get("spec") or {}).get("taints") != (
            old.get("spec") or {}).get("taints"):
        return f"{who} is not allowed to modify taints"
    return ""


def _forbidden(labels: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
    """The changed labels that are not a kubelet's to change, in order."""
    changed = {key for key in {*labels, *before} if labels.get(key) != before.get(key)}
    return sorted(key for key in changed if _is_restricted(key))


def _is_restricted(label: str) -> bool:
    prefix = label.partition("/")[0] if "/" in label else ""
    if _within(prefix, (_RESTRICTED,)):
        return True
    return (_within(prefix, _KUBERNETES) and label not in _KUBELET_LABELS
            and not _within(prefix, _KUBELET_NAMESPACES))


def _within(name: str, domains: tuple[str, ...]) -> bool:
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)
