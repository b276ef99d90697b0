"""/metrics and /metrics/slis. prometheus-client writes the text; it is loaded when first asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from apiserver.handlers.answer import Answer
from apiserver.metrics.families import families, slis

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from apiserver.handlers.request import Request
    from apiserver.metrics.families import Sources
    from apiserver.metrics.family import Family

_ENCODINGS: Final = b"accept"
_TEXT: Final = "text/plain"


def pages(sources: Sources) -> dict[str, Callable[[Request], Awaitable[Answer]]]:
    """Both pages, by path."""
    async def metrics(request: Request) -> Answer:
        return _written(request, await families(sources), process=True)

    async def levels(request: Request) -> Answer:
        return _written(request, slis(sources), process=False)

    return {"/metrics": metrics, "/metrics/slis": levels}


def _written(request: Request, found: Iterable[Family], *, process: bool) -> Answer:
    body, media_type = written(found, request.header(_ENCODINGS), process=process)
    return Answer(body, media_type=media_type)


def written(found: Iterable[Family], accept: str = "", *,
            process: bool = False) -> tuple[bytes, str]:
    """The text of metrics and its media type. `process`: with those of this process."""
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.exposition import choose_encoder

    found = list(found)
    registry = CollectorRegistry()
    registry.register(_Families(found))
    if process:
        ProcessCollector(registry=registry)
    encode, media_type = choose_encoder(accept)
    body: bytes = encode(registry)
    return (_own_names(body, found) if media_type.startswith(_TEXT) else body), media_type


def _own_names(body: bytes, found: Iterable[Family]) -> bytes:
    """Counters are called what upstream calls them, which is not always `_total`; OpenMetrics wants
    that, and so prometheus-client adds it."""
    names = [family.name for family in found
             if family.kind == "counter" and not family.name.endswith("_total")]
    if not names:
        return body
    return re.sub(rf"(?m)^(# HELP |# TYPE |)({'|'.join(names)})_total\b".encode(), rb"\1\2", body)


class _Families:
    """What we counted, as prometheus-client collects it."""

    def __init__(self, found: Iterable[Family]) -> None:
        self._found = found

    def describe(self) -> Iterable[Any]:
        """Nothing: names are known only when there are values."""
        return ()

    def collect(self) -> Iterable[Any]:
        """Each family as a Metric."""
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        for family in self._found:
            text = f"[{family.stability}] {family.help}"
            made: Any
            if family.kind == "histogram":
                made = HistogramMetricFamily(family.name, text, labels=family.labels)
                for values, found in family.samples:
                    made.add_metric(values, _buckets(found), found.total)
            else:
                kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
                made = kind(family.name, text, labels=family.labels)
                for values, number in family.samples:
                    made.add_metric(values, number, timestamp=family.at)
            yield made


def _buckets(histogram: Any) -> list[tuple[str, float]]:
    """Cumulative counts, by the text of their bound."""
    found, sum_ = [], 0
    for bound, count in zip((*histogram.bounds, "+Inf"), histogram.counts, strict=True):
        sum_ += count
        found.append((f"{bound:g}" if bound != "+Inf" else "+Inf", float(sum_)))
    return found
