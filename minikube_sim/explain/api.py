"""The explaining part of /sim/v1, for the command line."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from minikube_sim.explain.matrix import matrix
from minikube_sim.explain.places import ExplainError
from minikube_sim.explain.sniff import sniff
from minikube_sim.explain.trace import trace_flow
from minikube_sim.explain.why import why
from minikube_sim.process import finish

if TYPE_CHECKING:
    from collections.abc import Callable

    from minikube_sim.cluster import Cluster


class FlowRequest(BaseModel):
    """A flow to try."""

    source: str
    target: str
    namespace: str = "default"
    at: str = ""
    """sniff: where to listen."""


class WhyRequest(BaseModel):
    """A Service to examine."""

    service: str
    namespace: str = "default"
    source: str = ""


class MatrixRequest(BaseModel):
    """Which flows to try."""

    namespace: str = ""
    services: bool = True
    pods: bool = False


def explain_router(cluster: Cluster) -> APIRouter:
    """POST /explain/trace, /explain/why, /explain/matrix and /explain/sniff."""
    router = APIRouter(tags=["explain"], prefix="/explain")

    @router.post("/trace")
    async def trace(wanted: FlowRequest) -> dict[str, Any]:
        flow = _judge(lambda: trace_flow(cluster, wanted.source, wanted.target, wanted.namespace))
        return {"text": str(flow), "data": flow.to_dict(), "svg": flow.svg()}

    @router.post("/why")
    async def reason(wanted: WhyRequest) -> dict[str, Any]:
        found = _judge(lambda: why(cluster, wanted.service, wanted.namespace, wanted.source))
        return {"text": str(found), "data": found.to_dict()}

    @router.post("/matrix")
    async def reach(wanted: MatrixRequest) -> dict[str, Any]:
        found = _judge(lambda: matrix(cluster, wanted.namespace, services=wanted.services,
                                      pods=wanted.pods))
        return {"text": str(found), "csv": found.csv(), "data": found.to_dict()}

    @router.post("/sniff")
    async def capture(wanted: FlowRequest) -> dict[str, Any]:
        try:
            caught = await finish(sniff(cluster, wanted.source, wanted.target, wanted.namespace,
                                        wanted.at), cluster.clock)
        except ExplainError as error:
            raise HTTPException(400, str(error)) from error
        return {"text": str(caught), "pcap": b64encode(caught.pcap()).decode()}

    return router


def _judge(work: Callable[[], Any]) -> Any:
    """Questions that make no sense are answered 400."""
    try:
        return work()
    except ExplainError as error:
        raise HTTPException(400, str(error)) from error
