"""workqueue_*: the queues of the controllers, by the names that they have in
kube-controller-manager. Models component-base/metrics/prometheus/workqueue.

Theirs is a process of its own there; here all is one, and has one /metrics, as in k3s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.metrics.family import Family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from controllers.workqueue import QueueState, WorkQueue

QUEUES: Final[Mapping[str, str]] = {
    "certificatesigningrequest-approving-controller": "certificate",
    "clusterrole-aggregation-controller": "ClusterRoleAggregator",
    "cronjob-controller": "cronjob",
    "daemonset-controller": "daemonset",
    "deployment-controller": "deployment",
    "disruption-controller": "disruption",
    "endpoints-controller": "endpoint",
    "endpointslice-controller": "endpoint_slice",
    "endpointslice-mirroring-controller": "endpoint_slice_mirroring",
    "garbage-collector-controller": "garbage_collector_attempt_to_delete",
    "horizontal-pod-autoscaler-controller": "horizontalpodautoscaler",
    "job-controller": "job",
    "namespace-controller": "namespace",
    "node-lifecycle-controller": "node_lifecycle_controller",
    "persistentvolume-binder-controller": "claims",
    "persistentvolume-protection-controller": "pvprotection",
    "persistentvolumeclaim-protection-controller": "pvcprotection",
    "pod-garbage-collector-controller": "orphaned_pods_nodes",
    "replicaset-controller": "replicaset",
    "replicationcontroller-controller": "replicationmanager",
    "resourcequota-controller": "resourcequota_primary",
    "root-ca-certificate-publisher-controller": "root_ca_cert_publisher",
    "service-cidrs-controller": "servicecidrs",
    "serviceaccount-controller": "serviceaccount",
    "serviceaccount-token-controller": "serviceaccount_tokens_service",
    "statefulset-controller": "statefulset",
    "taint-eviction-controller": "noexec_taint_node",
    "ttl-after-finished-controller": "ttl_jobs_to_delete",
    "validatingadmissionpolicy-status-controller": "validatingadmissionpolicy-status",
}
"""A controller's name to its queue's; agents of nodes have no such queue, and are left out."""

_METRICS: Final[tuple[tuple[str, str, str, Callable[[QueueState], Any]], ...]] = (
    ("adds_total", "counter", "Total number of adds handled by workqueue",
     lambda state: state.counts.adds),
    ("depth", "gauge", "Current depth of workqueue", lambda state: state.depth),
    ("longest_running_processor_seconds", "gauge",
     "How many seconds has the longest running processor for workqueue been running.",
     lambda state: max(state.running, default=0.0)),
    ("queue_duration_seconds", "histogram",
     "How long in seconds an item stays in workqueue before being requested.",
     lambda state: state.counts.waits),
    ("retries_total", "counter", "Total number of retries handled by workqueue",
     lambda state: state.counts.retries),
    ("unfinished_work_seconds", "gauge",
     "How many seconds of work has done that is in progress and hasn't been observed by"
     " work_duration. Large values indicate stuck threads. One can deduce the number of stuck"
     " threads by observing the rate at which this increases.",
     lambda state: sum(state.running)),
    ("work_duration_seconds", "histogram",
     "How long in seconds processing an item from workqueue takes.",
     lambda state: state.counts.work),
)


def queue_families(queue: WorkQueue) -> Iterator[Family]:
    """What /metrics says of the queue."""
    states = sorted((QUEUES[name], state) for name, state in queue.state().items()
                    if name in QUEUES)
    for name, kind, text, value in _METRICS:
        yield Family(f"workqueue_{name}", kind, "BETA", text, ("name",),  # type: ignore[arg-type]
                     [((queue_name,), value(state)) for queue_name, state in states])
