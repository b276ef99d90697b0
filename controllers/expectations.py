"""What a controller has asked for and not yet seen in its cache. Models ControllerExpectations and
UIDTrackingControllerExpectations of pkg/controller/controller_utils.go.

Over HTTP a cache lags behind the controller's own writes: until they have been seen, another look
at the cache would create or delete too much.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apiserver.machinery.clock import Clock

TIMEOUT: Final = 300.0
"""Seconds after which an unmet expectation no longer counts."""


@dataclass(slots=True)
class _Expected:
    since: float
    creations: int = 0
    deletions: set[str] = field(default_factory=set)


class Expectations:
    """By key: creations still to be seen (counted) and deletions (by key of the object)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._expected: dict[str, _Expected] = {}

    def satisfied(self, key: str) -> bool:
        """Whether everything asked for has been seen, or waiting has gone on too long."""
        expected = self._expected.get(key)
        if expected is None or (expected.creations <= 0 and not expected.deletions):
            return True
        return self._clock.now() - expected.since > TIMEOUT

    def expect_creations(self, key: str, count: int) -> None:
        """`count` objects are about to be created."""
        self._expected[key] = _Expected(self._clock.now(), creations=count)

    def expect_deletions(self, key: str, objects: Iterable[str]) -> None:
        """These objects (by key) are about to be deleted."""
        self._expected[key] = _Expected(self._clock.now(), deletions=set(objects))

    def creation_observed(self, key: str) -> None:
        """One was seen (or could not be created)."""
        if (expected := self._expected.get(key)) is not None:
            expected.creations -= 1

    def deletion_observed(self, key: str, obj: str) -> None:
        """It was seen to go (or could not be deleted)."""
        if (expected := self._expected.get(key)) is not None:
            expected.deletions.discard(obj)

    def forget(self, key: str) -> None:
        """The key is gone."""
        self._expected.pop(key, None)
