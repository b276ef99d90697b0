"""HTTPClient: the Client protocol over HTTP, against any API server, a real one too.

Satisfies `controllers.client.Client` structurally; raises the same classes as the client in the
process. Needs a running event loop. Models client-go's dynamic client.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import tempfile
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx
import orjson
import yaml

from apiserver.machinery.errors import ApiError, InternalError, ServiceUnavailable
from minikube_sim.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import JSON, Object
    from controllers.client import PatchType, Propagation

_PATCH_TYPES: Final[Mapping[str, str]] = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
_TIMEOUT: Final = httpx.Timeout(60.0)
_WATCH_TIMEOUT: Final = httpx.Timeout(10.0, read=None)


def error_of(code: int, status: JSON) -> ApiError:
    """The error that a Status (or a bare answer) of an HTTP code stands for."""
    if not isinstance(status, dict) or status.get("kind") != "Status":
        return _class_of(code, "")(f"the server answered {code}: {status}")
    found = _class_of(int(status.get("code") or code), str(status.get("reason", "")))
    return found(str(status.get("message", "")), details=status.get("details"))


def _class_of(code: int, reason: str) -> type[ApiError]:
    classes = [one for one in ApiError.__subclasses__() if one.__module__ == ApiError.__module__]
    by_reason = (one for one in classes if reason and one.reason == reason)
    by_code = (one for one in classes if one.code == code)
    return next(by_reason, None) or next(by_code, InternalError)


class HTTPWatchEvent(NamedTuple):
    """One change, as `controllers.client.WatchEvent`."""

    type: str
    object: Object


class HTTPWatch:
    """A watch that a task reads from the server; it goes on by itself when the server ends it."""

    def __init__(self, http: httpx.AsyncClient, path: str, query: dict[str, str]) -> None:
        self._http = http
        self._path = path
        self._query = query
        self._events: deque[HTTPWatchEvent] = deque()
        self._callback: Callable[[], None] = lambda: None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin. Raises ApiError when the server refuses."""
        response = await self._connect()
        self._task = asyncio.get_running_loop().create_task(self._run(response))

    def poll(self) -> Sequence[HTTPWatchEvent]:
        """What has arrived since the last poll."""
        arrived = list(self._events)
        self._events.clear()
        return arrived

    def on_event(self, callback: Callable[[], None]) -> None:
        """Call `callback` when something has arrived; soon, if something is there already."""
        self._callback = callback
        if self._events:
            asyncio.get_running_loop().call_soon(callback)

    def close(self) -> None:
        """End it; harmless twice."""
        if self._task is not None:
            self._task.cancel()

    async def _connect(self) -> httpx.Response:
        request = self._http.build_request(
            "GET", self._path, params=self._query, timeout=_WATCH_TIMEOUT)
        try:
            response = await self._http.send(request, stream=True)
        except httpx.TransportError as error:
            raise ServiceUnavailable(f"GET {self._path}: {error!r}") from error
        if response.status_code != 200:
            body = await response.aread()
            raise error_of(response.status_code, _parse(body))
        return response

    async def _run(self, response: httpx.Response) -> None:
        """Read until an error; a stream that ends is opened again where it ended."""
        try:
            while await self._read(response):
                response = await self._connect()
        except ApiError as error:
            self._take(HTTPWatchEvent("ERROR", error.status()))

    async def _read(self, response: httpx.Response) -> bool:
        """Take in one response's events; False after an ERROR event."""
        rest = b""
        try:
            async for chunk in response.aiter_bytes():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in filter(None, lines):
                    if not self._take_line(line):
                        return False
        except httpx.TransportError as error:
            raise ServiceUnavailable(f"GET {self._path}: {error!r}") from error
        finally:
            await response.aclose()
        return True

    def _take_line(self, line: bytes) -> bool:
        event = orjson.loads(line)
        self._take(HTTPWatchEvent(event["type"], event["object"]))
        if event["type"] == "ERROR":
            return False
        self._query["resourceVersion"] = event["object"]["metadata"]["resourceVersion"]
        return True

    def _take(self, event: HTTPWatchEvent) -> None:
        self._events.append(event)
        self._callback()


