"""A debug switch that finds who changes shared objects. Models client-go's MutationDetector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from apiserver.storage.store import Version


class SharedObjectMutated(AssertionError):
    """Somebody changed an object that the store shares with all its readers."""


class MutationDetector:
    """Remembers every version as it was written and compares when it is read."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, int], bytes] = {}

    def remember(self, version: Version) -> None:
        """Keep how a version that was just written looks."""
        self._written[version.key, version.revision] = version.encode()

    def forget(self, version: Version) -> None:
        """A version left the history."""
        self._written.pop((version.key, version.revision), None)

    def check(self, version: Version) -> None:
        """Raises SharedObjectMutated when the version is not as it was written."""
        written = self._written.get((version.key, version.revision))
        actual = orjson.dumps(version.value)
        if written is not None and written != actual:
            raise SharedObjectMutated(
                f"{version} was mutated in place\n written: {written!r}\n  actual: {actual!r}")
