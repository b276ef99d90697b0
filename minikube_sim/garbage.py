"""How often Python looks for garbage while a cluster works."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_THRESHOLD: Final = 500_000
_MANY: Final = 200_000
"""So many new objects (1,500 Pods) are more than a look at each is worth. What less makes is looked
through as ever: nobody counts what goes to the old objects this way, so clusters that come and go
would pile up."""


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
