"""The lesson's application, `simpleapi:1.0` and `simpleapi:2.0`: a small API on port 5000."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from minikube_sim.http import Response
from minikube_sim.images.program import WebServer

if TYPE_CHECKING:
    from minikube_sim.http import Request
    from minikube_sim.images.program import Container


class SimpleAPI(WebServer):
    """GET /info says hello with the version; GET / says who answers."""

    entrypoint = ("python", "python3", "flask")
    ports = (5000,)
    size_bytes = 121_000_000
    version: ClassVar[str] = "1.0"

    def handle(self, request: Request, container: Container) -> Response:
        """The two pages."""
        if request.path == "/info":
            answer = Response.json(f"Hello, Kubernetes!!!, version: {self.version}")
        elif request.path == "/":
            answer = Response.json({"host": container.hostname, "ip": container.address,
                                    "version": self.version, "client": request.client})
        elif request.path in ("/health", "/healthz", "/ready"):
            answer = Response.json("ok")
        else:
            answer = Response(status=404, body=json.dumps({"error": "Not Found"}).encode() + b"\n",
                              headers=(("Content-Type", "application/json"),))
        container.log(f"{request.client} - - \"{request.method} {request.target} HTTP/1.1\" "
                      f"{answer.status} -", "stderr")
        return answer


class SimpleAPI2(SimpleAPI):
    """The next version."""

    version = "2.0"
