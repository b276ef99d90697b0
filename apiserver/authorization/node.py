"""What a kubelet may do: read what its Pods refer to, and write about its own node.

Models plugin/pkg/auth/authorizer/node. A kubelet is a user `system:node:NAME` of the group
`system:nodes`; the authorizer has no opinion of anybody else, nor of what it does not allow.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from apiserver.authorization.attributes import Decision
from apiserver.authorization.policy import defaults
from apiserver.authorization.references import References
from apiserver.authorization.rules import allows
from apiserver.machinery.fields import parse_field_selector
from apiserver.machinery.selectors import SelectorError
from apiserver.storage.instant import instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.authorization.attributes import Attributes
    from apiserver.context import User
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

_PREFIX: Final = "system:node:"
_GROUP: Final = "system:nodes"
_LEASES: Final = "kube-node-lease"
_ALLOW: Final = Decision(True)
_READING: Final = ("get", "list", "watch")
_OWN: Final = ("get", "create", "update", "patch", "delete")


def node_of(user: User) -> str:
    """The node whose kubelet a user is; '' for everybody else (DefaultNodeIdentifier)."""
    if not user.name.startswith(_PREFIX) or _GROUP not in user.groups:
        return ""
    return user.name.removeprefix(_PREFIX)


class NodeAuthorizer:
    """Decides for kubelets."""

    def __init__(self, registry: Registry) -> None:
        self._references = References(registry)
        self._rules = _static_rules(registry.schema.minor)

    def decide(self, node: str, asked: Attributes) -> Decision:
        """Allowed, or no opinion and why."""
        rule = _RULES.get((asked.group, asked.resource)) if asked.resource else None
        if rule is not None:
            return rule(self, node, asked)
        return Decision(any(allows(each, asked) for each in self._rules))

    # --- what the node's Pods need ---------------------------------------------------------------

    def referenced(self, node: str, asked: Attributes) -> Decision:
        """One object that some Pod of the node refers to."""
        if asked.verb != "get":
            return _no("can only get individual resources of this type")
        if asked.subresource:
            return _no("cannot get subresource")
        return self._related(node, asked)

    def read(self, node: str, asked: Attributes) -> Decision:
        """The same for kinds that kubelets watch one by one."""
        if asked.verb not in _READING:
            return _no("can only read resources of this type")
        if asked.subresource:
            return _no("cannot read subresource")
        if not asked.namespace:
            return _no("can only read namespaced object of this type")
        return self._related(node, asked)

    def _related(self, node: str, asked: Attributes) -> Decision:
        if not asked.name:
            return _no("No Object name found")
        if instant(self._references.holds(node, asked.resource, asked.namespace, asked.name)):
            return _ALLOW
        return _no(f"no relationship found between node '{node}' and this object")

    def claim(self, node: str, asked: Attributes) -> Decision:
        """A PersistentVolumeClaim, or its status."""
        if asked.subresource != "status":
            return self.referenced(node, asked)
        if asked.verb not in ("get", "update", "patch"):
            return _no("can only get/update/patch this type")
        return self._related(node, asked)

    def account(self, node: str, asked: Attributes) -> Decision:
        """A token of a ServiceAccount that some Pod of the node has."""
        if asked.subresource != "token":
            return self.read(node, asked)
        if asked.verb != "create" or not asked.name:
            return _no("can only create tokens for individual service accounts")
        return self._related(node, asked)

    def pod_certificate(self, node: str, asked: Attributes) -> Decision:
        """PodCertificateRequests of its Pods; NodeRestriction says for which it may ask."""
        if asked.subresource:
            return _no("nodes may not access the status subresource of PodCertificateRequests")
        if asked.verb in ("create", "get"):
            return _ALLOW
        if asked.verb in ("list", "watch"):
            if _selects(asked, "spec.nodeName", node):
                return _ALLOW
            return _no("can only list/watch podcertificaterequests with nodeName field selector")
        return _no("")

    # --- its own ---------------------------------------------------------------------------------

    def lease(self, node: str, asked: Attributes) -> Decision:
        """The node's own Lease."""
        if asked.verb not in _OWN:
            return _no("can only get, create, update, patch, or delete a node lease")
        if asked.namespace != _LEASES:
            return _no(f'can only access leases in the "{_LEASES}" system namespace')
        if asked.verb != "create" and asked.name != node:
            return _no("can only access node lease with the same name as the requesting node")
        return _ALLOW

    def csi_node(self, node: str, asked: Attributes) -> Decision:
        """The node's own CSINode."""
        if asked.verb not in _OWN:
            return _no("can only get, create, update, patch, or delete a CSINode")
        if asked.subresource:
            return _no("cannot authorize CSINode subresources")
        if asked.verb != "create" and asked.name != node:
            return _no("can only access CSINode with the same name as the requesting node")
        return _ALLOW

    def node(self, node: str, asked: Attributes) -> Decision:
        """Its own Node; NodeRestriction says which it may write."""
        if asked.subresource:
            writes = asked.subresource == "status" and asked.verb in ("update", "patch")
            return _ALLOW if writes else _no("")
        if asked.verb in ("create", "update", "patch"):
            return _ALLOW
        if asked.verb in _READING:
            if asked.name == node:
                return _ALLOW
            return _no(f"node '{node}' cannot read '{asked.name}', only its own Node object")
        return _no("")

    def pod(self, node: str, asked: Attributes) -> Decision:
        """The Pods that are bound to it."""
        if asked.subresource:
            may = {"status": ("update", "patch"), "eviction": ("create",)}
            return Decision(asked.verb in may.get(asked.subresource, ()))
        if asked.verb in ("create", "delete"):
            return _ALLOW
        if asked.verb == "get":
            return self.referenced(node, asked)
        if asked.verb in ("list", "watch"):
            if _selects(asked, "spec.nodeName", node):
                return _ALLOW
            return _no("can only list/watch pods with spec.nodeName field selector")
        return _no("")

    def slices(self, node: str, asked: Attributes) -> Decision:
        """ResourceSlices of its own devices."""
        if asked.subresource:
            return _no("cannot authorize ResourceSlice subresources")
        if asked.verb in ("create", "get", "update", "patch", "delete"):
            return _ALLOW
        if asked.verb in ("list", "watch", "deletecollection"):
            if _selects(asked, "spec.nodeName", node):
                return _ALLOW
            return _no(f"can only {asked.verb} resourceslices with a spec.nodeName={node} field"
                       " selector")
        return _no("only the following verbs are allowed for a ResourceSlice: get, watch, list,"
                   " create, update, patch, delete, deletecollection")


