"""Servers that tutorials use: hello-app, echo-server, echoserver, nginxdemos/hello."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from minikube_sim.http import Response
from minikube_sim.images.nginx import Nginx
from minikube_sim.images.program import WebServer

if TYPE_CHECKING:
    from minikube_sim.http import Request
    from minikube_sim.images.program import Container


class HelloApp(WebServer):
    """gcr.io/google-samples/hello-app:1.0."""

    entrypoint = ("/hello-app",)
    ports = (8080,)
    size_bytes = 11_500_000
    version: ClassVar[str] = "1.0.0"

    def handle(self, request: Request, container: Container) -> Response:
        """Who answers, in which version."""
        container.log(f"Serving request: {request.path}", "stderr")
        return Response.text("Hello, world!\n"
                             f"Version: {self.version}\nHostname: {container.hostname}\n")


class HelloApp2(HelloApp):
    """gcr.io/google-samples/hello-app:2.0."""

    version = "2.0.0"


class EchoServer(WebServer):
    """kicbase/echo-server and registry.k8s.io/echoserver: the request as it came."""

    entrypoint = ("/bin/echo-server",)
    ports = (8080,)
    size_bytes = 4_900_000

    def handle(self, request: Request, container: Container) -> Response:
        """The request line, headers and body."""
        head = [f"Request served by {container.hostname}", "",
                f"{request.method} {request.target} HTTP/1.1", ""]
        headers = [f"{name}: {value}" for name, value in request.headers]
        body = request.body.decode(errors="replace")
        return Response.text("\n".join([*head, *headers, "", body]))


class NginxHello(WebServer):
    """nginxdemos/hello:plain-text: which server answers."""

    ports = (80,)
    size_bytes = 50_000_000

    def handle(self, request: Request, container: Container) -> Response:
        """Address, name and URI."""
        return Response.text(f"Server address: {request.server or container.address}:80\n"
                             f"Server name: {container.hostname}\nURI: {request.target}\n")


class NginxUnprivileged(Nginx):
    """nginxinc/nginx-unprivileged: nginx on port 8080."""

    ports = (8080,)
