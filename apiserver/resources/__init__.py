"""Every built-in kind, in one table. A new kind is one file and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.resources.apps.deployments import DEPLOYMENTS
from apiserver.resources.apps.replicasets import REPLICASETS
from apiserver.resources.coordination.leases import LEASES
from apiserver.resources.core.configmaps import CONFIGMAPS
from apiserver.resources.core.endpoints import ENDPOINTS
from apiserver.resources.core.events import EVENTS
from apiserver.resources.core.namespaces import NAMESPACES
from apiserver.resources.core.nodes import NODES
from apiserver.resources.core.pods import PODS
from apiserver.resources.core.secrets import SECRETS
from apiserver.resources.core.serviceaccounts import SERVICEACCOUNTS
from apiserver.resources.core.services import SERVICES
from apiserver.resources.discovery.endpointslices import ENDPOINTSLICES
from apiserver.resources.networking.networkpolicies import NETWORKPOLICIES

if TYPE_CHECKING:
    from apiserver.resource import Resource

BUILTIN: Final[tuple[Resource, ...]] = (
    CONFIGMAPS,
    ENDPOINTS,
    EVENTS,
    NAMESPACES,
    NODES,
    PODS,
    SECRETS,
    SERVICEACCOUNTS,
    SERVICES,
    DEPLOYMENTS,
    REPLICASETS,
    LEASES,
    ENDPOINTSLICES,
    NETWORKPOLICIES,
)
"""In the order of discovery: core first, then by group."""
