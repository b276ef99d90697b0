"""Both clients pass one contract suite: in process, and over HTTP on a real socket."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
import uvicorn

from apiserver.machinery.gvk import NAMESPACES, SERVICEACCOUNTS
from controllers.drive import drive
from minikube_sim.http_client import HTTPClient
from tests.apiserver.server import Server
from tests.contract.client_suite import SCENARIOS
from tests.integration.api_server import make_app

if TYPE_CHECKING:
    from controllers.client import Watch, WatchEvent
    from tests.contract.client_suite import Scenario


async def polled(watch: Watch, count: int) -> list[WatchEvent]:
    """What has arrived: in process everything has."""
    return list(watch.poll())


async def awaited(watch: Watch, count: int) -> list[WatchEvent]:
    """Wait for so many events."""
    events: list[WatchEvent] = []
    arrived = asyncio.Event()
    watch.on_event(arrived.set)
    async with asyncio.timeout(8):
        while len(events) < count:
            events += watch.poll()
            if len(events) < count:
                await arrived.wait()
                arrived.clear()
    return events


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_local_client(scenario: Scenario) -> None:
    drive(scenario(Server().client, polled))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_http_client(scenario: Scenario) -> None:
    asyncio.run(_over_http(scenario))


async def _over_http(scenario: Scenario) -> None:
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(make_app(Server().registry), access_log=False, log_level="error",
                            lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    work = asyncio.ensure_future(server.serve(sockets=[listener]))
    async with HTTPClient(f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
        await scenario(client, awaited)
    server.should_exit = server.force_exit = True
    await work
    listener.close()


def test_server_of_the_suite_has_its_account() -> None:
    server = Server()
    assert server.names(NAMESPACES, None) == server.names(SERVICEACCOUNTS) == ["default"]
