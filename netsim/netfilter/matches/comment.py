"""`-m comment`: a remark; always true. Models xt_comment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Match, Option
from netsim.netfilter.text import save_string

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given


@dataclass(frozen=True, slots=True)
class Comment(Match):
    """A remark."""

    name: ClassVar[str] = "comment"
    always: ClassVar[bool] = True
    options: ClassVar[tuple[Option, ...]] = (Option("--comment", required=True),)

    text: str

    @classmethod
    def parse(cls, given: Given) -> Self:
        """Any text of up to 255 bytes."""
        text = given.text("--comment")
        if len(text.encode()) > 255:
            raise RuleSyntaxError(
                'comment: option "--comment" must not exceed 255 characters in length\n'
            )
        return cls(text)

    @property
    def pure(self) -> bool:
        """Yes."""
        return True

    def save(self) -> str:
        """Quoted unless it is a plain word."""
        return f"--comment {save_string(self.text)}"

    def listing(self, numeric: bool) -> str:
        """In the manner of C."""
        return f"/* {self.text} */"

    def matches(self, context: Context) -> bool:
        """Always."""
        return True
