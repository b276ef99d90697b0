"""A watcher that takes nothing, and a server that ends: both in this process."""

from __future__ import annotations

import asyncio

import pytest

from apiserver.app import KubernetesApp
from apiserver.context import User
from apiserver.lifetime import Lifetime
from apiserver.machinery.gvk import CONFIGMAPS
from apiserver.registry.watching import MAX_PENDING
from tests.apiserver.server import Server, config

SCOPE = {"type": "http", "method": "GET", "path": "/api/v1/configmaps", "query_string": b"watch=1",
         "headers": [], "raw_path": b"/api/v1/configmaps"}


async def anybody(scope):
    return User(name="u", groups=("system:authenticated",))


async def silent():
    """A client that says nothing and stays."""
    await asyncio.Event().wait()


@pytest.mark.slow
def test_who_takes_nothing_is_dropped_when_too_much_waits():
    server = Server()
    server.create(CONFIGMAPS, config())

    async def scenario():
        stuck = asyncio.Event()

        async def send(message):
            if message.get("body"):
                stuck.set()
                await asyncio.Event().wait()

        app = KubernetesApp(server.registry, authenticate=anybody)
        watching = asyncio.ensure_future(app(dict(SCOPE), silent, send))
        await stuck.wait()
        for number in range(MAX_PENDING + 1):
            await server.client.patch(CONFIGMAPS, "a", "default", {"data": {"k": str(number)}})
        await asyncio.wait_for(watching, 5)

    asyncio.run(scenario())


def test_a_watch_ends_properly_when_the_server_does():
    server, lifetime, sent = Server(), Lifetime(), []

    async def scenario():
        begun = asyncio.Event()

        async def send(message):
            sent.append(message)
            begun.set()

        app = KubernetesApp(server.registry, authenticate=anybody, lifetime=lifetime)
        watching = asyncio.ensure_future(app(dict(SCOPE), silent, send))
        await begun.wait()
        lifetime.end()
        await asyncio.wait_for(watching, 5)

    asyncio.run(scenario())
    assert sent[-1]["more_body"] is False
