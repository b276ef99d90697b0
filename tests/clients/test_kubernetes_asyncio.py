"""kubernetes-asyncio: CRUD, watches and exec over aiohttp."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("kubernetes_asyncio")
from kubernetes_asyncio import client, config, watch
from kubernetes_asyncio.client.api_client import ApiClient
from kubernetes_asyncio.client.exceptions import ApiException
from kubernetes_asyncio.leaderelection import electionconfig, leaderelection
from kubernetes_asyncio.leaderelection.resourcelock.leaselock import LeaseLock
from kubernetes_asyncio.stream import WsApiClient

from tests.clients.widgets import GROUP, PLURAL, VERSION, definition, widget

pytestmark = [  # its WebSockets leave transports open
    pytest.mark.slow, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]


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


def test_kinds_of_one_s_own_are_served_as_soon_as_they_are_established(server):
    async def scenario(core, settings):
        crds = client.ApiextensionsV1Api(core.api_client)
        await crds.create_custom_resource_definition(definition())
        custom = client.CustomObjectsApi(core.api_client)
        where = (GROUP, VERSION, "default", PLURAL)
        await custom.create_namespaced_custom_object(*where, widget("a", 1))
        with pytest.raises(ApiException) as refused:
            await custom.create_namespaced_custom_object(*where, widget("b", 0))
        assert (refused.value.status, "greater than or equal to 1" in refused.value.body) == (
            422, True)
        await custom.patch_namespaced_custom_object_status(
            *where, "a", {"status": {"phase": "Ready"}},
            _content_type="application/merge-patch+json")
        found = await custom.get_namespaced_custom_object(*where, "a")
        assert (found["status"], found["spec"]) == ({"phase": "Ready"}, {"size": 1})
        await crds.delete_custom_resource_definition(f"{PLURAL}.{GROUP}")

    run(server, scenario)


def test_server_side_apply_owns_fields(server):
    async def scenario(core, _):
        async def apply(value, manager, **options):
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s"},
                    "data": {"k": value}}
            return await core.patch_namespaced_config_map(
                "s", "default", body, field_manager=manager,
                _content_type="application/apply-patch+yaml", **options)

        await apply("1", "first")
        with pytest.raises(ApiException) as conflict:
            await apply("2", "second")
        assert conflict.value.status == 409
        forced = await apply("2", "second", force=True)
        assert [entry.manager for entry in forced.metadata.managed_fields] == ["second"]

    run(server, scenario)


def test_one_of_two_candidates_leads_until_it_leaves(server):
    async def scenario(core, _):
        told = []

        def candidate(name, done):
            async def leads():
                told.append(name)
                done.set()

            async def stops():
                told.append(f"{name} stopped")

            lock = LeaseLock("race", "default", name, core.api_client)
            return leaderelection.LeaderElection(electionconfig.Config(
                lock, lease_duration=3, renew_deadline=2, retry_period=1,
                onstarted_leading=leads, onstopped_leading=stops))

        first, second = asyncio.Event(), asyncio.Event()
        one = asyncio.ensure_future(candidate("one", first).run())
        await asyncio.wait_for(first.wait(), 10)
        two = asyncio.ensure_future(candidate("two", second).run())
        lease = await client.CoordinationV1Api(core.api_client).read_namespaced_lease(
            "race", "default")
        assert (lease.spec.holder_identity, told) == ("one", ["one"])
        one.cancel()
        await asyncio.wait_for(second.wait(), 20)
        two.cancel()
        await asyncio.gather(one, two, return_exceptions=True)
        assert told[0] == "one"
        assert "two" in told

    run(server, scenario)
