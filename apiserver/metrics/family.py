"""One metric, as /metrics writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Family(NamedTuple):
    """One metric: its samples are label values with a number (or a Histogram)."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    stability: Literal["STABLE", "BETA", "ALPHA"]
    help: str
    labels: Sequence[str]
    samples: Iterable[tuple[Sequence[str], Any]]
    at: float | None = None
    """When that was so (seconds since 1970), for what says it."""


MoreFamilies = Callable[[], Iterable[Family]]
"""What others in the process have for /metrics."""


def no_more() -> Iterable[Family]:
    """Nobody else has anything."""
    return ()
