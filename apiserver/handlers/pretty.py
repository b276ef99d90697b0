"""Who gets indented JSON. Models isPrettyPrint of apiserver/pkg/endpoints/handlers/negotiation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.negotiation import parse_accept

if TYPE_CHECKING:
    from apiserver.handlers.request import Request

_PEOPLE: Final = (b"curl", b"Wget", b"Mozilla/5.0")
"""How the User-Agents of programs begin whose answers people read."""
_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
"""What strconv.ParseBool takes for true."""
_RAW: Final = ("/openapi/", "/openid/", "/.well-known/")
"""Documents that upstream writes as they are."""


def wants_indents(request: Request) -> bool:
    """Whether a JSON answer is laid out for people: the client says so, or is a browser or curl."""
    if request.path.startswith(_RAW):
        return False
    accept = request.header(b"accept")
    if "pretty" in accept and any(
            each.parameter("pretty") in _TRUE for each in parse_accept(accept)):
        return True
    if said := request.parameter("pretty"):
        return said in _TRUE
    return request.headers.get(b"user-agent", b"").startswith(_PEOPLE)
