"""Our own API under /sim/v1, for the command line: status, shells, services, shutdown.

FastAPI serves it and its documentation (/sim/docs). `minikube_sim.front` makes it when it is first
asked, since FastAPI takes as long to import as the cluster takes to start.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from apiserver.authentication.authenticator import MASTERS, Authenticator
from apiserver.machinery.errors import ApiError
from minikube_sim.explain.api import explain_router
from minikube_sim.expose import Exposures, NotExposable
from minikube_sim.process import finish
from minikube_sim.shell.syntax import is_whole
from minikube_sim.terminal import LiveOutput
from minikube_sim.version import __version__

if TYPE_CHECKING:
    from apiserver.machinery.clock import Clock
    from minikube_sim.cluster import Cluster
    from minikube_sim.shell.session import Session

_LINES: Final = "application/x-ndjson"
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
    more: bool = False
    """More lines can be had: one that ends within a quote or a loop is not run but sent back."""


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
    async def run_line(identifier: str, request: LineRequest) -> StreamingResponse:
        session = sessions.get(identifier)
        if session is None:
            raise HTTPException(404, f"there is no open shell {identifier}")

        if request.more and not is_whole(request.line):
            return StreamingResponse(iter([_json_line({"whole": False})]), media_type=_LINES)

        def over() -> None:
            if session.closed:
                sessions.pop(identifier, None)

        told = _played(session, request, cluster.clock, over)
        return StreamingResponse(told, media_type=_LINES)

    return router


async def _played(session: Session, request: LineRequest, clock: Clock,
                  over: Callable[[], None]) -> AsyncIterator[bytes]:
    """JSON lines: what the shell writes, as it writes it, and at the end how it ended.

    Who stops to listen kills what runs.
    """
    news: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    def stream(name: str) -> LiveOutput:
        return LiveOutput(lambda data: news.put_nowait({name: data.decode("utf-8", "replace")}))

    running = asyncio.ensure_future(finish(
        session.run(request.line, request.stdin.encode(), stream("stdout"), stream("stderr")),
        clock))
    running.add_done_callback(lambda _: news.put_nowait(None))
    try:
        while (piece := await news.get()) is not None:
            yield _json_line(piece)
        result = await running
        over()
        yield _json_line({"exit_code": result.exit_code, "prompt": session.prompt,
                          "closed": session.closed})
    finally:
        running.cancel()


def _json_line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


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
