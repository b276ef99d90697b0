"""HTTPClient against our API server on a real socket, and controllers that work through it."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn

from apiserver.local import LocalClient
from apiserver.machinery.errors import (
    AlreadyExists,
    ApiError,
    BadRequest,
    Conflict,
    Expired,
    InternalError,
    Invalid,
    NotFound,
    ServiceUnavailable,
)
from apiserver.machinery.gvk import (
    CONFIGMAPS,
    DEPLOYMENTS,
    NAMESPACES,
    PODS,
    REPLICASETS,
    SERVICEACCOUNTS,
)
from apiserver.machinery.meta import name
from apiserver.registry import Registry
from apiserver.resources import BUILTIN
from controllers import CONTROLLERS
from controllers.controller import ControllerContext, DiscoveredResource
from controllers.events import EventBroadcaster
from controllers.informer import Informers
from controllers.manager import Manager
from minikube_sim.http_client import HTTPClient, error_of
from tests.controllers.world import READY, deployment, obj, replicaset
from tests.integration.api_server import make_app, make_registry

Scenario = Callable[[HTTPClient, Registry], Awaitable[None]]


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[HTTPClient, Registry]]:
    """A server on a free port, and a client."""
    registry = make_registry()
    local = LocalClient(registry)
    await local.create(NAMESPACES, obj("v1", "Namespace", "default", None))
    await local.create(SERVICEACCOUNTS, obj("v1", "ServiceAccount", "default"))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(make_app(registry), access_log=False, log_level="error",
                            lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    work = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        async with HTTPClient(f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
            yield client, registry
    finally:
        server.should_exit = server.force_exit = True
        await work
        listener.close()


def over_http(scenario: Scenario) -> None:
    """Run a scenario against a server."""
    async def main() -> None:
        async with serving() as (client, registry):
            await scenario(client, registry)

    asyncio.run(main())


def config(own: str, **data: str) -> dict[str, Any]:
    return {**obj("v1", "ConfigMap", own), "data": data}


async def until(what: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds, at most some seconds."""
    async with asyncio.timeout(8):
        while not await what():  # noqa: ASYNC110 (a real server, real time)
            await asyncio.sleep(0.01)


def test_every_verb_reaches_the_server() -> None:
    async def scenario(client: HTTPClient, registry: Registry) -> None:
        made = await client.create(CONFIGMAPS, config("a", k="v"))
        assert (await client.get(CONFIGMAPS, "a", "default"))["data"] == {"k": "v"}
        changed = await client.update(CONFIGMAPS, {**made, "data": {"k": "w"}})
        assert changed["data"] == {"k": "w"}
        patched = await client.patch(CONFIGMAPS, "a", "default", {"data": {"x": "y"}})
        assert patched["data"] == {"k": "w", "x": "y"}
        listed = await client.list(CONFIGMAPS, label_selector="!none")
        assert [(one["kind"], one["apiVersion"], name(one)) for one in listed["items"]] == [
            ("ConfigMap", "v1", "a")]
        assert (await client.delete(CONFIGMAPS, "a", "default"))["status"] == "Success"
        await client.create(CONFIGMAPS, config("b"), dry_run=True)
        assert (await client.list(CONFIGMAPS))["items"] == []
        await client.create(CONFIGMAPS, config("c"))
        await client.delete_collection(CONFIGMAPS, "default")
        assert (await client.list(CONFIGMAPS))["items"] == []

    over_http(scenario)


def test_errors_are_the_classes_of_the_vocabulary() -> None:
    async def scenario(client: HTTPClient, registry: Registry) -> None:
        with pytest.raises(NotFound, match='configmaps "a" not found'):
            await client.get(CONFIGMAPS, "a", "default")
        made = await client.create(CONFIGMAPS, config("a"))
        with pytest.raises(AlreadyExists):
            await client.create(CONFIGMAPS, config("a"))
        await client.patch(CONFIGMAPS, "a", "default", {"data": {"x": "y"}})
        with pytest.raises(Conflict):
            await client.update(CONFIGMAPS, made)
        with pytest.raises(Invalid):
            await client.create(CONFIGMAPS, config("UPPER"))
        with pytest.raises(BadRequest):
            await client.list(CONFIGMAPS, label_selector="a=b=c")

    over_http(scenario)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    async def main() -> None:
        async with HTTPClient("http://127.0.0.1:1") as client:
            with pytest.raises(ServiceUnavailable):
                await client.list(CONFIGMAPS)
            with pytest.raises(ServiceUnavailable):
                await client.watch(CONFIGMAPS)

    asyncio.run(main())


