"""A Node object as its kubelet writes it. Models pkg/kubelet/nodestatus/setters.go and
kubelet_node_status.go. Pure functions.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object
    from controllers.node.config import NodeConfig
    from controllers.node.runtime import ImageInfo

MAX_IMAGES: Final = 50
"""nodeStatusMaxImages: the largest ones are listed."""

_CONDITIONS: Final = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory",
     "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)

KERNEL_VERSION: Final = "6.6.95"
OS_IMAGE: Final = "Buildroot 2025.02"
"""minikube's."""


def new_node(config: NodeConfig) -> Object:
    """The Node that a kubelet registers."""
    common = {"arch": "amd64", "os": "linux"}
    labels = {f"{prefix}kubernetes.io/{key}": value
              for prefix in ("beta.", "") for key, value in common.items()}
    labels["kubernetes.io/hostname"] = config.name
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": config.name,
            "labels": {**labels, **config.labels},
            "annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
        },
        "spec": {"podCIDR": config.pod_cidrs[0], "podCIDRs": list(config.pod_cidrs)},
    }


def node_status(config: NodeConfig, images: Iterable[ImageInfo], old: Mapping[str, Any],
                now: float) -> Object:
    """The whole status; conditions that have not changed keep their transition times."""
    before = {c["type"]: c for c in old.get("conditions") or ()}
    largest = sorted(images, key=lambda image: -image.size_bytes)[:MAX_IMAGES]
    return {
        "addresses": [*({"type": "InternalIP", "address": ip} for ip in config.addresses),
                      {"type": "Hostname", "address": config.name}],
        "capacity": dict(config.capacity),
        "allocatable": dict(config.capacity),
        "conditions": [_condition(*fact, before, now) for fact in _CONDITIONS],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": _node_info(config),
        "images": [{"names": [image.name], "sizeBytes": image.size_bytes} for image in largest],
    }


def says_the_same(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Whether two statuses differ in heartbeat times only."""
    return _without_heartbeat(new) == _without_heartbeat(old)


def lease(config: NodeConfig, owner: Object, now: str) -> Object:
    """The node's heartbeat in kube-node-lease."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": config.name,
            "namespace": "kube-node-lease",
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": config.name,
                                 "uid": owner["metadata"]["uid"]}],
        },
        "spec": {"holderIdentity": config.name, "leaseDurationSeconds": config.lease_seconds,
                 "renewTime": now},
    }


def _condition(kind: str, value: str, reason: str, message: str, before: Mapping[str, Any],
               now: float) -> Object:
    known = before.get(kind)
    since = rfc3339(now)
    if known is not None and known.get("status") == value:
        since = known.get("lastTransitionTime", since)
    return {"type": kind, "status": value, "lastHeartbeatTime": rfc3339(now),
            "lastTransitionTime": since, "reason": reason, "message": message}


def _node_info(config: NodeConfig) -> Object:
    """Identifiers derive from the name: the same node always has the same."""
    digest = hashlib.md5(config.name.encode(), usedforsecurity=False).hexdigest()
    as_uuid = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))
    return {
        "machineID": digest,
        "systemUUID": as_uuid,
        "bootID": as_uuid[::-1].replace("-", "", 0)[:8] + as_uuid[8:],
        "kernelVersion": KERNEL_VERSION,
        "osImage": OS_IMAGE,
        "containerRuntimeVersion": "docker://28.4.0",
        "kubeletVersion": config.kubernetes_version,
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": "amd64",
    }


def _without_heartbeat(status: Mapping[str, Any]) -> dict[str, Any]:
    conditions = [{key: value for key, value in c.items() if key != "lastHeartbeatTime"}
                  for c in status.get("conditions") or ()]
    kept = {key: value for key, value in status.items() if key != "conditions"}
    return {**kept, "conditions": conditions}
