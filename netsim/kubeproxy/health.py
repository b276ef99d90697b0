"""The health check node port of a LoadBalancer Service. Models pkg/proxy/healthcheck."""

from __future__ import annotations

import json
from dataclasses import dataclass

__all__ = ["HealthCheck"]


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """What the load balancer is told about a Service on this node."""

    namespace: str
    name: str
    local_endpoints: int
    """Ready ones, each address once."""

    @property
    def status(self) -> int:
        """The HTTP status: 200 when this node has an endpoint, else 503."""
        return 200 if self.local_endpoints else 503

    @property
    def body(self) -> str:
        """The JSON that is answered on any path."""
        answer = {
            "service": {"namespace": self.namespace, "name": self.name},
            "localEndpoints": self.local_endpoints,
            "serviceProxyHealthy": True,
        }
        return json.dumps(answer, indent="\t")
