"""registry.k8s.io/coredns/coredns: the cluster's DNS server.

It answers on UDP and TCP port 53 as its Corefile says (`minikube_sim.dns`), and reads Services and
endpoints from the API by informers. The cluster hands the class its `directory`; without one the
server is up and knows no cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from minikube_sim.images.small import SystemProgram, declared_ports

if TYPE_CHECKING:
    from minikube_sim.dns.directory import Directory
    from minikube_sim.dns.server import Server
    from minikube_sim.images.program import Container
    from netsim.sockets import Datagram

PORT = 53
_COREFILE = "/etc/coredns/Corefile"
_PAGES = (8080, 8181)
"""Of the plugins health and ready."""


class Nameserver:
    """What listens on port 53; DNS itself is imported with the first question."""

    def __init__(self, container: Container, directory: Directory) -> None:
        self._container = container
        self._directory = directory
        self._server: Server | None = None
        self._corefile = ""

    def datagram(self, datagram: Datagram) -> bytes | None:
        """Answer over UDP."""
        payload = datagram.payload
        return self._current().serve(payload, udp=True) if isinstance(payload, bytes) else None

    def exchange(self, data: bytes) -> bytes | None:
        """Answer over TCP."""
        return self._current().serve(data, udp=False)

    def _current(self) -> Server:
        """The server as the Corefile has it now (the plugin reload)."""
        from minikube_sim.dns.server import Server, read_corefile

        files, text = self._container.files, self._container.files.get(_COREFILE, "")
        if self._server is None or text != self._corefile:
            network = self._container.network
            self._corefile = text
            self._server = Server(
                directory=self._directory, network=network, chance=network.random,
                corefile=read_corefile(text), resolv_conf=files.get("/etc/resolv.conf", ""))
        return self._server


class CoreDNS(SystemProgram):
    """The cluster's DNS server."""

    entrypoint = ("/coredns",)
    size_bytes = 75_200_000
    directory: ClassVar[Directory | None] = None

    async def run(self, container: Container) -> int:
        """Answer until SIGTERM."""
        for port in sorted({*_PAGES, *declared_ports(container)} - {PORT}):
            self.serve(container, port)
        if self.directory is not None:
            server = Nameserver(container, self.directory)
            container.listen_datagrams(PORT, server.datagram)
            container.listen(PORT, server)
        container.log(".:53\nCoreDNS-1.12.1\nlinux/amd64, go1.24.1, 707c7c1")
        return await self.until_stopped(container)
