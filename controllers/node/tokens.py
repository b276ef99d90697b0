"""Tokens for what runs in pods: asked of the API server, kept, and renewed before they end.

Models pkg/kubelet/token (token_manager.go): a token is renewed when a fifth of its time is left, or
when it is a day old.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from apiserver.machinery.clock import parse_time
from apiserver.machinery.gvk import SERVICEACCOUNTS
from apiserver.machinery.meta import name, namespace, uid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from apiserver.machinery.clock import Clock
    from apiserver.machinery.later import Later
    from apiserver.machinery.types import Object
    from controllers.client import Client

_HOUR: Final = 3600
_DAY: Final = 24 * 3600.0
_USED: Final = 0.8


class Wanted(NamedTuple):
    """A token that a projected volume has; '' is the API server's own audience."""

    audience: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Held:
    """A token, and when to ask for another (seconds since 1970)."""

    token: str | Later
    renew_at: float


def wanted_tokens(pod: Object) -> Iterator[Wanted]:
    """The tokens of a pod's projected volumes."""
    for volume in pod["spec"].get("volumes") or ():
        for source in (volume.get("projected") or {}).get("sources") or ():
            if "serviceAccountToken" in source:
                yield wanted(source["serviceAccountToken"])


def wanted(source: Mapping[str, Any]) -> Wanted:
    """What one serviceAccountToken source asks for."""
    return Wanted(source.get("audience") or "", source.get("expirationSeconds") or _HOUR)


async def renewed(client: Client, clock: Clock, pod: Object,
                  held: Mapping[Wanted, Held]) -> dict[Wanted, Held]:
    """All tokens of a pod; those that are still good stay. Raises ApiError."""
    now = clock.now()
    return {each: held[each] if each in held and now < held[each].renew_at
            else await _request(client, pod, each, now) for each in wanted_tokens(pod)}


async def _request(client: Client, pod: Object, each: Wanted, now: float) -> Held:
    answer = await client.create(SERVICEACCOUNTS, {
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {
            "audiences": [each.audience] if each.audience else [],
            "expirationSeconds": each.seconds,
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": name(pod),
                               "uid": uid(pod)}}},
        namespace(pod), name=pod["spec"].get("serviceAccountName") or "default",
        subresource="token")
    status = answer["status"]
    lasts = parse_time(status["expirationTimestamp"]) - now
    return Held(status["token"], now + min(lasts * _USED, _DAY))
