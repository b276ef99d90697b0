"""/metrics in Prometheus' text form, with kube-apiserver's names for what we count."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from apiserver.handlers.answer import Answer
from apiserver.storage.keys import collection_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from apiserver.handlers.request import Request
    from apiserver.registry.registry import Registry
    from apiserver.request_info import RequestInfo

_MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What a server counts."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._requests: Counter[tuple[str, str, str, str, str, int]] = Counter()

    def count(self, info: RequestInfo, code: int) -> None:
        """One answered resource request."""
        self._requests[info.verb.upper(), info.group, info.version, info.resource,
                       info.subresource, code] += 1

    async def page(self, request: Request) -> Answer:
        """The answer of /metrics."""
        lines = [*self._request_lines(), *await self._object_lines()]
        return Answer("\n".join([*lines, ""]).encode(), media_type=_MEDIA_TYPE)

    def _request_lines(self) -> Iterator[str]:
        yield from _head("apiserver_request_total", "counter",
                         "Counter of apiserver requests broken out for each verb, group, version,"
                         " resource, subresource and HTTP response code.")
        for key, number in sorted(self._requests.items()):
            verb, group, version, resource, subresource, code = key
            yield (f'apiserver_request_total{{code="{code}",group="{group}",resource="{resource}",'
                   f'subresource="{subresource}",verb="{verb}",version="{version}"}} {number}')

    async def _object_lines(self) -> list[str]:
        lines = [*_head("apiserver_storage_objects", "gauge",
                        "Number of stored objects at the time of last check split by kind.")]
        for resource in self._registry.catalog:
            if "list" in resource.verbs and resource.shared is None:
                page = await self._registry.store.list(collection_prefix(resource))
                name = resource.gvr.group_resource
                lines.append(f'apiserver_storage_objects{{resource="{name}"}}'
                             f" {len(page.versions)}")
        return lines


def _head(name: str, kind: str, text: str) -> Iterable[str]:
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"
