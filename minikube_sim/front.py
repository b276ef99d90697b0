"""The front of the server: /sim for us, all else straight to the Kubernetes API.

The Kubernetes API is a plain ASGI application and must not pay for FastAPI's routing, nor its start
for FastAPI's import: ours is made at the first request to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from apiserver.audit import AuditedApp, AuditLog
from apiserver.audit_policy import METADATA
from apiserver.authentication.authenticator import MASTERS, Authenticator
from apiserver.context import User

if TYPE_CHECKING:
    from apiserver.audit_policy import Policy
    from minikube_sim.cluster import Cluster

App = Callable[[Any, Any, Any], Awaitable[None]]


def make_app(cluster: Cluster, token: str, shutdown: Callable[[], None], *,
             insecure: bool = False, audit: Callable[[bytes], object] | None = None,
             policy: Policy = METADATA) -> App:
    """The whole server.

    `insecure`: plain http, where clients present nothing and are the user all the same. `audit`
    takes the lines of the audit log, of which `policy` says how much they tell.
    """
    user = User(name="minikube-user", groups=(MASTERS, "system:authenticated"))
    authenticate = Authenticator({token: user}, user if insecure else None,
                                 service_accounts=cluster.registry.tokens)
    cluster.registry.tokens.fixed = {token: user}
    kubernetes: App = cluster.http_app(authenticate)
    if audit is not None:
        kubernetes = AuditedApp(kubernetes, AuditLog(
            audit, clock=cluster.clock, chance=cluster.chance("audit"),
            decide=cluster.authorizer.decide, policy=policy))
    made: list[App] = []

    def ours() -> App:
        if not made:
            from minikube_sim.sim_api import sim_app

            made.append(sim_app(cluster, authenticate, shutdown))
        return made[0]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        chosen = ours() if scope.get("path", "").startswith("/sim/") else kubernetes
        await chosen(scope, receive, send)

    return app
