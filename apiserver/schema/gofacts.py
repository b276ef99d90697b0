"""What the OpenAPI definitions do not say about the Go structs behind them.

The definitions tell required fields (no `omitempty`) from optional ones. Whether an optional
field is a pointer (its zero value survives), a plain value (its zero value is dropped) or a
struct (always shown) is only in k8s.io/api/*/types.go. The rule: optional scalars are plain
values, optional objects are pointers, and `metadata`, `spec`, `status` and `template` are
structs; the tables below hold the exceptions, as "Type.field" per API group.
"""

from __future__ import annotations

from typing import Final


def _table(groups: dict[str, str]) -> frozenset[str]:
    """`{"apps": "A.x,y B.z"}` as {"apps/A.x", "apps/A.y", "apps/B.z"}."""
    entries: set[str] = set()
    for group, text in groups.items():
        for item in text.split():
            name, _, fields = item.partition(".")
            entries.update(f"{group}/{name}.{field}" for field in fields.split(","))
    return frozenset(entries)


POINTERS: Final = _table({
    "admissionregistration": """
        MutatingWebhook.timeoutSeconds,failurePolicy,matchPolicy,reinvocationPolicy
        ValidatingWebhook.timeoutSeconds,failurePolicy,matchPolicy ServiceReference.port,path
        WebhookClientConfig.url RuleWithOperations.scope NamedRuleWithOperations.scope
        MatchResources.matchPolicy ParamRef.parameterNotFoundAction Validation.reason
        ValidatingAdmissionPolicySpec.failurePolicy MutatingAdmissionPolicySpec.failurePolicy""",
    "apps": """
        DaemonSetSpec.revisionHistoryLimit DaemonSetStatus.collisionCount
        DeploymentSpec.replicas,revisionHistoryLimit,progressDeadlineSeconds
        DeploymentStatus.collisionCount,terminatingReplicas ReplicaSetSpec.replicas
        ReplicaSetStatus.terminatingReplicas RollingUpdateStatefulSetStrategy.partition
        StatefulSetSpec.replicas,revisionHistoryLimit StatefulSetStatus.collisionCount""",
    "authentication": "TokenRequestSpec.expirationSeconds",
    "autoscaling": """
        HorizontalPodAutoscalerSpec.minReplicas,targetCPUUtilizationPercentage
        HorizontalPodAutoscalerStatus.observedGeneration,currentCPUUtilizationPercentage
        HPAScalingRules.stabilizationWindowSeconds,selectPolicy MetricTarget.averageUtilization
        MetricValueStatus.averageUtilization""",
    "batch": """
        CronJobSpec.failedJobsHistoryLimit,startingDeadlineSeconds,successfulJobsHistoryLimit,suspend,timeZone
        JobSpec.activeDeadlineSeconds,backoffLimit,backoffLimitPerIndex,completions,manualSelector
        JobSpec.maxFailedIndexes,parallelism,suspend,ttlSecondsAfterFinished,completionMode,managedBy
        JobSpec.podReplacementPolicy JobStatus.ready,terminating,failedIndexes
        SuccessPolicyRule.succeededCount,succeededIndexes
        PodFailurePolicyOnExitCodesRequirement.containerName""",
    "certificates": """
        CertificateSigningRequestSpec.expirationSeconds
        PodCertificateRequestSpec.maxExpirationSeconds""",
    "coordination": """
        LeaseSpec.leaseDurationSeconds,leaseTransitions,holderIdentity,strategy,preferredHolder""",
    "core": """
        AzureDiskVolumeSource.readOnly,cachingMode,fsType,kind
        AzureFilePersistentVolumeSource.secretNamespace CSIVolumeSource.readOnly,fsType
        ClientIPConfig.timeoutSeconds ClusterTrustBundleProjection.optional,name,signerName,user
        ConfigMap.immutable ConfigMapEnvSource.optional ConfigMapKeySelector.optional
        ConfigMapProjection.optional ConfigMapVolumeSource.defaultMode,defaultUser,optional
        Container.restartPolicy ContainerStatus.started,stopSignal DownwardAPIVolumeFile.mode,user
        DownwardAPIVolumeSource.defaultMode,defaultUser EmptyDirVolumeSource.mode
        EndpointAddress.nodeName EndpointPort.appProtocol EphemeralContainer.restartPolicy
        FCVolumeSource.lun FileKeySelector.optional GRPCAction.service
        GlusterfsPersistentVolumeSource.endpointsNamespace HostPathVolumeSource.type
        ISCSIPersistentVolumeSource.initiatorName ISCSIVolumeSource.initiatorName
        KeyToPath.mode,user Lifecycle.stopSignal LoadBalancerIngress.ipMode
        LocalVolumeSource.fsType NodeFeatures.supplementalGroupsPolicy NodeSwapStatus.capacity
        NodeRuntimeHandlerFeatures.recursiveReadOnlyMounts,userNamespaces
        NodeSystemInfo.runningInUserNamespace
        PersistentVolumeClaimSpec.storageClassName,volumeAttributesClassName,volumeMode
        PersistentVolumeClaimStatus.currentVolumeAttributesClassName
        PersistentVolumeSpec.volumeAttributesClassName,volumeMode
        PodCertificateProjection.maxExpirationSeconds PodCertificateProjection.user
        PodDNSConfigOption.value PortStatus.error
        PodResourceClaim.resourceClaimName,resourceClaimTemplateName
        PodResourceClaimStatus.resourceClaimName PodSchedulingGroup.podGroupName
        PodSecurityContext.fsGroup,runAsGroup,runAsNonRoot,runAsUser,fsGroupChangePolicy
        PodSecurityContext.seLinuxChangePolicy,supplementalGroupsPolicy
        PodSpec.activeDeadlineSeconds,automountServiceAccountToken,enableServiceLinks,hostUsers,priority
        PodSpec.setHostnameAsFQDN,shareProcessNamespace,terminationGracePeriodSeconds,preemptionPolicy
        PodSpec.runtimeClassName,hostnameOverride Probe.terminationGracePeriodSeconds
        ProjectedVolumeSource.defaultMode,defaultUser ReplicationControllerSpec.replicas
        SeccompProfile.localhostProfile AppArmorProfile.localhostProfile Secret.immutable
        SecretEnvSource.optional SecretKeySelector.optional SecretProjection.optional
        SecretVolumeSource.defaultMode,defaultUser,optional
        SecurityContext.allowPrivilegeEscalation,privileged,readOnlyRootFilesystem,runAsGroup
        SecurityContext.runAsNonRoot,runAsUser,procMount
        ServiceAccount.automountServiceAccountToken
        ServiceAccountTokenProjection.expirationSeconds,user ServicePort.appProtocol
        ServiceSpec.allocateLoadBalancerNodePorts,internalTrafficPolicy,ipFamilyPolicy
        ServiceSpec.loadBalancerClass,trafficDistribution Toleration.tolerationSeconds
        TopologySpreadConstraint.minDomains,nodeAffinityPolicy,nodeTaintsPolicy
        TypedLocalObjectReference.apiGroup TypedObjectReference.apiGroup,namespace
        VolumeMount.mountPropagation,recursiveReadOnly VolumeMountStatus.recursiveReadOnly
        WindowsSecurityContextOptions.gmsaCredentialSpec,gmsaCredentialSpecName,runAsUserName,hostProcess""",
    "discovery": """
        Endpoint.hostname,nodeName,zone EndpointConditions.ready,serving,terminating
        EndpointPort.port,name,appProtocol,protocol""",
    "flowcontrol": """
        ExemptPriorityLevelConfiguration.lendablePercent,nominalConcurrencyShares
        LimitedPriorityLevelConfiguration.borrowingLimitPercent,lendablePercent,nominalConcurrencyShares""",
    "networking": """
        NetworkPolicyPort.endPort,protocol IngressSpec.ingressClassName IngressPortStatus.error
        IngressClassParametersReference.apiGroup,namespace,scope HTTPIngressPath.pathType""",
    "policy": "PodDisruptionBudgetSpec.unhealthyPodEvictionPolicy",
    "resource": """
        Device.allNodes,allowMultipleAllocations,bindsToNode,nodeName
        DeviceAttribute.bool,int,string,version DeviceRequestAllocationResult.adminAccess,shareID
        AllocatedDeviceStatus.shareID DeviceToleration.tolerationSeconds
        ExactDeviceRequest.adminAccess ResourceSliceSpec.nodeName,allNodes,perDeviceNodeSelection
        DeviceConstraint.matchAttribute,distinctAttribute DeviceClassSpec.extendedResourceName
        DeviceTaintSelector.device,driver,pool""",
    "scheduling": "PriorityClass.preemptionPolicy",
    "storage": """
        CSIDriverSpec.attachRequired,podInfoOnMount,storageCapacity,fsGroupPolicy,requiresRepublish
        CSIDriverSpec.seLinuxMount,nodeAllocatableUpdatePeriodSeconds,serviceAccountTokenInSecrets
        CSIDriverSpec.preventPodSchedulingIfMissing
        StorageClass.allowVolumeExpansion,reclaimPolicy StorageClass.volumeBindingMode
        TokenRequest.expirationSeconds VolumeError.errorCode VolumeNodeResources.count
        VolumeAttachmentSource.persistentVolumeName""",
    "apiextensions": """
        CustomResourceDefinitionVersion.deprecationWarning
        CustomResourceSubresourceScale.labelSelectorPath
        JSONSchemaProps.maxItems,maxLength,maxProperties,maximum,minItems,minLength,minProperties,minimum
        JSONSchemaProps.multipleOf,x-kubernetes-preserve-unknown-fields,x-kubernetes-list-type
        JSONSchemaProps.x-kubernetes-map-type,$ref ServiceReference.port,path
        ValidationRule.optionalOldSelf,reason WebhookClientConfig.url""",
    "meta": """
        DeleteOptions.gracePeriodSeconds,orphanDependents,propagationPolicy
        DeleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential ListMeta.remainingItemCount
        ObjectMeta.deletionGracePeriodSeconds OwnerReference.blockOwnerDeletion,controller
        Preconditions.resourceVersion,uid""",
    "apiregistration": "ServiceReference.port",
})
"""Optional scalars that are pointers: an explicit zero stays."""

