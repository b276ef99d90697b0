"""Conversion webhooks, called over HTTP."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from apiserver.customresources.definitions import CRDS
from apiserver.machinery.errors import Unknown
from apiserver.machinery.gvk import GVR
from tests.apiserver.customresources.crds import CRONTABS, GROUP, NAME, crd, crontab, version
from tests.apiserver.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.machinery.types import Object

V2 = GVR(GROUP, "v2", "crontabs")


class Webhook:
    """A server that turns `old` of v1 into `new` of v2 and back, and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.spoil: Object = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.calls += 1
                body = self.rfile.read(int(self.headers["content-length"]))
                answer = orjson.dumps(outer.answer(orjson.loads(body)))
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/convert"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def answer(self, review: Object) -> Object:
        request = review["request"]
        wanted = request["desiredAPIVersion"]
        converted = [self._convert(obj, wanted) for obj in request["objects"]]
        response = {"uid": request["uid"], "result": {"status": "Success"},
                    "convertedObjects": converted, **self.spoil}
        return {**review, "response": response}

    @staticmethod
    def _convert(obj: Object, wanted: str) -> Object:
        value = obj["spec"].get("old", obj["spec"].get("new"))
        name = "old" if wanted.endswith("/v1") else "new"
        return {**obj, "apiVersion": wanted, "spec": {name: value},
                "metadata": {**obj["metadata"], "name": "changed", "labels": {"by": "webhook"}}}

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    made = Webhook()
    yield made
    made.close()


@pytest.fixture
def server(webhook: Webhook) -> Server:
    made = Server()
    conversion = {"strategy": "Webhook", "webhook": {
        "clientConfig": {"url": webhook.url}, "conversionReviewVersions": ["v1"]}}
    made.create(CRDS, crd(version("v1"), version("v2", storage=False), conversion=conversion), None)
    return made


async def run(server: Server, verb: str, resource: GVR, *args: Any) -> Any:
    return await getattr(server.client, verb)(resource, *args)


def asynchronously(coroutine: Any) -> Any:
    import asyncio

    return asyncio.run(coroutine)


def test_objects_are_stored_in_one_version_and_read_in_all(server: Server,
                                                           webhook: Webhook) -> None:
    asynchronously(run(server, "create", V2, crontab(api_version="v2", new=5), "default"))
    stored = server.get(CRONTABS, "a")
    assert (stored["spec"], stored["metadata"]["name"]) == ({"old": 5}, "a")
    seen = asynchronously(run(server, "get", V2, "a", "default"))
    assert (seen["apiVersion"], seen["spec"]) == (f"{GROUP}/v2", {"new": 5})


def test_a_version_is_converted_once(server: Server, webhook: Webhook) -> None:
    for name in "abc":
        server.create(CRONTABS, crontab(name, old=1))
    assert webhook.calls == 0
    for _ in range(3):
        listed = asynchronously(run(server, "list", V2, "default"))
        assert [item["spec"] for item in listed["items"]] == [{"new": 1}] * 3
    assert webhook.calls == 1
    assert {item["metadata"]["labels"]["by"] for item in listed["items"]} == {"webhook"}


def test_watches_see_converted_objects(server: Server, webhook: Webhook) -> None:
    async def scenario() -> list[tuple[str, Object]]:
        watch = await server.client.watch(V2, "default")
        await server.client.create(CRONTABS, crontab(old=1), "default")
        await server.client.delete(CRONTABS, "a", "default")
        events = [(event.type, event.object["spec"]) for event in watch.poll()]
        watch.close()
        return events

    assert asynchronously(scenario()) == [("ADDED", {"new": 1}), ("DELETED", {"new": 1})]


@pytest.mark.parametrize(("spoil", "text"), [
    ({"result": {"status": "Failed", "message": "no way"}}, "no way"),
    ({"uid": "other"}, "expected response.uid="),
    ({"convertedObjects": []}, "returned 0 objects, expected 1"),
    ({"convertedObjects": [{"apiVersion": "x/v9"}]}, "invalid groupVersion"),
])
def test_failures_are_told(server: Server, webhook: Webhook, spoil: Object, text: str) -> None:
    server.create(CRONTABS, crontab(old=1))
    webhook.spoil = spoil
    with pytest.raises(Unknown, match=f"conversion webhook for {GROUP}/v1, Kind=CronTab failed"
                       ) as failure:
        asynchronously(run(server, "get", V2, "a", "default"))
    assert text in failure.value.message
    assert server.get(CRONTABS, "a")["spec"] == {"old": 1}


def test_a_crd_goes_although_its_webhook_does_not_answer(server: Server, webhook: Webhook) -> None:
    server.create(CRONTABS, crontab(old=1))
    webhook.spoil = {"result": {"status": "Failed"}}
    server.delete(CRDS, NAME, None)
    assert [crd for crd in server.names(CRDS, None) if crd == NAME] == []


