"""Small images: pause, hashicorp/http-echo, agnhost, whoami, and the system's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikube_sim.http import Response
from minikube_sim.images.program import Program, WebServer
from netsim.packet import join_host_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minikube_sim.http import Request
    from minikube_sim.images.program import Container


def option(args: Sequence[str], name: str, default: str = "") -> str:
    """The value of `-name=value`, `-name value` or the same with two dashes."""
    for index, word in enumerate(args):
        key, equals, value = word.lstrip("-").partition("=")
        if word.startswith("-") and key == name:
            return value if equals else "".join(args[index + 1:index + 2])
    return default


class Pause(Program):
    """registry.k8s.io/pause: waits for SIGTERM."""

    entrypoint = ("/pause", "pause")
    size_bytes = 736_000


class HttpEcho(WebServer):
    """hashicorp/http-echo: answers with its -text, on -listen (:5678)."""

    entrypoint = ("/http-echo", "http-echo")
    size_bytes = 11_300_000

    async def run(self, container: Container) -> int:
        """Fails, as the real one, without a text."""
        if not self._text(container):
            container.log("Missing -text option!", "stderr")
            return 127
        listen = option(container.args, "listen", ":5678")
        container.log(f"[INFO] server is listening on {listen}", "stderr")
        self.serve(container, int(listen.rpartition(":")[2]))
        return await self.until_stopped(container)

    def handle(self, request: Request, container: Container) -> Response:
        """The text."""
        return Response(headers=(("X-App-Name", "http-echo"), ("X-App-Version", "1.0.0")),
                        body=self._text(container).encode() + b"\n")

    def _text(self, container: Container) -> str:
        return option(container.args, "text") or container.env.get("ECHO_TEXT", "")


class Agnhost(WebServer):
    """registry.k8s.io/e2e-test-images/agnhost: pause, serve-hostname, netexec."""

    entrypoint = ("/agnhost", "agnhost")
    size_bytes = 127_000_000

    async def run(self, container: Container) -> int:
        """The subcommand."""
        args = list(container.args) or ["pause"]
        if args[0] in ("serve-hostname", "netexec"):
            default = "9376" if args[0] == "serve-hostname" else "8080"
            self.serve(container, int(option(args, "port", option(args, "http-port", default))))
        elif args[0] != "pause":
            container.log(f'Error: unknown command "{args[0]}" for "app"', "stderr")
            return 1
        return await self.until_stopped(container)

    def handle(self, request: Request, container: Container) -> Response:
        """serve-hostname answers its name to everything; netexec has pages."""
        if (list(container.args) or [""])[0] == "serve-hostname":
            return Response.text(container.hostname)
        pages = {"/hostname": container.hostname, "/hostName": container.hostname, "/healthz": "",
                 "/clientip": join_host_port(request.client, request.client_port),
                 "/": f"NOW: {container.now()}"}
        if request.path == "/echo":
            return Response.text(option([f"--{part}" for part in request.query.split("&")], "msg"))
        page = pages.get(request.path)
        return Response.text("404 page not found\n", 404) if page is None else Response.text(page)


class Whoami(WebServer):
    """traefik/whoami: says who it is and what it was asked."""

    entrypoint = ("/whoami",)
    ports = (80,)
    size_bytes = 6_600_000

    def handle(self, request: Request, container: Container) -> Response:
        """Host name, addresses, the request as it came."""
        lines = [f"Hostname: {container.hostname}", "IP: 127.0.0.1",
                 *(f"IP: {address}" for address in container.addresses),
                 f"RemoteAddr: {join_host_port(request.client, request.client_port)}",
                 f"{request.method} {request.target} HTTP/1.1",
                 *(f"{name}: {value}" for name, value in request.headers), "", ""]
        return Response.text("\n".join(lines))


class PlainServer(WebServer):
    """What an unknown image runs with --unknown-images run: a web server on the declared ports."""

    async def run(self, container: Container) -> int:
        """Listen on every containerPort of the spec, else on 80."""
        for port in declared_ports(container) or [80]:
            self.serve(container, port)
        return await self.until_stopped(container)

    def handle(self, request: Request, container: Container) -> Response:
        """Who answers."""
        return Response.text(f"{container.hostname} {container.address}\n")


class TCPServer(WebServer):
    """A server that speaks no HTTP (a database): it only accepts connections."""

    def handle(self, request: Request, container: Container) -> Response:
        """What a client that speaks HTTP to it gets."""
        return Response(status=400)


class Redis(TCPServer):
    """redis:TAG."""

    entrypoint = ("redis-server", "docker-entrypoint.sh")
    ports = (6379,)


class Postgres(TCPServer):
    """postgres:TAG."""

    entrypoint = ("postgres", "docker-entrypoint.sh")
    ports = (5432,)


class MySQL(TCPServer):
    """mysql:TAG."""

    entrypoint = ("mysqld", "docker-entrypoint.sh")
    ports = (3306,)


class Mongo(TCPServer):
    """mongo:TAG."""

    entrypoint = ("mongod", "docker-entrypoint.sh")
    ports = (27017,)


class Memcached(TCPServer):
    """memcached:TAG."""

    entrypoint = ("memcached", "docker-entrypoint.sh")
    ports = (11211,)


class RabbitMQ(TCPServer):
    """rabbitmq:TAG."""

    entrypoint = ("rabbitmq-server", "docker-entrypoint.sh")
    ports = (5672,)


class SystemProgram(WebServer):
    """The system's own: runs, and answers /health and /ready where its spec declares ports."""

    async def run(self, container: Container) -> int:
        """Listen where the spec says so."""
        for port in declared_ports(container):
            self.serve(container, port)
        return await self.until_stopped(container)

    def handle(self, request: Request, container: Container) -> Response:
        """Health checks."""
        healthy = request.path in ("/health", "/ready", "/healthz", "/livez", "/readyz")
        return Response.text("OK") if healthy else Response.text("404 page not found\n", 404)


class StorageProvisioner(SystemProgram):
    """gcr.io/k8s-minikube/storage-provisioner."""

    entrypoint = ("/storage-provisioner",)
    size_bytes = 31_465_472


class MetricsServer(SystemProgram):
    """registry.k8s.io/metrics-server."""

    entrypoint = ("/metrics-server",)
    size_bytes = 70_000_000


def declared_ports(container: Container) -> list[int]:
    """The TCP containerPorts of the container's own spec."""
    spec = container.pod["spec"]
    for one in (*(spec.get("initContainers") or ()), *spec["containers"]):
        if one["name"] == container.name:
            return [int(port["containerPort"]) for port in one.get("ports") or ()
                    if port.get("protocol", "TCP") == "TCP"]
    return []
