"""NetworkPolicies on one simulated node. Models kubernetes-sigs/kube-network-policies: it follows
policies, Pods and Namespaces, and keeps filter rules and sets (`netsim.policy` writes them).

While the cluster has no policy it remembers nothing and writes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery.gvk import NAMESPACES, NETWORKPOLICIES, PODS
from apiserver.machinery.meta import name, namespace
from controllers.controller import Controller, ControllerContext, Result
from netsim.policy import NodePolicies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import Object
    from controllers.controller import KeysOf
    from netsim.fabric import Node

SYNC: Final = "sync"


class NetworkPolicyAgent(Controller):
    """Keeps one node's policy rules. Add it under a name of its own per node."""

    name: ClassVar[str] = "kube-network-policies"

    def __init__(self, context: ControllerContext, node: Node) -> None:
        self.policies = NodePolicies(node)
        self._context = context
        self._following = False
        """Whether Pods and Namespaces are looked at: only while there are policies."""

    def watches(self) -> Mapping[GVR, KeysOf]:
        """Policies, and what their selectors are about."""
        return {NETWORKPOLICIES: self._policy, PODS: self._pod, NAMESPACES: self._namespace}

    async def reconcile(self, key: str) -> Result | None:
        """Write what has changed."""
        self.policies.sync()
        return None

    def _policy(self, old: Object | None, new: Object | None) -> Iterable[str]:
        obj = new if new is not None else old
        assert obj is not None
        if new is None:
            self.policies.remove_policy((namespace(obj), name(obj)))
        else:
            self._follow()
            self.policies.apply_policy(new)
        return (SYNC,)

    def _follow(self) -> None:
        """Take in all Pods and Namespaces, once there is a policy."""
        if self._following:
            return
        self._following = True
        for space in self._context.informers.get(NAMESPACES):
            self.policies.apply_namespace(space)
        for pod in self._context.informers.get(PODS):
            self.policies.apply_pod(pod)

    def _pod(self, old: Object | None, new: Object | None) -> Iterable[str]:
        if not self._following:
            return ()
        pod = new if new is not None else old
        assert pod is not None
        key = (namespace(pod), name(pod))
        before = self.policies.tracker.pods.get(key)
        if new is None:
            self.policies.remove_pod(key)
        else:
            self.policies.apply_pod(new)
        return (SYNC,) if self.policies.tracker.pods.get(key) is not before else ()

    def _namespace(self, old: Object | None, new: Object | None) -> Iterable[str]:
        if not self._following:
            return ()
        if new is not None:
            self.policies.apply_namespace(new)
        elif old is not None:
            self.policies.remove_namespace(name(old))
        return (SYNC,)