STRUCT_NAMES: Final = frozenset({"metadata", "spec", "status", "template"})
"""Object fields of these names are structs unless POINTER_OBJECTS says otherwise."""

POINTER_OBJECTS: Final = _table({
    "core": """
        ReplicationControllerSpec.template ScaleIOVolumeSource.secretRef
        ScaleIOPersistentVolumeSource.secretRef""",
    "apps": """
        DeploymentSpec.selector ReplicaSetSpec.selector StatefulSetSpec.selector
        DaemonSetSpec.selector""",
    "apiextensions": "CustomResourceSubresources.status",
    "storage": "CSINode.status",
})
"""Object fields that are pointers although they are required, or are called like a struct."""

STRUCTS: Final = _table({
    "apps": """
        DeploymentSpec.strategy StatefulSetSpec.updateStrategy DaemonSetSpec.updateStrategy
        DeploymentCondition.lastTransitionTime,lastUpdateTime
        DaemonSetCondition.lastTransitionTime ReplicaSetCondition.lastTransitionTime
        StatefulSetCondition.lastTransitionTime""",
    "authentication": """
        TokenReviewStatus.user SelfSubjectReviewStatus.userInfo
        TokenRequestStatus.expirationTimestamp""",
    "autoscaling": "HorizontalPodAutoscalerCondition.lastTransitionTime",
    "batch": "JobCondition.lastProbeTime,lastTransitionTime",
    "certificates": "CertificateSigningRequestCondition.lastTransitionTime,lastUpdateTime",
    "core": """
        Container.resources EphemeralContainer.resources PersistentVolumeClaimSpec.resources
        ContainerStatus.state,lastState Event.source,eventTime,firstTimestamp,lastTimestamp
        EventSeries.lastObservedTime ServiceStatus.loadBalancer
        NodeStatus.daemonEndpoints,nodeInfo NodeDaemonEndpoints.kubeletEndpoint
        ResourceFieldSelector.divisor ContainerStateRunning.startedAt
        ContainerStateTerminated.startedAt,finishedAt NamespaceCondition.lastTransitionTime
        NodeCondition.lastHeartbeatTime,lastTransitionTime
        PersistentVolumeClaimCondition.lastProbeTime,lastTransitionTime
        PodCondition.lastProbeTime,lastTransitionTime
        ReplicationControllerCondition.lastTransitionTime""",
    "discovery": "Endpoint.conditions",
    "events": "Event.regarding,deprecatedSource,deprecatedFirstTimestamp,deprecatedLastTimestamp",
    "flowcontrol": """
        LimitedPriorityLevelConfiguration.limitResponse FlowSchemaCondition.lastTransitionTime
        PriorityLevelConfigurationCondition.lastTransitionTime""",
    "networking": """
        IngressStatus.loadBalancer NetworkPolicySpec.podSelector IngressServiceBackend.port""",
    "resource": "ResourceClaimSpec.devices AllocationResult.devices",
    "storage": "VolumeError.time",
    "apiextensions": """
        CustomResourceDefinitionStatus.acceptedNames
        CustomResourceDefinitionCondition.lastTransitionTime""",
    "apiregistration": "APIServiceCondition.lastTransitionTime",
    "policy": "",
})
"""Further optional object fields that are structs: shown as `{}` (times as null) when absent."""

