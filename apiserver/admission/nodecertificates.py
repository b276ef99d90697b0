"""A kubelet asks for certificates of its own Pods only. Models admitPodCertificateRequest of
plugin/pkg/admission/noderestriction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery import meta
from apiserver.machinery.errors import Unknown
from apiserver.machinery.gvk import NODES, PODS, SERVICEACCOUNTS
from apiserver.machinery.validation import go_quote
from apiserver.storage.keys import object_key

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

_MIRROR: Final = "kubernetes.io/config.mirror"
_ABOUT: Final = "PodCertificateRequest for pod"


async def certificate_problem(registry: Registry, node: str, ctx: RequestContext,
                              obj: Object | None, old: Object | None) -> str:
    """Why a node may not ask this; '' when it may. Raises Unknown for what a lagging cache could be
    the reason of upstream.
    """
    if old is not None or obj is None:
        return f"unexpected operation {'DELETE' if obj is None else 'UPDATE'}"
    if ctx.subresource:
        return f"unexpected subresource {ctx.subresource}"
    spec = obj.get("spec") or {}
    if spec.get("nodeName") != node:
        return (f"PodCertificateRequest.Spec.NodeName={go_quote(spec.get('nodeName') or '')}, which"
                f" is not the requesting node {go_quote(node)}")
    return await _pod_problem(registry, ctx, spec)


async def _pod_problem(registry: Registry, ctx: RequestContext, spec: Object) -> str:
    node, account = spec["nodeName"], spec.get("serviceAccountName") or ""
    place = f"{ctx.namespace}/{spec.get('podName') or ''}"
    whose = f"{_ABOUT} {go_quote(place)}"
    found = await _get(registry, NODES, "", node, "node", node)
    _same(meta.uid(found), spec.get("nodeUID"), f"{whose} names node UID {{}}, inconsistent with "
          "the running node ({})")
    pod = await _get(registry, PODS, ctx.namespace, spec.get("podName") or "", "pod", place)
    _same(meta.uid(pod), spec.get("podUID"), f"{whose} contains pod UID ({{}}) which differs from "
          "running pod {}")
    if pod["spec"].get("nodeName") != node:
        return (f"pod {go_quote(place)} is not running on node {go_quote(node)} named in the"
                " PodCertificateRequest")
    if _MIRROR in meta.annotations(pod):
        return f"pod {go_quote(place)} is a mirror pod"
    own = pod["spec"].get("serviceAccountName") or ""
    if account != own:
        return (f"{whose} contains serviceAccountName ({go_quote(account)}) that differs from"
                f" running pod ({go_quote(own)})")
    held = await _get(registry, SERVICEACCOUNTS, ctx.namespace, account, "service account",
                      f"{ctx.namespace}/{account}")
    _same(meta.uid(held), spec.get("serviceAccountUID"), f"{whose} names service account UID {{}},"
          " which differs from the running service account ({})")
    return ""


def _same(real: str, named: str | None, text: str) -> None:
    if named != real:
        raise Unknown(text.format(go_quote(named or ""), go_quote(real)))


async def _get(registry: Registry, gvr: GVR, namespace: str, name: str, what: str,
               shown: str) -> Object:
    resource = registry.catalog.resource(gvr)
    version = await registry.store.get(object_key(resource, namespace, name))
    if version is None:
        raise Unknown(f"while retrieving {what} {go_quote(shown)} named in the "
                      f"PodCertificateRequest: {resource.kind.lower()} {go_quote(name)} not found")
    return version.object
