"""`-m connmark`: the connection's mark under a mask. Models xt_connmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.extension import ALL_ONES, Match, Option

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given


@dataclass(frozen=True, slots=True)
class ConnMark(Match):
    """`mark of the connection & mask == value`; false for packets without a connection."""

    name: ClassVar[str] = "connmark"
    options: ClassVar[tuple[Option, ...]] = (Option("--mark", required=True, invertible=True),)

    value: int
    mask: int = ALL_ONES
    inverted: bool = False

    @classmethod
    def parse(cls, given: Given) -> Self:
        """`value[/mask]`."""
        return cls(*given.mark("--mark"), given.inverted("--mark"))

    def _text(self) -> str:
        mask = "" if self.mask == ALL_ONES else f"/{self.mask:#x}"
        return f"{self.value:#x}{mask}"

    @property
    def pure(self) -> bool:
        """Yes."""
        return True

    def save(self) -> str:
        """In hexadecimal."""
        return f"{'! ' if self.inverted else ''}--mark {self._text()}"

    def listing(self, numeric: bool) -> str:
        """In hexadecimal."""
        return f"connmark match {'!' if self.inverted else ''} {self._text()}"

    def matches(self, context: Context) -> bool:
        """The value under the mask."""
        connection = context.connection
        if connection is None:
            return False
        return (connection.mark & self.mask == self.value) != self.inverted
