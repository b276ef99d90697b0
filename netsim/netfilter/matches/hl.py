"""`-m hl`: the hop limit of IPv6. Models xt_hl's hl match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from netsim.netfilter.hoplimit import HopMatch, comparison_options

if TYPE_CHECKING:
    from netsim.netfilter.extension import Option


@dataclass(frozen=True, slots=True)
class HopLimit(HopMatch):
    """Equal, not equal, less or greater."""

    name: ClassVar[str] = "hl"
    families: ClassVar[tuple[int, ...]] = (6,)
    options: ClassVar[tuple[Option, ...]] = comparison_options("hl")
    incomplete: ClassVar[str] = (
        "HL match: You must specify one of `--hl-eq', `--hl-lt', `--hl-gt'"
    )
