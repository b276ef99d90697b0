"""Keeps a node's Node and Lease. Models pkg/kubelet/kubelet_node_status.go (registration, status
every 5 minutes or when it changes) and component-helpers' lease controller (every 10 s).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.clock import rfc3339_micro
from apiserver.machinery.errors import AlreadyExists, NotFound
from apiserver.machinery.gvk import LEASES, NODES
from controllers.node.nodestatus import lease, new_node, node_status, says_the_same

if TYPE_CHECKING:
    from apiserver.machinery.types import Object
    from controllers.node.host import Host

LEASES_NAMESPACE: Final = "kube-node-lease"
NAMESPACE_RETRY: Final = 1.0


class Registration:
    """The Node and the Lease of one kubelet."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._reported = float("-inf")
        self._registered = False
        self._lease: Object | None = None

    def resume(self) -> None:
        """The kubelet before this one has just registered the Node, and said so."""
        self._registered, self._reported = True, self._host.clock.now()

    async def report(self) -> float:
        """Register the Node at the first call, report its status; seconds until the next report.

        A Node that is deleted later stays away until the kubelet starts anew, as upstream.
        """
        host, now = self._host, self._host.clock.now()
        node = host.informers.get(NODES).get(host.config.name)
        if node is None:
            if self._registered:
                return host.config.status_seconds
            node = await self._register()
        old = node.get("status") or {}
        status = node_status(host.config, host.puller.present.values(), old, now)
        due = self._reported + host.config.status_seconds
        if now >= due or not says_the_same(status, old):
            await host.client.patch(NODES, host.config.name, None, {"status": status},
                                    type="strategic", subresource="status",
                                    field_manager="kubelet")
            self._reported, due = now, now + host.config.status_seconds
        if not self._registered:
            self._announce(node)
        self._registered = True
        return due - now

    async def renew(self) -> float:
        """Renew the Lease; seconds until the next renewal."""
        host, now = self._host, rfc3339_micro(self._host.clock.now())
        try:
            if self._lease is None:
                self._lease = await self._first_lease(now)
            else:
                renewed = {**self._lease, "spec": {**self._lease["spec"], "renewTime": now}}
                self._lease = await host.client.update(LEASES, renewed)
        except NotFound:
            self._lease = None
            return NAMESPACE_RETRY
        return host.config.lease_seconds / 4

    async def _register(self) -> Object:
        host = self._host
        try:
            return await host.client.create(NODES, new_node(host.config))
        except AlreadyExists:
            return await host.client.get(NODES, host.config.name)

    async def _first_lease(self, now: str) -> Object:
        client, config = self._host.client, self._host.config
        try:
            found = await client.get(LEASES, config.name, LEASES_NAMESPACE)
            if found["spec"].get("renewTime") == now:
                return found
            return await client.update(LEASES, {**found, "spec": {**found["spec"],
                                                                  "renewTime": now}})
        except NotFound:
            node = await client.get(NODES, config.name)
            return await client.create(LEASES, lease(config, node, now), LEASES_NAMESPACE)

    def _announce(self, node: Object) -> None:
        """What `kubectl describe node` shows of a kubelet's start."""
        name = self._host.config.name
        said = [("Starting", "Starting kubelet.")]
        said += [(what, f"Node {name} status is now: {what}") for what in (
            "NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID")]
        said += [("NodeAllocatableEnforced", "Updated Node Allocatable limit across pods"),
                 ("NodeReady", f"Node {name} status is now: NodeReady")]
        for reason, message in said:
            self._host.recorder.event(node, "Normal", reason, message)
