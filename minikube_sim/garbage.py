"""How often Python looks for garbage while a cluster works."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_THRESHOLD: Final = 500_000
_MANY: Final = 20_000
"""So many new objects are more than one look at all of them is worth."""


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Let Python look less often meanwhile; afterwards all is as it was.

    Controllers and store make many objects that stay, and hardly any cycles: of a scale-up to
    10,000 Pods an eighth went into looking. What is new and much goes straight to the old objects,
    which Python looks through when a quarter more have come.
    """
    before = gc.get_threshold()
    if not before[0]:  # its user has switched it off
        yield
        return
    gc.set_threshold(max(_THRESHOLD, before[0]), *before[1:])
    try:
        yield
    finally:
        if gc.get_count()[0] > _MANY and not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
        gc.set_threshold(*before)
