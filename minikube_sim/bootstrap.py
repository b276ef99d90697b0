"""Creates what a fresh cluster holds before its user comes. Models pkg/controlplane's bootstrap
controllers and minikube's addons. What is there already stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.errors import NotFound
from apiserver.machinery.gvk import (
    CONFIGMAPS,
    DEPLOYMENTS,
    ENDPOINTS,
    ENDPOINTSLICES,
    GVR,
    NAMESPACES,
    PODS,
    SERVICEACCOUNTS,
    SERVICES,
)
from minikube_sim.addons import documents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object
    from controllers.client import Client
    from minikube_sim.config import ClusterOptions

_RESOURCES: Final[dict[str, GVR]] = {
    "Namespace": NAMESPACES, "Service": SERVICES, "Endpoints": ENDPOINTS,
    "EndpointSlice": ENDPOINTSLICES, "ServiceAccount": SERVICEACCOUNTS, "ConfigMap": CONFIGMAPS,
    "Deployment": DEPLOYMENTS, "Pod": PODS,
    "APIService": GVR("apiregistration.k8s.io", "v1", "apiservices"),
}


async def bootstrap(client: Client, options: ClusterOptions, manifests: tuple[str, ...], *,
                    root_ca: str = "", allocates: bool = True) -> None:
    """Create every object of the manifests that does not exist. Raises ApiError.

    `allocates`: Services get what addresses they lack; without, only those with one are created.
    """
    families = options.families
    words = {"$(NODE_IP)": options.node_addresses()[0][0], "$(FAMILY)": families[0],
             "$(SERVICE_IP_1)": options.service_ip(1), "$(SERVICE_IP_10)": options.service_ip(10),
             "$(ROOT_CA)": root_ca}
    for document in documents(manifests):
        obj = _fill(document, words)
        if obj["metadata"]["name"] == "kube-dns" and len(families) > 1:
            obj["spec"] |= {"clusterIPs": [*options.service_ips(10)],
                            "ipFamilyPolicy": "PreferDualStack"}
        if allocates or _complete(obj, families):
            await _ensure(client, obj)


def _complete(obj: Object, families: Sequence[str]) -> bool:
    """Write out what an allocator would say of a Service's address; False when it has none."""
    if obj["kind"] != "Service":
        return True
    spec = obj["spec"]
    if "clusterIP" not in spec:
        return False
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    spec["ipFamilies"] = [*families[:len(spec["clusterIPs"])]]
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    return True


async def _ensure(client: Client, obj: Object) -> None:
    resource, meta = _RESOURCES[obj["kind"]], obj["metadata"]
    namespace = meta.get("namespace")
    try:
        await client.get(resource, meta["name"], namespace)
    except NotFound:
        await client.create(resource, obj, namespace)


def _fill(value: Any, words: dict[str, str]) -> Any:
    """A copy with the variables replaced."""
    if isinstance(value, dict):
        return {key: _fill(item, words) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, words) for item in value]
    return words.get(value, value) if isinstance(value, str) else value