def test_a_watch_tells_what_happens_and_calls_back() -> None:
    async def scenario(client: HTTPClient, registry: Registry) -> None:
        start = (await client.list(CONFIGMAPS))["metadata"]["resourceVersion"]
        watch = await client.watch(CONFIGMAPS, resource_version=start)
        arrived = asyncio.Event()
        watch.on_event(arrived.set)
        await client.create(CONFIGMAPS, config("a"))
        await client.delete(CONFIGMAPS, "a", "default")
        events: list[str] = []

        async def complete() -> bool:
            events.extend(event.type for event in watch.poll())
            return events == ["ADDED", "DELETED"]

        await until(complete)
        assert arrived.is_set()
        watch.close()

    over_http(scenario)


def test_a_watch_from_before_the_history_is_expired() -> None:
    async def scenario(client: HTTPClient, registry: Registry) -> None:
        old = (await client.list(CONFIGMAPS))["metadata"]["resourceVersion"]
        for own in ("a", "b"):
            await client.create(CONFIGMAPS, config(own))
        registry.store.compact(registry.store.revision)
        events: list[Any] = []
        try:
            watch = await client.watch(CONFIGMAPS, resource_version=old)
        except Expired:
            return

        async def failed() -> bool:
            events.extend(watch.poll())
            return bool(events)

        await until(failed)
        assert (events[0].type, events[0].object["code"]) == ("ERROR", 410)

    over_http(scenario)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 8])
def test_controllers_work_through_it(workers: int) -> None:
    async def scenario(client: HTTPClient, registry: Registry) -> None:
        manager = _manager(client, registry)
        work = asyncio.ensure_future(manager.run(workers=workers))
        await client.create(REPLICASETS, replicaset(replicas=30))
        await client.create(DEPLOYMENTS, deployment(replicas=3))

        async def created() -> bool:
            return len((await client.list(PODS))["items"]) == 33

        await until(created)
        for one in (await client.list(PODS, label_selector="app=d"))["items"]:
            await client.patch(PODS, name(one), "default", {"status": READY}, type="strategic",
                               subresource="status")

        async def complete() -> bool:
            status = (await client.get(DEPLOYMENTS, "d", "default"))["status"]
            return bool(status.get("availableReplicas") == 3)

        await until(complete)
        await client.delete(REPLICASETS, "r", "default")

        async def gone() -> bool:
            return len((await client.list(PODS))["items"]) == 3

        await until(gone)
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work

    over_http(scenario)


def _manager(client: HTTPClient, registry: Registry) -> Manager:
    async def discovery() -> list[DiscoveredResource]:
        return [DiscoveredResource(resource=one.gvr, kind=one.kind, namespaced=one.namespaced,
                                   verbs=one.verbs) for one in BUILTIN]

    informers, events = Informers(client), EventBroadcaster(client, registry.clock)
    manager = Manager(registry.clock, informers, events, strict=True)
    context = ControllerContext(
        client=client, clock=registry.clock, informers=informers, events=events,
        discovery=discovery, chance=random.Random(1))
    for own in ("replicaset-controller", "deployment-controller", "garbage-collector-controller"):
        manager.add(CONTROLLERS[own](context))
    return manager


@pytest.mark.parametrize(("code", "status", "expected"), [
    (404, {"kind": "Status", "reason": "NotFound", "code": 404, "message": "m"}, NotFound),
    (410, {"kind": "Status", "reason": "Expired", "code": 410, "message": "m"}, Expired),
    (409, {"kind": "Status", "reason": "AlreadyExists", "code": 409}, AlreadyExists),
    (404, "404 page not found\n", NotFound),
    (418, {"kind": "Status", "reason": "Teapot", "code": 418}, InternalError),
])
def test_the_class_of_an_error_is_by_its_reason_else_by_its_code(
        code: int, status: Any, expected: type[ApiError]) -> None:
    assert type(error_of(code, status)) is expected
