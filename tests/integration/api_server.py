"""The API server alone, on port 0 over plain HTTP: no kubelet, and of the controllers only a
stand-in that gives a namespace its ServiceAccount and root CA.

`python -m tests.integration.api_server FILE` writes a kubeconfig and serves until interrupted.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import sys
from contextlib import suppress
from typing import Any

import uvicorn

from apiserver.admission import admission_chain
from apiserver.app import KubernetesApp
from apiserver.context import User
from apiserver.discovery import Discovery
from apiserver.local import LocalClient
from apiserver.machinery.errors import ApiError
from apiserver.machinery.gvk import CONFIGMAPS, NAMESPACES, SERVICEACCOUNTS, SERVICES
from apiserver.registry import Registry
from apiserver.resources import BUILTIN
from apiserver.schema.schema import schema_for
from apiserver.storage import MemoryStore
from controllers.serviceips import ServiceAllocator
from minikube_sim.clock import RealClock

SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
ADMIN = User(name="admin", groups=("system:masters", "system:authenticated"))
VERSION = {"major": "1", "minor": "36", "gitVersion": "v1.36.0", "gitCommit": "", "platform": "",
           "gitTreeState": "clean", "buildDate": "", "goVersion": "", "compiler": ""}


async def admin(scope: Any) -> User:
    """Whoever asks is the administrator."""
    return ADMIN


def make_registry() -> Registry:
    """A registry of all built-in kinds on the real clock."""
    return Registry(store=MemoryStore(), resources=BUILTIN,
                    schema=schema_for(), clock=RealClock(), chance=random.Random(1),
                    admission=admission_chain(),
                    allocators={SERVICES: ServiceAllocator(random.Random(2), ("10.96.0.0/12",))})


def make_app(registry: Registry) -> KubernetesApp:
    """Everybody is an administrator."""
    return KubernetesApp(registry, authenticate=admin, version=VERSION,
                         pages=Discovery(registry.catalog).pages())


async def populate(client: LocalClient) -> None:
    """Give every namespace what its controllers would, as long as it runs."""
    watch = await client.watch(NAMESPACES)
    wake = asyncio.Event()
    watch.on_event(wake.set)
    while True:
        for event in watch.poll():
            if event.type == "ADDED":
                await _populate(client, event.object["metadata"]["name"])
        wake.clear()
        await wake.wait()


async def _populate(client: LocalClient, namespace: str) -> None:
    with suppress(ApiError):
        await client.create(SERVICEACCOUNTS, {"metadata": {"name": "default"}}, namespace)
    with suppress(ApiError):
        await client.create(CONFIGMAPS, {"metadata": {"name": "kube-root-ca.crt"},
                                         "data": {"ca.crt": "x"}}, namespace)


def kubeconfig(url: str) -> dict[str, Any]:
    """One context for the server at `url`."""
    return {"apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}


async def serve(kubeconfig_file: str) -> None:
    """Serve until interrupted."""
    registry = make_registry()
    client = LocalClient(registry)
    for name in SYSTEM_NAMESPACES:
        await client.create(NAMESPACES, {"metadata": {"name": name}})
    listener = socket.socket(proto=socket.IPPROTO_TCP)  # so that asyncio sets TCP_NODELAY
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with open(kubeconfig_file, "w") as file:  # noqa: ASYNC230
        json.dump(kubeconfig(url), file)
    config = uvicorn.Config(make_app(registry), access_log=False, log_level="warning",
                            lifespan="off", timeout_graceful_shutdown=1)
    work = asyncio.ensure_future(populate(client))
    await uvicorn.Server(config).serve(sockets=[listener])
    work.cancel()


if __name__ == "__main__":
    import gc
    gc.set_threshold(100_000, 50, 100)
    asyncio.run(serve(sys.argv[1]))
