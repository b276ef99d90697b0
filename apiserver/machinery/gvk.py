"""Names of types and resources. Models apimachinery/pkg/runtime/schema."""

from __future__ import annotations

from typing import NamedTuple


class GVK(NamedTuple):
    """GroupVersionKind: the type of an object."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        """`v1` or `apps/v1`: the object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version


class GVR(NamedTuple):
    """GroupVersionResource: a collection as requests name it, ("apps", "v1", "replicasets")."""

    group: str
    version: str
    resource: str

    @property
    def api_version(self) -> str:
        """`v1` or `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """`pods` or `replicasets.apps`, as error messages have it."""
        return f"{self.resource}.{self.group}" if self.group else self.resource


def parse_api_version(api_version: str) -> tuple[str, str]:
    """Split `apps/v1` into (group, version); the core group is ''."""
    group, _, version = api_version.rpartition("/")
    return group, version


PODS = GVR("", "v1", "pods")
SERVICES = GVR("", "v1", "services")
ENDPOINTS = GVR("", "v1", "endpoints")
NODES = GVR("", "v1", "nodes")
NAMESPACES = GVR("", "v1", "namespaces")
EVENTS = GVR("", "v1", "events")
CONFIGMAPS = GVR("", "v1", "configmaps")
SECRETS = GVR("", "v1", "secrets")
SERVICEACCOUNTS = GVR("", "v1", "serviceaccounts")
REPLICASETS = GVR("apps", "v1", "replicasets")
DEPLOYMENTS = GVR("apps", "v1", "deployments")
ENDPOINTSLICES = GVR("discovery.k8s.io", "v1", "endpointslices")
LEASES = GVR("coordination.k8s.io", "v1", "leases")
NETWORKPOLICIES = GVR("networking.k8s.io", "v1", "networkpolicies")
RESOURCEQUOTAS = GVR("", "v1", "resourcequotas")
PERSISTENTVOLUMECLAIMS = GVR("", "v1", "persistentvolumeclaims")
STATEFULSETS = GVR("apps", "v1", "statefulsets")
DAEMONSETS = GVR("apps", "v1", "daemonsets")
CONTROLLERREVISIONS = GVR("apps", "v1", "controllerrevisions")
JOBS = GVR("batch", "v1", "jobs")
CRONJOBS = GVR("batch", "v1", "cronjobs")
PODDISRUPTIONBUDGETS = GVR("policy", "v1", "poddisruptionbudgets")