SHOWN: Final = _table({
    "apps": """
        StatefulSetStatus.availableReplicas StatefulSetOrdinals.start StatefulSetSpec.serviceName
        ControllerRevision.revision DaemonSetCondition.type,status DeploymentCondition.type,status
        ReplicaSetCondition.type,status StatefulSetCondition.type,status""",
    "authentication": """
        TokenRequestSpec.audiences,boundObjectRef,expirationSeconds TokenRequestStatus.token""",
    "autoscaling": "HorizontalPodAutoscalerStatus.currentMetrics",
    "batch": "PodFailurePolicyOnPodConditionsPattern.status",
    "core": "ContainerImage.names Event.reportingComponent,reportingInstance",
    "discovery": "EndpointSlice.endpoints,ports",
    "policy": """
        PodDisruptionBudgetStatus.currentHealthy,desiredHealthy,disruptionsAllowed,expectedPods""",
    "rbac": "Role.rules ClusterRole.rules RoleRef.apiGroup",
    "scheduling": "PriorityClass.value",
    "apiextensions": "CustomResourceDefinitionStatus.conditions,storedVersions",
})
"""Optional in the definitions, yet encoded without `omitempty`: always shown."""

HIDDEN: Final = _table({
    "admissionregistration": "ValidatingAdmissionPolicyBindingSpec.policyName,validationActions",
    "authentication": "TokenReviewSpec.token",
    "flowcontrol": "FlowSchemaCondition.type PriorityLevelConfigurationCondition.type",
    "resource": "CapacityRequestPolicyRange.min",
})
"""Required in the definitions (by validation), yet encoded with `omitempty`."""
TOLD: Final = frozenset({"meta/ObjectMeta.managedFields"})
"""Kept when empty, since a client says something by that (and the registry takes it out)."""

