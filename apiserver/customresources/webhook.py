"""Conversion webhooks. Models apiextensions' conversion/webhook_converter.

Objects go out in a ConversionReview and come back in another version; nothing of their metadata but
labels and annotations may change on the way.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from typing import TYPE_CHECKING, Any, Final

import orjson

from apiserver.machinery.errors import Unknown
from apiserver.machinery.gvk import parse_api_version
from apiserver.machinery.meta import new_uid

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    import httpx

    from apiserver.machinery.types import Object

    Resolve = Callable[[Object], str]

TIMEOUT: Final = 30.0
_CHANGEABLE: Final = ("labels", "annotations")
_VERSIONS: Final = ("v1", "v1beta1")


class _BadAnswer(Exception):
    """The webhook answered, but not with the objects."""


def no_services(service: Object) -> str:
    """Nobody to reach Services through: only webhooks with a URL work."""
    raise _BadAnswer(f'dial tcp: lookup {service["name"]}.{service["namespace"]}.svc: no such host')


class ConversionWebhook:
    """The webhook of one CRD."""

    def __init__(self, webhook: Object, chance: random.Random,
                 resolve: Resolve = no_services) -> None:
        """`webhook`: spec.conversion.webhook. `resolve`: a service reference to a base URL."""
        self._config = webhook["clientConfig"]
        self._chance = chance
        self._resolve = resolve
        versions = webhook.get("conversionReviewVersions") or ["v1"]
        self._version = next((each for each in versions if each in _VERSIONS), "v1")

    async def convert(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        """The objects in another version. Raises Unknown."""
        import httpx

        if not _on_event_loop():
            return self.convert_now(objects, api_version)
        review = self._review(objects, api_version)
        try:
            async with httpx.AsyncClient(**self._options()) as client:
                answer = await client.post(self._url(), content=orjson.dumps(review),
                                           headers=_HEADERS)
            return _converted(review, answer, objects, api_version)
        except (httpx.HTTPError, _BadAnswer, ValueError) as error:
            raise self._failed(objects[0], error) from None

    def convert_now(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        """The same for callers that cannot wait on an event loop. Raises Unknown."""
        import httpx

        review = self._review(objects, api_version)
        try:
            with httpx.Client(**self._options()) as client:
                answer = client.post(self._url(), content=orjson.dumps(review), headers=_HEADERS)
            return _converted(review, answer, objects, api_version)
        except (httpx.HTTPError, _BadAnswer, ValueError) as error:
            raise self._failed(objects[0], error) from None

    def _options(self) -> dict[str, Any]:
        bundle = self._config.get("caBundle")
        options: dict[str, Any] = {"timeout": TIMEOUT, "trust_env": False}
        if bundle:
            pem = base64.b64decode(bundle).decode()
            options["verify"] = ssl.create_default_context(cadata=pem)
        return options

    def _url(self) -> str:
        if self._config.get("url"):
            return str(self._config["url"])
        service = self._config["service"]
        path = (service.get("path") or "/").lstrip("/")
        return f"{self._resolve(service).rstrip('/')}/{path}"

    def _review(self, objects: Sequence[Object], api_version: str) -> Object:
        return {"kind": "ConversionReview", "apiVersion": f"apiextensions.k8s.io/{self._version}",
                "request": {"uid": new_uid(self._chance), "desiredAPIVersion": api_version,
                            "objects": list(objects)}}

    @staticmethod
    def _failed(obj: Object, error: Exception) -> Unknown:
        group, version = parse_api_version(obj["apiVersion"])
        return Unknown(f"conversion webhook for {group}/{version}, Kind={obj['kind']} failed: "
                       f"{error}")


def _on_event_loop() -> bool:
    """Whether there is a loop to wait on: a cluster on the virtual clock runs without one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


_HEADERS: Final = {"content-type": "application/json", "accept": "application/json"}


def _converted(review: Object, answer: httpx.Response, objects: Sequence[Object],
               api_version: str) -> list[Object]:
    if answer.status_code != 200:
        raise _BadAnswer(f"the server responded with status {answer.status_code}")
    response = (orjson.loads(answer.content) or {}).get("response")
    if not isinstance(response, dict):
        raise _BadAnswer("no response provided")
    if response.get("uid") != review["request"]["uid"]:
        raise _BadAnswer(f'expected response.uid="{review["request"]["uid"]}", got '
                         f'"{response.get("uid", "")}"')
    result = response.get("result") or {}
    if result.get("status") != "Success":
        raise _BadAnswer(result.get("message") or f'response.result.status was '
                         f'\'{result.get("status", "")}\', not \'Success\'')
    converted = response.get("convertedObjects") or []
    if len(converted) != len(objects):
        raise _BadAnswer(f"returned {len(converted)} objects, expected {len(objects)}")
    return [_restored(at, new, old, api_version)
            for at, (new, old) in enumerate(zip(converted, objects, strict=True))]


def _restored(at: int, new: Any, old: Object, api_version: str) -> Object:
    """The converted object with the metadata that no conversion may change."""
    if not isinstance(new, dict) or new.get("apiVersion") != api_version:
        found = new.get("apiVersion") if isinstance(new, dict) else ""
        raise _BadAnswer(f"returned invalid converted object at index {at}: invalid groupVersion "
                         f"(expected {api_version}, received {found})")
    if new.get("kind") != old["kind"]:
        raise _BadAnswer(f"returned invalid converted object at index {at}: invalid kind (expected"
                         f" {old['kind']}, received {new.get('kind', '')})")
    given, metadata = new.get("metadata") or {}, dict(old["metadata"])
    for name in _CHANGEABLE:
        metadata.pop(name, None)
        if given.get(name):
            metadata[name] = given[name]
    return {**new, "metadata": metadata}
