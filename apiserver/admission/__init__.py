"""What may be done to objects, and what is done to them before they are stored.

A further step is one file here and one line in `admission_chain`; the order is upstream's.
"""

from __future__ import annotations

from apiserver.admission.certificates import (
    CertificateApproval,
    CertificateSigning,
    CertificateSubjects,
    PodCertificateSigning,
    TrustBundleAttest,
)
from apiserver.admission.chain import AdmissionChain
from apiserver.admission.claims import ClaimResize
from apiserver.admission.defaultclasses import DefaultIngressClass, DefaultStorageClass
from apiserver.admission.limitranger import LimitRanger
from apiserver.admission.namespace_lifecycle import NamespaceLifecycle
from apiserver.admission.noderestriction import NodeRestriction
from apiserver.admission.nodes import TaintNewNodes
from apiserver.admission.pods import DefaultTolerations, Priority, ServiceAccounts
from apiserver.admission.podsecurity import PodSecurity
from apiserver.admission.policies import MutatingPolicies, ValidatingPolicies
from apiserver.admission.rbac import NoEscalation
from apiserver.admission.resourcequota import ResourceQuotas
from apiserver.admission.runtimeclass import RuntimeClasses
from apiserver.admission.volumes import ProtectVolumes
from apiserver.admission.webhooks import MutatingWebhooks, ValidatingWebhooks, WebhookCaller

__all__ = ["admission_chain"]


def admission_chain(caller: WebhookCaller | None = None) -> AdmissionChain:
    """The steps of a kube-apiserver with its default plugins and NodeRestriction (which kubeadm and
    minikube switch on), in its order.

    `caller`: the way to webhooks; None is one without a way to Services.
    """
    caller = caller or WebhookCaller()
    return AdmissionChain((
        NamespaceLifecycle(),
        LimitRanger(),
        ServiceAccounts(),
        NodeRestriction(),
        TaintNewNodes(),
        PodSecurity(),
        Priority(),
        DefaultTolerations(),
        DefaultStorageClass(),
        ProtectVolumes(),
        ClaimResize(),
        RuntimeClasses(),
        CertificateApproval(),
        CertificateSigning(),
        PodCertificateSigning(),
        TrustBundleAttest(),
        CertificateSubjects(),
        DefaultIngressClass(),
        MutatingPolicies(),
        MutatingWebhooks(caller),
        ValidatingPolicies(),
        ValidatingWebhooks(caller),
        ResourceQuotas(),
        NoEscalation(),
    ))
