"""What a node's Pods refer to, worked out from the store when a kubelet asks. Models the graph of
plugin/pkg/auth/authorizer/node and pkg/api/v1/pod (VisitPodSecretNames, VisitPodConfigmapNames).

Upstream keeps a graph up to date with every write; here a question looks at the node's Pods, so
that clusters whose kubelets are not asked pay nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery import meta
from apiserver.machinery.gvk import GVR
from apiserver.storage.keys import collection_prefix, object_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.machinery.types import JSON, Object
    from apiserver.registry.registry import Registry

_PODS: Final = GVR("", "v1", "pods")
_CLAIMS: Final = GVR("", "v1", "persistentvolumeclaims")
_VOLUMES: Final = GVR("", "v1", "persistentvolumes")
_ATTACHMENTS: Final = GVR("storage.k8s.io", "v1", "volumeattachments")
_MIRROR: Final = "kubernetes.io/config.mirror"
_SECRETS: Final = frozenset({"secretKeyRef", "secretRef", "secret", "nodePublishSecretRef",
                             "nodeStageSecretRef", "nodeExpandSecretRef"})
_CONFIG_MAPS: Final = frozenset({"configMapKeyRef", "configMapRef", "configMap"})


class References:
    """The objects that a node may read since it runs the Pods that need them."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def holds(self, node: str, resource: str, namespace: str, name: str) -> bool:
        """Whether some Pod of a node refers to an object."""
        if resource == "volumeattachments":
            found = await self._get(_ATTACHMENTS, "", name)
            return found is not None and found["spec"].get("nodeName") == node
        return (resource, namespace, name) in {
            reference async for reference in self._references(node, resource)}

    async def _references(self, node: str, resource: str) -> Any:
        for pod in await self._pods(node):
            place = meta.namespace(pod)
            yield "pods", place, meta.name(pod)
            if _MIRROR in meta.annotations(pod):
                continue
            for kind, name in references_of(pod):
                yield kind, place, name
                if kind == "persistentvolumeclaims" and resource in ("persistentvolumes",
                                                                     "secrets"):
                    for reference in await self._behind(place, name):
                        yield reference

    async def _pods(self, node: str) -> list[Object]:
        resource = self._registry.catalog.resource(_PODS)
        page = await self._registry.store.list(collection_prefix(resource))
        return [each.object for each in page.versions
                if each.object["spec"].get("nodeName") == node]

    async def _behind(self, namespace: str, claim: str) -> list[tuple[str, str, str]]:
        """The volume of a claim, and the secrets that mount it."""
        held = await self._get(_CLAIMS, namespace, claim)
        name = held["spec"].get("volumeName") if held is not None else None
        volume = await self._get(_VOLUMES, "", name) if name else None
        if volume is None:
            return []
        found = [("persistentvolumes", "", str(name))]
        for key, value in _walk(volume["spec"]):
            if key in _SECRETS and isinstance(value, dict):
                found.append(("secrets", value.get("namespace") or namespace,
                              value.get("name") or ""))
        return found

    async def _get(self, gvr: GVR, namespace: str, name: str) -> Object | None:
        resource = self._registry.catalog.resource(gvr)
        version = await self._registry.store.get(object_key(resource, namespace, name))
        return version.object if version is not None else None


def references_of(pod: Object) -> Iterator[tuple[str, str]]:
    """Resource and name of what a Pod's spec refers to in its namespace."""
    spec = pod["spec"]
    if account := spec.get("serviceAccountName"):
        yield "serviceaccounts", account
    for each in spec.get("imagePullSecrets") or ():
        yield "secrets", each.get("name") or ""
    for volume in spec.get("volumes") or ():
        if claim := volume.get("persistentVolumeClaim"):
            yield "persistentvolumeclaims", claim["claimName"]
        if "ephemeral" in volume:
            yield "persistentvolumeclaims", f"{meta.name(pod)}-{volume['name']}"
    for key, value in _walk(spec):
        yield from _reference(key, value)
    statuses = (pod.get("status") or {}).get("resourceClaimStatuses") or ()
    for claim in [*(spec.get("resourceClaims") or ()), *statuses]:
        if name := claim.get("resourceClaimName"):
            yield "resourceclaims", name


def _reference(key: str, value: JSON) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if key in _SECRETS:
            yield "secrets", value.get("secretName") or value.get("name") or ""
        elif key in _CONFIG_MAPS:
            yield "configmaps", value.get("name") or ""
        elif key == "azureFile":
            yield "secrets", value.get("secretName") or ""


def _walk(value: JSON) -> Iterator[tuple[str, JSON]]:
    """Every key and value, at any depth."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield key, each
            yield from _walk(each)
    elif isinstance(value, list):
        for each in value:
            yield from _walk(each)