DEFAULTS: Final[dict[str, object]] = {
    "core/ContainerPort.protocol": "TCP",
    "core/ServicePort.protocol": "TCP",
}
"""`+default` markers of fields that are keys of list maps: what a missing key counts as."""

_NAMED: Final[dict[str, str]] = {
    "PullPolicy": "core/Container.imagePullPolicy core/EphemeralContainer.imagePullPolicy",
    "TerminationMessagePolicy": "core/Container.terminationMessagePolicy",
    "ContainerRestartPolicy": "core/Container.restartPolicy",
    "RestartPolicy": "core/PodSpec.restartPolicy",
    "DNSPolicy": "core/PodSpec.dnsPolicy",
    "PreemptionPolicy": "core/PodSpec.preemptionPolicy scheduling/PriorityClass.preemptionPolicy",
    "PodPhase": "core/PodStatus.phase",
    "PodQOSClass": "core/PodStatus.qosClass",
    "ServiceType": "core/ServiceSpec.type",
    "ServiceAffinity": "core/ServiceSpec.sessionAffinity",
    "ServiceExternalTrafficPolicy": "core/ServiceSpec.externalTrafficPolicy",
    "ServiceInternalTrafficPolicy": "core/ServiceSpec.internalTrafficPolicy",
    "IPFamilyPolicy": "core/ServiceSpec.ipFamilyPolicy",
    "IPFamily": "core/ServiceSpec.ipFamilies",
    "Protocol": """
        core/ContainerPort.protocol core/ServicePort.protocol core/EndpointPort.protocol
        discovery/EndpointPort.protocol networking/NetworkPolicyPort.protocol""",
    "URIScheme": "core/HTTPGetAction.scheme",
    "SecretType": "core/Secret.type",
    "StorageMedium": "core/EmptyDirVolumeSource.medium",
    "HostPathType": "core/HostPathVolumeSource.type",
    "MountPropagationMode": "core/VolumeMount.mountPropagation",
    "PersistentVolumeAccessMode": """
        core/PersistentVolumeSpec.accessModes core/PersistentVolumeClaimSpec.accessModes
        core/PersistentVolumeClaimStatus.accessModes""",
    "PersistentVolumeMode": """
        core/PersistentVolumeSpec.volumeMode core/PersistentVolumeClaimSpec.volumeMode""",
    "PersistentVolumeReclaimPolicy": """
        core/PersistentVolumeSpec.persistentVolumeReclaimPolicy
        storage/StorageClass.reclaimPolicy""",
    "TolerationOperator": "core/Toleration.operator",
    "TaintEffect": "core/Toleration.effect core/Taint.effect",
    "NodeSelectorOperator": "core/NodeSelectorRequirement.operator",
    "LabelSelectorOperator": "meta/LabelSelectorRequirement.operator",
    "Capability": "core/Capabilities.add core/Capabilities.drop",
    "FinalizerName": "core/NamespaceSpec.finalizers",
    "NamespacePhase": "core/NamespaceStatus.phase",
    "ResourceQuotaScope": "core/ResourceQuotaSpec.scopes",
    "LimitType": "core/LimitRangeItem.type",
    "ConditionStatus": """
        core/PodCondition.status core/NodeCondition.status meta/Condition.status
        apps/DeploymentCondition.status apps/ReplicaSetCondition.status batch/JobCondition.status
        core/NamespaceCondition.status apiextensions/CustomResourceDefinitionCondition.status""",
    "PodConditionType": "core/PodCondition.type core/PodReadinessGate.conditionType",
    "NodeConditionType": "core/NodeCondition.type",
    "DeploymentConditionType": "apps/DeploymentCondition.type",
    "DeploymentStrategyType": "apps/DeploymentStrategy.type",
    "DaemonSetUpdateStrategyType": "apps/DaemonSetUpdateStrategy.type",
    "StatefulSetUpdateStrategyType": "apps/StatefulSetUpdateStrategy.type",
    "PodManagementPolicyType": "apps/StatefulSetSpec.podManagementPolicy",
    "ConcurrencyPolicy": "batch/CronJobSpec.concurrencyPolicy",
    "CompletionMode": "batch/JobSpec.completionMode",
    "PodReplacementPolicy": "batch/JobSpec.podReplacementPolicy",
    "PolicyType": "networking/NetworkPolicySpec.policyTypes",
    "PathType": "networking/HTTPIngressPath.pathType",
    "AddressType": "discovery/EndpointSlice.addressType",
    "VolumeBindingMode": "storage/StorageClass.volumeBindingMode",
    "MetricSourceType": "autoscaling/MetricSpec.type autoscaling/MetricStatus.type",
    "MetricTargetType": "autoscaling/MetricTarget.type",
    "ResourceScope": "apiextensions/CustomResourceDefinitionSpec.scope",
    "ManagedFieldsOperationType": "meta/ManagedFieldsEntry.operation",
    "DeletionPropagation": "meta/DeleteOptions.propagationPolicy",
}

_RESOURCE_LISTS: Final = """
    core/ResourceRequirements.limits,requests core/VolumeResourceRequirements.limits,requests
    core/NodeStatus.capacity,allocatable core/PersistentVolumeSpec.capacity
    core/PersistentVolumeClaimStatus.capacity core/ResourceQuotaSpec.hard
    core/ResourceQuotaStatus.hard,used core/LimitRangeItem.max,min,default
    core/LimitRangeItem.defaultRequest,maxLimitRequestRatio node/Overhead.podFixed
    core/ContainerStatus.allocatedResources"""


def _named_types() -> dict[str, str]:
    names = {field: f"v1.{name}" for name, fields in _NAMED.items() for field in fields.split()}
    for item in _RESOURCE_LISTS.split():
        owner, _, fields = item.partition(".")
        names.update({f"{owner}.{field}": "v1.ResourceList" for field in fields.split(",")})
    names.update(dict.fromkeys(
        ("meta/ObjectMeta.uid", "meta/OwnerReference.uid", "core/ObjectReference.uid",
         "meta/Preconditions.uid", "meta/StatusDetails.uid"), "types.UID"))
    return names


GO_TYPES: Final = _named_types()
"""The named Go type of a scalar (or of a list's elements), as json's errors show it."""
