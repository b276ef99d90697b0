"""Pods of one template are checked once.

They differ in their names, and in that of the volume that admission gives them for their token:
what was in order for one is so for the others. Only Pods without any error or warning are known.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson

from apiserver.machinery.json_bytes import exact
from apiserver.patch.memory import Memory

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_TOKEN_VOLUME: Final = re.compile(rb'"kube-api-access-[a-z0-9]{5}"')
_NUMBERED: Final = b'"kube-api-access-#'
_GOOD: Final[Memory[bytes, bool]] = Memory(128)


def knows(pod: Object) -> bool:
    """Whether a Pod like this one was found without errors and warnings."""
    text = _likeness(pod)
    return text is not None and _GOOD.get(text) is not None


def note(pod: Object) -> None:
    """This one was."""
    text = _likeness(pod)
    if text is not None:
        _GOOD.put(exact(text), True)


def _likeness(pod: Object) -> bytes | None:
    """All that is looked at, the names of token volumes numbered; None where the Pod's own name
    counts (for the claims of ephemeral volumes)."""
    spec = pod["spec"]
    text = orjson.dumps((spec, pod["metadata"].get("annotations")))
    if _NUMBERED in text or any("ephemeral" in volume for volume in spec.get("volumes") or ()):
        return None
    numbers: dict[bytes, int] = {}
    return _TOKEN_VOLUME.sub(
        lambda found: b'%b%d"' % (_NUMBERED, numbers.setdefault(found.group(), len(numbers))), text)