class HTTPClient:
    """The Client protocol over HTTP."""

    def __init__(self, server: str, *, token: str = "", verify: ssl.SSLContext | bool = True,
                 field_manager: str = "") -> None:
        """`server` is `https://host:port`; `verify` has the CA and maybe a client certificate."""
        headers = {"User-Agent": f"minikube-sim/{__version__}", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=32)
        self._http = httpx.AsyncClient(base_url=server, headers=headers, verify=verify,
                                       timeout=_TIMEOUT, limits=limits, trust_env=False)
        self._field_manager = field_manager

    @classmethod
    def from_kubeconfig(cls, path: Path, context: str = "") -> HTTPClient:
        """A client for a context of a kubeconfig. Raises KeyError, OSError."""
        config = yaml.safe_load(path.read_text())
        chosen = _named(config["contexts"], context or config["current-context"], "context")
        cluster = _named(config["clusters"], chosen["cluster"], "cluster")
        user = _named(config["users"], chosen["user"], "user")
        return cls(cluster["server"], token=user.get("token", ""), verify=_tls(cluster, user))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def __aenter__(self) -> HTTPClient:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self.aclose()

    # --- the protocol ----------------------------------------------------------------------------

    async def get(self, resource: GVR, name: str, namespace: str | None = None, *,
                  subresource: str = "") -> Object:
        """One object. Raises NotFound."""
        return await self._send("GET", _path(resource, namespace, name, subresource))

    async def list(self, resource: GVR, namespace: str | None = None, *, label_selector: str = "",
                   field_selector: str = "", limit: int = 0, continue_token: str = "",
                   resource_version: str = "") -> Object:
        """A List object; its items say their apiVersion and kind. Raises BadRequest, Expired."""
        answer = await self._send("GET", _path(resource, namespace), query={
            "labelSelector": label_selector, "fieldSelector": field_selector,
            "limit": str(limit or ""), "continue": continue_token,
            "resourceVersion": resource_version})
        return _typed(answer)

    async def watch(self, resource: GVR, namespace: str | None = None, *,
                    resource_version: str = "", label_selector: str = "",
                    field_selector: str = "") -> HTTPWatch:
        """Changes after `resource_version`. Raises Expired behind the kept history."""
        query = _filled({
            "watch": "true", "allowWatchBookmarks": "true", "resourceVersion": resource_version,
            "labelSelector": label_selector, "fieldSelector": field_selector})
        watch = HTTPWatch(self._http, _path(resource, namespace), query)
        await watch.open()
        return watch

    async def create(self, resource: GVR, obj: Object, namespace: str | None = None, *,
                     name: str = "", subresource: str = "", dry_run: bool = False) -> Object:
        """Create an object, or POST to a subresource. Raises Invalid, AlreadyExists, ..."""
        if namespace is None:
            namespace = (obj.get("metadata") or {}).get("namespace")
        return await self._send("POST", _path(resource, namespace, name, subresource),
                                query=self._writing(dry_run), body=obj)

    async def update(self, resource: GVR, obj: Object, *, subresource: str = "",
                     dry_run: bool = False) -> Object:
        """Replace; a stale metadata.resourceVersion raises Conflict."""
        metadata = obj["metadata"]
        path = _path(resource, metadata.get("namespace"), metadata["name"], subresource)
        return await self._send("PUT", path, query=self._writing(dry_run), body=obj)

    async def patch(self, resource: GVR, name: str, namespace: str | None, patch: JSON, *,
                    type: PatchType = "merge", subresource: str = "", field_manager: str = "",
                    force: bool = False, dry_run: bool = False) -> Object:
        """Change parts of an object. Raises Conflict, Invalid, NotFound."""
        query = self._writing(dry_run)
        if field_manager:
            query["fieldManager"] = field_manager
        if force:
            query["force"] = "true"
        return await self._send("PATCH", _path(resource, namespace, name, subresource),
                                query=query, body=patch, content_type=_PATCH_TYPES[type])

    async def delete(self, resource: GVR, name: str, namespace: str | None = None, *,
                     propagation: Propagation | None = None,
                     grace_period_seconds: int | None = None,
                     preconditions: Mapping[str, str] | None = None) -> Object:
        """Delete; answers the object or a Status. Raises NotFound, Conflict."""
        options = {"gracePeriodSeconds": grace_period_seconds,
                   "preconditions": dict(preconditions) if preconditions else None}
        return await self._send("DELETE", _path(resource, namespace, name),
                                body=_delete_options(propagation, options))

    async def delete_collection(self, resource: GVR, namespace: str | None = None, *,
                                label_selector: str = "", field_selector: str = "",
                                propagation: Propagation | None = None) -> Object:
        """Delete all that match; the list of them."""
        query = {"labelSelector": label_selector, "fieldSelector": field_selector}
        return _typed(await self._send("DELETE", _path(resource, namespace), query=query,
                                       body=_delete_options(propagation, {})))

    # --- one request -----------------------------------------------------------------------------

    def _writing(self, dry_run: bool) -> dict[str, str]:
        return {"dryRun": "All" if dry_run else "", "fieldManager": self._field_manager}

    async def _send(self, method: str, path: str, *, query: Mapping[str, str] | None = None,
                    body: JSON = None, content_type: str = "application/json") -> Object:
        content = None if body is None else orjson.dumps(body)
        headers = {"Content-Type": content_type} if content is not None else {}
        try:
            response = await self._http.request(
                method, path, params=_filled(query or {}), content=content, headers=headers)
        except httpx.TransportError as error:
            raise ServiceUnavailable(f"{method} {path}: {error!r}") from error
        answer = _parse(response.content)
        if response.status_code >= 400:
            raise error_of(response.status_code, answer)
        obj: Object = answer
        return obj


