"""Our own API under /sim/v1, for the command line: status, shells, services, shutdown.

FastAPI serves it and its documentation (/sim/docs). `minikube_sim.front` makes it when it is first
asked, since FastAPI takes as long to import as the cluster takes to start.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

from apiserver.authentication.authenticator import MASTERS, Authenticator
from apiserver.machinery.errors import ApiError
from minikube_sim.explain.api import explain_router
from minikube_sim.expose import Exposures, NotExposable
from minikube_sim.process import finish
from minikube_sim.version import __version__

if TYPE_CHECKING:
    from minikube_sim.cluster import Cluster
    from minikube_sim.shell.session import Session

_MOST_SHELLS: Final = 1000
"""Open shells; beyond it the oldest is closed."""


class ShellRequest(BaseModel):
    """Open a shell on a node ('' is the first)."""

    node: str = ""
    login: bool = True


class LineRequest(BaseModel):
    """Run one line in an open shell."""

    line: str
    stdin: str = ""


def sim_app(cluster: Cluster, authenticate: Authenticator,
            shutdown: Callable[[], None]) -> FastAPI:
    """The application below /sim, for administrators of the cluster only."""

    async def known(request: Request) -> None:
        try:
            user = await authenticate(request.scope)
        except ApiError as error:
            raise HTTPException(error.code, error.message) from error
        if MASTERS not in user.groups:
            raise HTTPException(403, f"{user.name} is no administrator of this cluster")

    app = FastAPI(title="minikube-sim", version=__version__, docs_url="/sim/docs",
                  openapi_url="/sim/openapi.json", redoc_url=None)
    for router in (_process(cluster, shutdown), _shells(cluster), _services(cluster),
                   explain_router(cluster)):
        app.include_router(router, prefix="/sim/v1", dependencies=[Depends(known)])
    return app


def _process(cluster: Cluster, shutdown: Callable[[], None]) -> APIRouter:
    router = APIRouter(tags=["server"])

    @router.get("/status")
    async def status() -> dict[str, Any]:
        return {"version": __version__, "nodes": cluster.nodes.states()}

    @router.post("/shutdown")
    async def stop() -> dict[str, str]:
        shutdown()
        return {"status": "stopping"}

    return router


def _shells(cluster: Cluster) -> APIRouter:
    router = APIRouter(tags=["shells"])
    sessions: dict[str, Session] = {}
    numbers = itertools.count(1)

    @router.post("/shells")
    async def open_shell(wanted: ShellRequest) -> dict[str, Any]:
        names = cluster.options.node_names()
        node = wanted.node or names[0]
        if node not in names:
            raise HTTPException(404, f"there is no node {node!r}; there are: {', '.join(names)}")
        session = cluster.shell(node)
        identifier = str(next(numbers))
        sessions[identifier] = session
        while len(sessions) > _MOST_SHELLS:
            del sessions[next(iter(sessions))]
        return {"id": identifier, "banner": session.banner, "prompt": session.prompt}

    @router.post("/shells/{identifier}")
    async def run_line(identifier: str, request: LineRequest) -> dict[str, Any]:
        session = sessions.get(identifier)
        if session is None:
            raise HTTPException(404, f"there is no open shell {identifier}")
        result = await finish(session.run(request.line, request.stdin.encode()), cluster.clock)
        if session.closed:
            sessions.pop(identifier, None)
        return {"exit_code": result.exit_code, "stdout": result.stdout.decode("utf-8", "replace"),
                "stderr": result.stderr.decode("utf-8", "replace"), "prompt": session.prompt,
                "closed": session.closed}

    return router


def _services(cluster: Cluster) -> APIRouter:
    router = APIRouter(tags=["services"])
    exposures = Exposures(cluster)

    @router.post("/services/{namespace}/{name}")
    async def expose(namespace: str, name: str) -> dict[str, Any]:
        try:
            return {"ports": await exposures.open(namespace, name)}
        except NotExposable as error:
            raise HTTPException(409, str(error)) from error
        except ApiError as error:
            raise HTTPException(error.code, error.message) from error

    return router
