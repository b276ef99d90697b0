"""Who did what, when, and how it ended: audit.k8s.io/v1 events at level Metadata, one a line.

Models apiserver/pkg/endpoints/filters/audit.go with the policy `rules: [{level: Metadata}]`. An
`AuditedApp` goes around the application, which tells it by `scope[SCOPE]` who asks for what:

    known user ─> RequestReceived ─> (ResponseStarted of a watch) ─> ResponseComplete
    unknown user ─> ResponseStarted with code 401
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from apiserver.machinery import meta
from apiserver.machinery.clock import rfc3339_micro
from apiserver.subresources.token_review import user_info

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, MutableMapping

    from apiserver.authorization.attributes import Attributes, Decision
    from apiserver.context import User
    from apiserver.handlers.call import Message, Receive, Send
    from apiserver.machinery.clock import Clock
    from apiserver.machinery.types import Object

SCOPE: Final = "apiserver.audit"
_STATUS_FIELDS: Final = ("status", "message", "reason", "details", "code")
_FORWARDED: Final = (b"x-forwarded-for", b"x-real-ip")
_ID: Final = b"audit-id"


class AuditLog:
    """Where events go, and what they need of the cluster."""

    def __init__(self, write: Callable[[bytes], object], *, clock: Clock, chance: random.Random,
                 decide: Callable[[Attributes], Decision]) -> None:
        """`write` takes one line. `decide`: what the authorizer says, and why."""
        self._write = write
        self.clock = clock
        self.chance = chance
        self.decide = decide

    def write(self, event: Object) -> None:
        """One event, one line."""
        self._write(orjson.dumps(event) + b"\n")


class AuditEntry:
    """One request on its way."""

    def __init__(self, log: AuditLog, scope: MutableMapping[str, Any]) -> None:
        self._log = log
        self._received = rfc3339_micro(log.clock.now())
        self._asked: Attributes | None = None
        self._code = 0
        self._first = b""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        given = headers.get(_ID, b"").decode("latin-1")
        self.id = given or meta.new_uid(log.chance)
        query = scope.get("query_string", b"").decode("latin-1")
        self._base: Object = {
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata",
            "auditID": self.id, "stage": "",
            "requestURI": scope["path"] + (f"?{query}" if query else ""),
            "verb": scope.get("method", "GET").lower(), "user": {},
            "sourceIPs": _addresses(headers, scope)}
        if agent := headers.get(b"user-agent"):
            self._base["userAgent"] = agent.decode("latin-1")

    def known(self, user: User, asked: Attributes) -> None:
        """Who asks (before impersonation), and what."""
        self._asked = asked
        self._base |= {"verb": asked.verb, "user": user_info(user)}
        if asked.resource:
            self._base["objectRef"] = _object_ref(asked)
        self._emit("RequestReceived")

    def acts_as(self, asked: Attributes) -> None:
        """The same question as somebody else."""
        self._asked = asked
        self._base["impersonatedUser"] = user_info(asked.user)

    def sends(self, message: Message) -> None:
        """A part of the answer, about to be sent: its client finds the events written."""
        if message["type"] == "http.response.start":
            self._code = message["status"]
            message["headers"] = [*message["headers"], (_ID, self.id.encode())]
            if self._asked is not None and self._asked.verb == "watch":
                self._emit("ResponseStarted", {"metadata": {}, "code": self._code})
        elif message["type"] == "http.response.body":
            self._first = self._first or message.get("body") or b""
            if not message.get("more_body"):
                self.over()

    def over(self) -> None:
        """The answer is over; harmless twice."""
        if self._code:
            code, self._code = self._code, 0
            self._complete(code)

    def _complete(self, code: int) -> None:
        status: Object = {"metadata": {}, "code": code}
        shown = _parsed(self._first)
        if shown.get("kind") == "Status":
            status |= {field: shown[field] for field in _STATUS_FIELDS if field in shown}
        elif self._asked is not None and self._asked.verb == "create" and code < 300:
            self._name(shown)
        self._emit("ResponseComplete" if self._asked is not None else "ResponseStarted", status)

    def _name(self, created: Object) -> None:
        """What is created has its name only now."""
        reference = self._base.get("objectRef")
        if reference is not None and "name" not in reference and meta.name(created):
            self._base["objectRef"] = {**reference, "name": meta.name(created)}

    def _emit(self, stage: str, status: Object | None = None) -> None:
        event = {**self._base, "stage": stage}
        if status is not None:
            event["responseStatus"] = status
        now = rfc3339_micro(self._log.clock.now())
        event |= {"requestReceivedTimestamp": self._received, "stageTimestamp": now}
        if status is not None and self._asked is not None:
            event["annotations"] = self._annotations(self._asked)
        self._log.write(event)

    def _annotations(self, asked: Attributes) -> Object:
        decision = self._log.decide(asked)
        return {"authorization.k8s.io/decision": "allow" if decision.allowed else "forbid",
                "authorization.k8s.io/reason": decision.reason}


class AuditedApp:
    """The application, with every request written down."""

    def __init__(self, app: Callable[[Any, Receive, Send], Awaitable[None]],
                 log: AuditLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """ASGI: one request."""
        entry = AuditEntry(self._log, scope)

        async def watched(message: Message) -> None:
            entry.sends(message)
            await send(message)

        try:
            await self._app({**scope, SCOPE: entry}, receive, watched)
        finally:
            entry.over()  # also of what was cut off


def _addresses(headers: MutableMapping[bytes, bytes], scope: MutableMapping[str, Any]) -> list[str]:
    """Who sent it, through which proxies (utilnet.SourceIPs)."""
    found = [part.strip().decode("latin-1") for name in _FORWARDED
             for part in headers.get(name, b"").split(b",") if part.strip()]
    client = scope.get("client")
    return list(dict.fromkeys([*found, client[0]] if client else found))


def _object_ref(asked: Attributes) -> Object:
    fields = {"resource": asked.resource, "namespace": asked.namespace, "name": asked.name,
              "apiGroup": asked.group, "apiVersion": asked.version,
              "subresource": asked.subresource}
    return {field: value for field, value in fields.items() if value}


def _parsed(body: bytes) -> Object:
    """A JSON object; empty for what is none."""
    try:
        value: Any = orjson.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
