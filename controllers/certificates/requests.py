"""What the controllers ask of a CertificateSigningRequest. Models pkg/apis/certificates/helpers and
the signers' checks in pkg/controller/certificates/signer.

Loads cryptography only when somebody wants a certificate.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.gvk import GVR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from apiserver.machinery.types import Object

CSRS: Final = GVR("certificates.k8s.io", "v1", "certificatesigningrequests")
CLIENT: Final = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT: Final = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING: Final = "kubernetes.io/kubelet-serving"
UNKNOWN: Final = "kubernetes.io/legacy-unknown"
_NODES: Final = ("system:nodes",)
_NODE: Final = "system:node:"
_OPTIONAL: Final = frozenset({"digital signature", "key encipherment"})


@dataclass(frozen=True, slots=True)
class Wish:
    """A parsed request: who wants a certificate, for which names."""

    common_name: str
    organizations: tuple[str, ...]
    dns: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()


def conditions_of(csr: Object) -> dict[str, Object]:
    """The conditions that hold, by type."""
    found = (csr.get("status") or {}).get("conditions") or ()
    return {each["type"]: each for each in found if each.get("status") == "True"}


def parse(csr: Object) -> tuple[Any, Wish]:
    """The x509 request and what it says. Raises ValueError."""
    from cryptography import x509

    request = x509.load_pem_x509_csr(base64.b64decode(csr["spec"]["request"]))

    def names(oid: x509.ObjectIdentifier) -> tuple[str, ...]:
        return tuple(str(each.value) for each in request.subject.get_attributes_for_oid(oid))

    try:
        alternative = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        alternative = x509.SubjectAlternativeName([])

    def of(kind: Any) -> tuple[str, ...]:
        return tuple(str(value) for value in alternative.get_values_for_type(kind))

    common = names(x509.NameOID.COMMON_NAME)
    return request, Wish(
        common_name=common[0] if common else "",
        organizations=names(x509.NameOID.ORGANIZATION_NAME), dns=of(x509.DNSName),
        emails=of(x509.RFC822Name), addresses=of(x509.IPAddress),
        uris=of(x509.UniformResourceIdentifier))


def client_problem(wish: Wish, usages: Sequence[str]) -> str:
    """Why the signer of clients refuses; '' when it does not."""
    for usage in usages:
        if usage != "client auth" and usage not in _OPTIONAL:
            return f"invalid usage for client certificate: {usage}"
    if "client auth" not in usages:
        return "missing required usage for client certificate: client auth"
    return ""


def kubelet_client_problem(wish: Wish, usages: Sequence[str]) -> str:
    """Why the signer of kubelets' client certificates refuses."""
    if wish.organizations != _NODES:
        return "subject organization is not system:nodes"
    for names, text in ((wish.dns, "DNS"), (wish.emails, "email"), (wish.addresses, "IP"),
                        (wish.uris, "URI")):
        if names:
            return f"{text} subjectAltNames are not allowed"
    if not wish.common_name.startswith(_NODE):
        return f"subject common name does not begin with {_NODE}"
    return _usage_problem(usages, "client auth")


def kubelet_serving_problem(wish: Wish, usages: Sequence[str]) -> str:
    """Why the signer of kubelets' serving certificates refuses."""
    if wish.organizations != _NODES:
        return "subject organization is not system:nodes"
    if not wish.dns and not wish.addresses:
        return "DNS or IP subjectAltName is required"
    for names, text in ((wish.emails, "email"), (wish.uris, "URI")):
        if names:
            return f"{text} subjectAltNames are not allowed"
    if problem := _usage_problem(usages, "server auth"):
        return problem
    if not wish.common_name.startswith(_NODE):
        return f"subject common name does not begin with {_NODE}"
    return ""


def _usage_problem(usages: Sequence[str], main: str) -> str:
    wanted = sorted({main, *_OPTIONAL})
    if set(usages) in (set(wanted), set(wanted) - {"key encipherment"}):
        return ""
    return f"usages did not match [{' '.join(wanted)}]"


def _no_problem(wish: Wish, usages: Sequence[str]) -> str:
    return ""


SIGNERS: Final[Mapping[str, Callable[[Wish, Sequence[str]], str]]] = {
    CLIENT: client_problem, KUBELET_CLIENT: kubelet_client_problem,
    KUBELET_SERVING: kubelet_serving_problem, UNKNOWN: _no_problem}
"""The signers of the cluster's own CA, and what each of them checks."""
