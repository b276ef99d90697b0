"""One call on its way through the handlers: everything that is known about it by then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.handlers.answer import Answer
    from apiserver.handlers.request import Request
    from apiserver.negotiation import Accepted
    from apiserver.registry.registry import Registry
    from apiserver.request_info import RequestInfo

Message: TypeAlias = MutableMapping[str, Any]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Receive: TypeAlias = Callable[[], Awaitable[Message]]


@dataclass(slots=True)
class Call:
    """A resource request that is known to be served."""

    registry: Registry
    request: Request
    info: RequestInfo
    ctx: RequestContext
    accepted: Accepted
    send: Send


Handler: TypeAlias = Callable[[Call], Awaitable["Answer | None"]]
"""Answers a call; None when it has streamed its answer itself."""
