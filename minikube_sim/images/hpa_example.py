"""registry.k8s.io/hpa-example: a page that takes a lot of CPU, for the autoscaling walkthrough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikube_sim.http import Response
from minikube_sim.images.program import WebServer

if TYPE_CHECKING:
    from minikube_sim.http import Request
    from minikube_sim.images.program import Container


class HpaExample(WebServer):
    """Answers `OK!` after a million square roots."""

    ports = (80,)
    size_bytes = 481_000_000
    cpu_per_request = 0.06

    def handle(self, request: Request, container: Container) -> Response:
        """Answer one request."""
        return Response(headers=(("Content-Type", "text/html; charset=UTF-8"),), body=b"OK!")
