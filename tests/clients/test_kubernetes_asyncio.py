"""kubernetes-asyncio: CRUD, watches and exec over aiohttp."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("kubernetes_asyncio")
from kubernetes_asyncio import client, config, watch
from kubernetes_asyncio.client.api_client import ApiClient
from kubernetes_asyncio.client.exceptions import ApiException
from kubernetes_asyncio.stream import WsApiClient

pytestmark = pytest.mark.slow


def run(server, scenario):
    """Run a scenario with a client of the server."""
    async def go():
        settings = client.Configuration()
        await config.load_kube_config(str(server.kubeconfig), client_configuration=settings)
        async with ApiClient(settings) as api:
            await scenario(client.CoreV1Api(api), settings)

    asyncio.run(go())


def config_map(name, **data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name), data=data)


def test_objects_live_and_die(server):
    async def scenario(core, _):
        await core.create_namespaced_config_map("default", config_map("a", k="1"))
        patched = await core.patch_namespaced_config_map("a", "default", {"data": {"k": "2"}})
        assert patched.data == {"k": "2"}
        listed = await core.list_namespaced_config_map("default", field_selector="metadata.name=a")
        assert [item.metadata.name for item in listed.items] == ["a"]
        await core.delete_namespaced_config_map("a", "default")
        with pytest.raises(ApiException) as missing:
            await core.read_namespaced_config_map("a", "default")
        assert missing.value.status == 404

    run(server, scenario)


def test_a_watch_hears_of_changes(server):
    async def scenario(core, _):
        start = (await core.list_namespaced_config_map("default")).metadata.resource_version
        await core.create_namespaced_config_map("default", config_map("w", k="1"))
        await core.delete_namespaced_config_map("w", "default")
        seen = []
        async with watch.Watch() as watching:
            async for event in watching.stream(core.list_namespaced_config_map, "default",
                                               resource_version=start, timeout_seconds=10):
                seen.append((event["type"], event["object"].metadata.name))
                if len(seen) == 2:
                    break
        assert seen == [("ADDED", "w"), ("DELETED", "w")]

    run(server, scenario)


def test_exec_over_a_web_socket(server):
    async def scenario(core, settings):
        await core.create_namespaced_pod("default", client.V1Pod(
            metadata=client.V1ObjectMeta(name="box"),
            spec=client.V1PodSpec(containers=[client.V1Container(
                name="box", image="busybox", command=["sleep", "3600"])])))
        async with watch.Watch() as watching:
            async for event in watching.stream(core.list_namespaced_pod, "default",
                                               timeout_seconds=20):
                if event["object"].status.phase == "Running":
                    break
        async with WsApiClient(settings) as streams:
            remote = client.CoreV1Api(streams)
            answer = await remote.connect_get_namespaced_pod_exec(
                "box", "default", command=["hostname"], stdout=True, stderr=True, stdin=False,
                tty=False)
            assert answer == "box\n"

    run(server, scenario)
