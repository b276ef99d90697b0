"""Smaller things that every server makes: priorities of the system's Pods, its range of addresses,
its own identity. Models pkg/registry/scheduling/rest, pkg/controlplane/controller/
{defaultservicecidr,legacytokentracking} and the identity lease of pkg/controlplane/apiserver.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Final

from apiserver.defaults.objects import Default
from apiserver.machinery.clock import rfc3339, rfc3339_micro
from apiserver.machinery.gvk import CONFIGMAPS, GVR
from apiserver.resources.scheduling.priorityclasses import SYSTEM_CLASSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

_PRIORITYCLASSES: Final = GVR("scheduling.k8s.io", "v1", "priorityclasses")
_SERVICECIDRS: Final = GVR("networking.k8s.io", "v1", "servicecidrs")
LEASES: Final = GVR("coordination.k8s.io", "v1", "leases")
_USES: Final = {
    "system-node-critical": "Used for system critical pods that must not be moved from their"
                            " current node.",
    "system-cluster-critical": "Used for system critical pods that must run in the cluster, but"
                               " can be moved to another node if necessary.",
}
_LEASE_SECONDS: Final = 3600
_TRACKING: Final = "kube-apiserver-legacy-service-account-token-tracking"


@cache
def priorities() -> tuple[Default, ...]:
    """The two PriorityClasses of the system."""
    return tuple(Default(_PRIORITYCLASSES, {
        "kind": "PriorityClass", "apiVersion": "scheduling.k8s.io/v1", "metadata": {"name": name},
        "value": value, "description": _USES[name], "preemptionPolicy": "PreemptLowerPriority"})
        for name, value in SYSTEM_CLASSES.items())


@cache
def service_range(ranges: Sequence[str]) -> Default:
    """The ServiceCIDR that holds the addresses of Services."""
    return Default(_SERVICECIDRS, {
        "kind": "ServiceCIDR", "apiVersion": "networking.k8s.io/v1",
        "metadata": {"name": "kubernetes",
                     "finalizers": ["networking.k8s.io/service-cidr-finalizer"]},
        "spec": {"cidrs": list(ranges)},
        "status": {"conditions": [{
            "type": "Ready", "status": "True", "reason": "",
            "message": "Kubernetes Service CIDR is ready"}]},
    }, status_manager="service-cidrs-controller")


def token_tracking(now: float) -> Default:
    """Since when it is known which tokens of old are used."""
    return Default(CONFIGMAPS, {
        "kind": "ConfigMap", "apiVersion": "v1",
        "metadata": {"name": _TRACKING, "namespace": "kube-system"},
        "data": {"since": rfc3339(now)[:10]}})


def identity(host: str, holder: str, now: float) -> Default:
    """The Lease that says that this server lives."""
    name = identity_name(host)
    return Default(LEASES, {
        "kind": "Lease", "apiVersion": "coordination.k8s.io/v1",
        "metadata": {"name": name, "namespace": "kube-system", "labels": {
            "apiserver.kubernetes.io/identity": "kube-apiserver",
            "kubernetes.io/hostname": host}},
        "spec": lease_spec(holder, now)})


def lease_spec(holder: str, now: float) -> Object:
    """A lease that was renewed now."""
    return {"holderIdentity": holder, "leaseDurationSeconds": _LEASE_SECONDS,
            "renewTime": rfc3339_micro(now)}


def identity_name(host: str) -> str:
    """`apiserver-` and a hash of the host's name."""
    digest = hashlib.sha256(host.encode()).digest()
    return f"apiserver-{base64.b32encode(digest[:16]).decode().lower().rstrip('=')}"
