"""Who did what, when, and how it ended: audit.k8s.io/v1 events, one a line.

Models apiserver/pkg/endpoints/filters/audit.go. A policy says what is written of a request. An
`AuditedApp` goes around the application, which tells it by `scope[SCOPE]` who asks for what, and
with which object:

    known user ─> RequestReceived ─> (ResponseStarted of a watch) ─> ResponseComplete
    unknown user ─> ResponseStarted with code 401
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final

import orjson
import yaml

from apiserver.audit_policy import METADATA
from apiserver.authorization.attributes import Attributes
from apiserver.context import PATCHES, User
from apiserver.handlers.request import AUDIT as SCOPE
from apiserver.machinery import meta
from apiserver.machinery.clock import rfc3339_micro
from apiserver.subresources.token_review import user_info

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, MutableMapping

    from apiserver.audit_policy import Decision as How
    from apiserver.audit_policy import Policy
    from apiserver.authorization.attributes import Decision
    from apiserver.handlers.call import Message, Receive, Send
    from apiserver.machinery.clock import Clock
    from apiserver.machinery.types import Object

_STATUS_FIELDS: Final = ("status", "message", "reason", "details", "code")
_FORWARDED: Final = (b"x-forwarded-for", b"x-real-ip")
_ID: Final = b"audit-id"


class AuditLog:
    """Where events go, and what they need of the cluster."""

    def __init__(self, write: Callable[[bytes], object], *, clock: Clock, chance: random.Random,
                 decide: Callable[[Attributes], Decision],
                 policy: Policy = METADATA) -> None:
        """`write` takes one line. `decide`: what the authorizer says, and why."""
        self._write = write
        self.policy = policy
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
        self._encoding = b""
        self._body = bytearray()
        self._how = policy_of_strangers(log.policy)
        self.notes: dict[str, str] = {}
        """What admission and others say about the request."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        given = headers.get(_ID, b"").decode("latin-1")
        self.id = given or meta.new_uid(log.chance)
        query = scope.get("query_string", b"").decode("latin-1")
        self._base: Object = {
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": self._how.level,
            "auditID": self.id, "stage": "",
            "requestURI": scope["path"] + (f"?{query}" if query else ""),
            "verb": scope.get("method", "GET").lower(), "user": {},
            "sourceIPs": _addresses(headers, scope)}
        if agent := headers.get(b"user-agent"):
            self._base["userAgent"] = agent.decode("latin-1")

    def known(self, user: User, asked: Attributes) -> None:
        """Who asks (before impersonation), and what."""
        self._asked = asked
        self._how = self._log.policy.decide(asked)
        self._base |= {"level": self._how.level, "verb": asked.verb, "user": user_info(user)}
        if asked.resource:
            self._base["objectRef"] = _object_ref(asked)
        self._emit("RequestReceived")

    def acts_as(self, asked: Attributes) -> None:
        """The same question as somebody else."""
        self._asked = asked
        self._base["impersonatedUser"] = user_info(asked.user)

    def asks_with(self, body: Object | bytes) -> None:
        """The object, options or patch of the request."""
        if not self._how.at_least("Request"):
            return
        shown = _readable(body) if isinstance(body, bytes) else orjson.loads(orjson.dumps(body))
        self._base["requestObject"] = self._shown(shown)

    def _shown(self, obj: Any) -> Any:
        return without_managed_fields(obj) if self._how.omits_managed_fields else obj

    def sends(self, message: Message) -> None:
        """A part of the answer, about to be sent: its client finds the events written."""
        if message["type"] == "http.response.start":
            self._code = message["status"]
            self._encoding = dict(message["headers"]).get(b"content-encoding", b"")
            message["headers"] = [*message["headers"], (_ID, self.id.encode())]
            if self._asked is not None and self._asked.verb == "watch":
                self._emit("ResponseStarted", {"metadata": {}, "code": self._code})
        elif message["type"] == "http.response.body":
            if not self._body or (self._asked is not None and self._asked.verb != "watch"
                                  and self._how.at_least("RequestResponse")):
                self._body += message.get("body") or b""
            if not message.get("more_body"):
                self.over()

    def over(self) -> None:
        """The answer is over; harmless twice."""
        if self._code:
            code, self._code = self._code, 0
            self._complete(code)

    def _complete(self, code: int) -> None:
        status: Object = {"metadata": {}, "code": code}
        shown = _parsed(bytes(self._body), self._encoding)
        if self._how.at_least("RequestResponse") and shown and not self._watches():
            self._base["responseObject"] = self._shown(shown)
        if shown.get("kind") == "Status":
            status |= {field: shown[field] for field in _STATUS_FIELDS if field in shown}
        elif self._asked is not None and self._asked.verb == "create" and code < 300:
            self._name(shown)
        self._emit("ResponseComplete" if self._asked is not None else "ResponseStarted", status)

    def _watches(self) -> bool:
        return self._asked is not None and self._asked.verb == "watch"

    def _name(self, created: Object) -> None:
        """What is created has its name only now."""
        reference = self._base.get("objectRef")
        if reference is not None and "name" not in reference and meta.name(created):
            self._base["objectRef"] = {**reference, "name": meta.name(created)}

    def _emit(self, stage: str, status: Object | None = None) -> None:
        if self._how.level == "None" or stage in self._how.omitted:
            return
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
        own = {"authorization.k8s.io/decision": "allow" if decision.allowed else "forbid",
               "authorization.k8s.io/reason": decision.reason}
        notes = {key: value for key, value in self.notes.items()
                 if not key.startswith(PATCHES) or self._how.at_least("Request")}
        return dict(sorted((own | notes).items()))


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


def _parsed(body: bytes, encoding: bytes) -> Object:
    """A JSON object; empty for what is none."""
    try:
        text = zlib.decompress(body, 16 + zlib.MAX_WBITS) if encoding == b"gzip" else body
        value: Any = orjson.loads(text)
    except (ValueError, zlib.error):
        return {}
    return value if isinstance(value, dict) else {}


def _readable(body: bytes) -> Any:
    """A patch as JSON; None for one that cannot be read."""
    try:
        return orjson.loads(body)
    except ValueError:
        pass
    try:
        value: Any = orjson.loads(orjson.dumps(yaml.safe_load(body)))
    except (yaml.YAMLError, TypeError, ValueError):
        return None
    return value


def without_managed_fields(obj: Any) -> Any:
    """An object, or each item of a list, without metadata.managedFields."""
    if not isinstance(obj, dict):
        return obj
    out = dict(obj)
    if isinstance(metadata := out.get("metadata"), dict):
        out["metadata"] = {key: value for key, value in metadata.items()
                           if key != "managedFields"}
    if isinstance(items := out.get("items"), list):
        out["items"] = [without_managed_fields(each) for each in items]
    return out


def policy_of_strangers(policy: Policy) -> How:
    """What is written of a request before anybody is known to have sent it."""
    return policy.decide(Attributes(user=User(name=""), verb=""))