def _path(resource: GVR, namespace: str | None, name: str = "", subresource: str = "") -> str:
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else (
        f"/api/{resource.version}")
    place = f"/namespaces/{namespace}" if namespace else ""
    parts = [root + place, resource.resource, name, subresource]
    return "/".join(part for part in parts if part)


def _filled(query: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in query.items() if value}


def _parse(body: bytes) -> JSON:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")


def _typed(answer: Object) -> Object:
    """A list whose items say their type; servers leave it out for built-in kinds."""
    kind = str(answer.get("kind", "")).removesuffix("List")
    head = {"apiVersion": answer.get("apiVersion"), "kind": kind}
    items = [one if "kind" in one else {**head, **one} for one in answer.get("items") or ()]
    return {**answer, "items": items}


def _delete_options(propagation: Propagation | None, options: Mapping[str, Any]) -> Object:
    said = {"propagationPolicy": propagation, **options}
    return {"kind": "DeleteOptions", "apiVersion": "v1",
            **{name: value for name, value in said.items() if value is not None}}


# --- kubeconfig ----------------------------------------------------------------------------------


def _named(entries: Sequence[Mapping[str, Any]], name: str, part: str) -> dict[str, Any]:
    for entry in entries:
        if entry["name"] == name:
            found: dict[str, Any] = entry[part]
            return found
    raise KeyError(f"no {part} {name!r} in the kubeconfig")


def _tls(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> ssl.SSLContext | bool:
    if not str(cluster["server"]).startswith("https"):
        return True
    context = ssl.create_default_context()
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca := _pem(cluster, "certificate-authority"):
        context = ssl.create_default_context(cadata=ca)
    certificate, key = _pem(user, "client-certificate"), _pem(user, "client-key")
    if certificate and key:
        _load_pair(context, certificate, key)
    return context


def _pem(entry: Mapping[str, Any], name: str) -> str:
    if f"{name}-data" in entry:
        return base64.b64decode(entry[f"{name}-data"]).decode()
    return Path(entry[name]).read_text() if name in entry else ""


def _load_pair(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """ssl reads client certificates from files only."""
    with tempfile.TemporaryDirectory() as folder:
        pair = Path(folder) / "pair.pem"
        pair.touch(mode=0o600)
        pair.write_text(f"{certificate}\n{key}")
        context.load_cert_chain(pair)