_RULES: Final[dict[tuple[str, str], Callable[[NodeAuthorizer, str, Attributes], Decision]]] = {
    ("", "secrets"): NodeAuthorizer.read,
    ("", "configmaps"): NodeAuthorizer.read,
    ("", "persistentvolumeclaims"): NodeAuthorizer.claim,
    ("", "persistentvolumes"): NodeAuthorizer.referenced,
    ("", "serviceaccounts"): NodeAuthorizer.account,
    ("", "nodes"): NodeAuthorizer.node,
    ("", "pods"): NodeAuthorizer.pod,
    ("resource.k8s.io", "resourceclaims"): NodeAuthorizer.referenced,
    ("resource.k8s.io", "resourceslices"): NodeAuthorizer.slices,
    ("storage.k8s.io", "volumeattachments"): NodeAuthorizer.referenced,
    ("storage.k8s.io", "csinodes"): NodeAuthorizer.csi_node,
    ("coordination.k8s.io", "leases"): NodeAuthorizer.lease,
    ("certificates.k8s.io", "podcertificaterequests"): NodeAuthorizer.pod_certificate,
}
"""What depends on the node; everything else is as the role system:node says."""


@cache
def _static_rules(minor: int) -> tuple[Object, ...]:
    return tuple(rule for each in defaults(minor) for rule in each.object.get("rules") or ()
                 if (each.kind, each.name) == ("ClusterRole", "system:node"))


def _no(reason: str) -> Decision:
    return Decision(False, reason)


def _selects(asked: Attributes, field: str, value: str) -> bool:
    """Whether a field selector lets only this value through."""
    try:
        return parse_field_selector(asked.field_selector).exact(field) == value
    except SelectorError:
        return False
