"""Where an object lives: Kubernetes' own key layout `/registry/RESOURCE/NAMESPACE/NAME`.

Built-in kinds have no group in their keys, and some have names of old
(pkg/kubeapiserver/default_storage_factory_builder.go); custom resources have their group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from apiserver.resource import Resource

ROOT: Final = "/registry"
_SPECIAL: Final = {
    ("", "nodes"): "minions",
    ("", "replicationcontrollers"): "controllers",
    ("", "services"): "services/specs",
    ("", "endpoints"): "services/endpoints",
    ("networking.k8s.io", "ingresses"): "ingress",
}
_WITHOUT_GROUP: Final = frozenset({
    "", "admissionregistration.k8s.io", "apps", "autoscaling", "batch", "certificates.k8s.io",
    "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io", "node.k8s.io", "policy", "rbac.authorization.k8s.io", "resource.k8s.io",
    "scheduling.k8s.io", "storage.k8s.io", "storagemigration.k8s.io",
})


def collection_prefix(resource: Resource, namespace: str = "") -> str:
    """`/registry/pods/` or `/registry/pods/default/`: what all keys of a listing begin with."""
    if resource.shared is not None:
        resource = resource.shared.stored
    place = _SPECIAL.get((resource.group, resource.plural))
    if place is None:
        grouped = resource.custom or resource.group not in _WITHOUT_GROUP
        place = f"{resource.group}/{resource.plural}" if grouped else resource.plural
    return f"{ROOT}/{place}/{namespace}/" if namespace else f"{ROOT}/{place}/"


def object_key(resource: Resource, namespace: str, name: str) -> str:
    """`/registry/pods/default/web`, or without a namespace for cluster-scoped objects."""
    return collection_prefix(resource, namespace) + name
