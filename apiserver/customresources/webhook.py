"""Conversion webhooks. Models apiextensions' conversion/webhook_converter.

Objects go out in a ConversionReview and come back in another version; nothing of their metadata but
labels and annotations may change on the way.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import orjson

from apiserver.admission.webhooks.caller import CallFailed
from apiserver.machinery.errors import Unknown
from apiserver.machinery.gvk import parse_api_version
from apiserver.machinery.meta import new_uid

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from apiserver.admission.webhooks.caller import WebhookCaller
    from apiserver.machinery.types import Object

TIMEOUT: Final = 30.0
_CHANGEABLE: Final = ("labels", "annotations")
_VERSIONS: Final = ("v1", "v1beta1")


class _BadAnswer(Exception):
    """The webhook answered, but not with the objects."""


class ConversionWebhook:
    """The webhook of one CRD."""

    def __init__(self, webhook: Object, chance: random.Random, caller: WebhookCaller) -> None:
        """`webhook`: spec.conversion.webhook."""
        self._config = webhook["clientConfig"]
        self._chance = chance
        self._caller = caller
        versions = webhook.get("conversionReviewVersions") or ["v1"]
        self._version = next((each for each in versions if each in _VERSIONS), "v1")

    async def convert(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        """The objects in another version. Raises Unknown."""
        review = self._review(objects, api_version)
        try:
            body = await self._caller.call(self._config, orjson.dumps(review), TIMEOUT)
            return _converted(review, body, objects, api_version)
        except (CallFailed, _BadAnswer, ValueError) as error:
            raise self._failed(objects[0], error) from None

    def convert_now(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        """The same for callers that cannot wait: a thread of its own does. Raises Unknown."""
        with ThreadPoolExecutor(1) as threads:
            return threads.submit(
                lambda: asyncio.run(self.convert(objects, api_version))).result()

    def _review(self, objects: Sequence[Object], api_version: str) -> Object:
        return {"kind": "ConversionReview", "apiVersion": f"apiextensions.k8s.io/{self._version}",
                "request": {"uid": new_uid(self._chance), "desiredAPIVersion": api_version,
                            "objects": list(objects)}}

    @staticmethod
    def _failed(obj: Object, error: Exception) -> Unknown:
        group, version = parse_api_version(obj["apiVersion"])
        return Unknown(f"conversion webhook for {group}/{version}, Kind={obj['kind']} failed: "
                       f"{error}")


def _converted(review: Object, body: bytes, objects: Sequence[Object],
               api_version: str) -> list[Object]:
    response = (orjson.loads(body) or {}).get("response")
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
