"""`-m ttl`: the time to live. Models xt_hl's ttl match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from netsim.netfilter.hoplimit import HopMatch, comparison_options

if TYPE_CHECKING:
    from netsim.netfilter.extension import Option


@dataclass(frozen=True, slots=True)
class Ttl(HopMatch):
    """Equal, not equal, less or greater."""

    name: ClassVar[str] = "ttl"
    families: ClassVar[tuple[int, ...]] = (4,)
    options: ClassVar[tuple[Option, ...]] = comparison_options("ttl")
    incomplete: ClassVar[str] = (
        "TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt"
    )
