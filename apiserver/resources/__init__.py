"""Every built-in kind, in one table. A new kind is one file and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.resources.admissionregistration.policies import (
    MUTATINGADMISSIONPOLICIES,
    MUTATINGADMISSIONPOLICYBINDINGS,
    VALIDATINGADMISSIONPOLICIES,
    VALIDATINGADMISSIONPOLICYBINDINGS,
)
from apiserver.resources.admissionregistration.webhooks import (
    MUTATINGWEBHOOKCONFIGURATIONS,
    VALIDATINGWEBHOOKCONFIGURATIONS,
)
from apiserver.resources.apiextensions.customresourcedefinitions import (
    CUSTOMRESOURCEDEFINITIONS,
)
from apiserver.resources.apiregistration.apiservices import APISERVICES
from apiserver.resources.apps.controllerrevisions import CONTROLLERREVISIONS
from apiserver.resources.apps.daemonsets import DAEMONSETS
from apiserver.resources.apps.deployments import DEPLOYMENTS
from apiserver.resources.apps.replicasets import REPLICASETS
from apiserver.resources.apps.statefulsets import STATEFULSETS
from apiserver.resources.authentication.reviews import SELFSUBJECTREVIEWS, TOKENREVIEWS
from apiserver.resources.authorization.reviews import (
    LOCALSUBJECTACCESSREVIEWS,
    SELFSUBJECTACCESSREVIEWS,
    SELFSUBJECTRULESREVIEWS,
    SUBJECTACCESSREVIEWS,
)
from apiserver.resources.autoscaling.horizontalpodautoscalers import (
    HORIZONTALPODAUTOSCALERS,
    OLD_HORIZONTALPODAUTOSCALERS,
)
from apiserver.resources.batch.cronjobs import CRONJOBS
from apiserver.resources.batch.jobs import JOBS
from apiserver.resources.certificates.certificatesigningrequests import (
    CERTIFICATESIGNINGREQUESTS,
)
from apiserver.resources.certificates.clustertrustbundles import CLUSTERTRUSTBUNDLES
from apiserver.resources.certificates.podcertificaterequests import PODCERTIFICATEREQUESTS
from apiserver.resources.coordination.leases import LEASES
from apiserver.resources.core.bindings import BINDINGS
from apiserver.resources.core.componentstatuses import COMPONENTSTATUSES
from apiserver.resources.core.configmaps import CONFIGMAPS
from apiserver.resources.core.endpoints import ENDPOINTS
from apiserver.resources.core.events import EVENTS
from apiserver.resources.core.limitranges import LIMITRANGES
from apiserver.resources.core.namespaces import NAMESPACES
from apiserver.resources.core.nodes import NODES
from apiserver.resources.core.persistentvolumeclaims import PERSISTENTVOLUMECLAIMS
from apiserver.resources.core.persistentvolumes import PERSISTENTVOLUMES
from apiserver.resources.core.pods import PODS
from apiserver.resources.core.podtemplates import PODTEMPLATES
from apiserver.resources.core.replicationcontrollers import REPLICATIONCONTROLLERS
from apiserver.resources.core.resourcequotas import RESOURCEQUOTAS
from apiserver.resources.core.secrets import SECRETS
from apiserver.resources.core.serviceaccounts import SERVICEACCOUNTS
from apiserver.resources.core.services import SERVICES
from apiserver.resources.discovery.endpointslices import ENDPOINTSLICES
from apiserver.resources.events.events import NEW_EVENTS
from apiserver.resources.flowcontrol.flows import FLOWSCHEMAS, PRIORITYLEVELCONFIGURATIONS
from apiserver.resources.networking.ingressclasses import INGRESSCLASSES
from apiserver.resources.networking.ingresses import INGRESSES
from apiserver.resources.networking.ipaddresses import IPADDRESSES, SERVICECIDRS
from apiserver.resources.networking.networkpolicies import NETWORKPOLICIES
from apiserver.resources.node.runtimeclasses import RUNTIMECLASSES
from apiserver.resources.policy.poddisruptionbudgets import PODDISRUPTIONBUDGETS
from apiserver.resources.rbac.rolebindings import CLUSTERROLEBINDINGS, ROLEBINDINGS
from apiserver.resources.rbac.roles import CLUSTERROLES, ROLES
from apiserver.resources.resource.devices import (
    DEVICECLASSES,
    RESOURCECLAIMS,
    RESOURCECLAIMTEMPLATES,
    RESOURCESLICES,
)
from apiserver.resources.resource.devicetaintrules import DEVICETAINTRULES
from apiserver.resources.scheduling.priorityclasses import PRIORITYCLASSES
from apiserver.resources.storage.csi import (
    CSIDRIVERS,
    CSINODES,
    CSISTORAGECAPACITIES,
    VOLUMEATTACHMENTS,
)
from apiserver.resources.storage.storageclasses import (
    STORAGECLASSES,
    VOLUMEATTRIBUTESCLASSES,
)
from apiserver.resources.storagemigration.storageversionmigrations import (
    STORAGEVERSIONMIGRATIONS,
)

if TYPE_CHECKING:
    from apiserver.resource import Resource

BUILTIN: Final[tuple[Resource, ...]] = (
    BINDINGS,
    COMPONENTSTATUSES,
    CONFIGMAPS,
    ENDPOINTS,
    EVENTS,
    LIMITRANGES,
    NAMESPACES,
    NODES,
    PERSISTENTVOLUMECLAIMS,
    PERSISTENTVOLUMES,
    PODS,
    PODTEMPLATES,
    REPLICATIONCONTROLLERS,
    RESOURCEQUOTAS,
    SECRETS,
    SERVICEACCOUNTS,
    SERVICES,
    APISERVICES,
    CONTROLLERREVISIONS,
    DAEMONSETS,
    DEPLOYMENTS,
    REPLICASETS,
    STATEFULSETS,
    NEW_EVENTS,
    SELFSUBJECTREVIEWS,
    TOKENREVIEWS,
    LOCALSUBJECTACCESSREVIEWS,
    SELFSUBJECTACCESSREVIEWS,
    SELFSUBJECTRULESREVIEWS,
    SUBJECTACCESSREVIEWS,
    HORIZONTALPODAUTOSCALERS,
    OLD_HORIZONTALPODAUTOSCALERS,
    CRONJOBS,
    JOBS,
    CERTIFICATESIGNINGREQUESTS,
    CLUSTERTRUSTBUNDLES,
    PODCERTIFICATEREQUESTS,
    INGRESSCLASSES,
    INGRESSES,
    IPADDRESSES,
    NETWORKPOLICIES,
    SERVICECIDRS,
    PODDISRUPTIONBUDGETS,
    CLUSTERROLEBINDINGS,
    CLUSTERROLES,
    ROLEBINDINGS,
    ROLES,
    CSIDRIVERS,
    CSINODES,
    CSISTORAGECAPACITIES,
    STORAGECLASSES,
    VOLUMEATTACHMENTS,
    VOLUMEATTRIBUTESCLASSES,
    MUTATINGADMISSIONPOLICIES,
    MUTATINGADMISSIONPOLICYBINDINGS,
    MUTATINGWEBHOOKCONFIGURATIONS,
    VALIDATINGADMISSIONPOLICIES,
    VALIDATINGADMISSIONPOLICYBINDINGS,
    VALIDATINGWEBHOOKCONFIGURATIONS,
    CUSTOMRESOURCEDEFINITIONS,
    PRIORITYCLASSES,
    LEASES,
    RUNTIMECLASSES,
    ENDPOINTSLICES,
    DEVICECLASSES,
    DEVICETAINTRULES,
    RESOURCECLAIMS,
    RESOURCECLAIMTEMPLATES,
    RESOURCESLICES,
    FLOWSCHEMAS,
    PRIORITYLEVELCONFIGURATIONS,
    STORAGEVERSIONMIGRATIONS,
)
"""In the order of discovery: core first, then by group."""
