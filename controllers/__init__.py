"""Kubernetes' control loops: `CONTROLLERS` lists them, `manager.Manager` runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from controllers.certificates import (
    CSRApprovingController,
    CSRCleanerController,
    CSRSigningController,
)
from controllers.clusterroleaggregation import ClusterRoleAggregationController
from controllers.cronjob import CronJobController
from controllers.daemonset import DaemonSetController
from controllers.deployment import DeploymentController
from controllers.disruption import DisruptionController
from controllers.endpoints import EndpointsController
from controllers.endpointslice import EndpointSliceController, EndpointSliceMirroringController
from controllers.garbagecollector import GarbageCollector
from controllers.job import JobController, TTLAfterFinishedController
from controllers.namespace import NamespaceController
from controllers.nodeipam import NodeIPAMController
from controllers.nodelifecycle import NodeLifecycleController
from controllers.podautoscaler import HorizontalController
from controllers.podgc import PodGarbageCollector
from controllers.policystatus import PolicyStatusController
from controllers.replicaset import ReplicaSetController, ReplicationControllerController
from controllers.resourcequota import ResourceQuotaController
from controllers.serviceaccount import RootCAPublisher, ServiceAccountController
from controllers.serviceaccounttokens import ServiceAccountTokenController
from controllers.statefulset import StatefulSetController
from controllers.tainteviction import TaintEvictionController
from controllers.volumebinder import PersistentVolumeBinder
from controllers.volumeprotection import ClaimProtection, VolumeProtection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from controllers.controller import Controller, ControllerContext

_TABLE: Final = (
    CSRApprovingController,
    CSRCleanerController,
    CSRSigningController,
    ClusterRoleAggregationController,
    CronJobController,
    DaemonSetController,
    DeploymentController,
    DisruptionController,
    EndpointsController,
    EndpointSliceController,
    EndpointSliceMirroringController,
    GarbageCollector,
    HorizontalController,
    JobController,
    NamespaceController,
    NodeIPAMController,
    NodeLifecycleController,
    PodGarbageCollector,
    PolicyStatusController,
    ReplicaSetController,
    ReplicationControllerController,
    ResourceQuotaController,
    RootCAPublisher,
    ServiceAccountController,
    ServiceAccountTokenController,
    StatefulSetController,
    TTLAfterFinishedController,
    TaintEvictionController,
    PersistentVolumeBinder,
    ClaimProtection,
    VolumeProtection,
)

CONTROLLERS: Final[Mapping[str, Callable[[ControllerContext], Controller]]] = {
    one.name: one for one in _TABLE}
"""By canonical name, as kube-controller-manager v1.36 has it, what makes the controller."""

OFF_BY_DEFAULT: Final[frozenset[str]] = frozenset()
"""Those that `*` does not start."""

ALIASES: Final[Mapping[str, str]] = {
    "clusterrole-aggregation": "clusterrole-aggregation-controller",
    "cronjob": "cronjob-controller",
    "csrapproving": "certificatesigningrequest-approving-controller",
    "csrcleaner": "certificatesigningrequest-cleaner-controller",
    "csrsigning": "certificatesigningrequest-signing-controller",
    "daemonset": "daemonset-controller",
    "deployment": "deployment-controller",
    "disruption": "disruption-controller",
    "endpoint": "endpoints-controller",
    "endpoints": "endpoints-controller",
    "endpointslice": "endpointslice-controller",
    "endpointslicemirroring": "endpointslice-mirroring-controller",
    "garbagecollector": "garbage-collector-controller",
    "horizontalpodautoscaling": "horizontal-pod-autoscaler-controller",
    "job": "job-controller",
    "namespace": "namespace-controller",
    "nodeipam": "node-ipam-controller",
    "nodelifecycle": "node-lifecycle-controller",
    "podgc": "pod-garbage-collector-controller",
    "persistentvolume-binder": "persistentvolume-binder-controller",
    "persistentvolume-protection": "persistentvolume-protection-controller",
    "persistentvolumeclaim-protection": "persistentvolumeclaim-protection-controller",
    "pv-protection": "persistentvolume-protection-controller",
    "pvc-protection": "persistentvolumeclaim-protection-controller",
    "replicaset": "replicaset-controller",
    "replicationcontroller": "replicationcontroller-controller",
    "resourcequota": "resourcequota-controller",
    "root-ca-cert-publisher": "root-ca-certificate-publisher-controller",
    "serviceaccount": "serviceaccount-controller",
    "serviceaccount-token": "serviceaccount-token-controller",
    "statefulset": "statefulset-controller",
    "taint-eviction": "taint-eviction-controller",
    "ttl-after-finished": "ttl-after-finished-controller",
}
"""The names of older versions, which `--controllers` accepts too."""

__all__ = ["ALIASES", "CONTROLLERS", "OFF_BY_DEFAULT"]
