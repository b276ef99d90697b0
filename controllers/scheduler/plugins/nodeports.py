"""NodePorts: host ports that are free."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from controllers.scheduler.framework import Filter, Plugin, Rejection, Snapshot

if TYPE_CHECKING:
    from controllers.scheduler.cache import HostPort, NodeInfo, PodInfo

_TAKEN: Final = Rejection(("node(s) didn't have free ports for the requested pod ports",),
                          resolvable=True)


class NodePorts(Plugin):
    """hostPort of containers."""

    name = "NodePorts"

    def filter_for(self, pod: PodInfo, snapshot: Snapshot) -> Filter | None:
        """No wanted port may clash with one in use on the node."""
        wanted = pod.host_ports
        if not wanted:
            return None

        def check(node: NodeInfo) -> Rejection | None:
            clash = any(_clash(one, other) for one in wanted for other in node.ports)
            return _TAKEN if clash else None

        return check


def _clash(one: HostPort, other: HostPort) -> bool:
    """The same protocol and port, on the same address or on any."""
    return one[1:] == other[1:] and (one[0] == other[0] or "0.0.0.0" in (one[0], other[0]))
