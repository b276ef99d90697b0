"""ACCEPT, DROP and RETURN: the targets that the walk itself knows. Models xt_standard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.extension import Target, Walk
from netsim.netfilter.hooks import Verdict

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given


@dataclass(frozen=True, slots=True)
class Accept(Target):
    """The packet passes this table at this hook."""

    name: ClassVar[str] = "ACCEPT"
    constant: ClassVar[Verdict | Walk | None] = Verdict.ACCEPT

    @classmethod
    def parse(cls, given: Given) -> Self:
        """No options."""
        return cls()

    def act(self, context: Context) -> Verdict | Walk | None:
        """ACCEPT."""
        return Verdict.ACCEPT


@dataclass(frozen=True, slots=True)
class Drop(Target):
    """The packet is gone."""

    name: ClassVar[str] = "DROP"
    constant: ClassVar[Verdict | Walk | None] = Verdict.DROP

    @classmethod
    def parse(cls, given: Given) -> Self:
        """No options."""
        return cls()

    def act(self, context: Context) -> Verdict | Walk | None:
        """DROP."""
        return Verdict.DROP


@dataclass(frozen=True, slots=True)
class Return(Target):
    """Back to the calling chain."""

    name: ClassVar[str] = "RETURN"
    constant: ClassVar[Verdict | Walk | None] = Walk.RETURN

    @classmethod
    def parse(cls, given: Given) -> Self:
        """No options."""
        return cls()

    def act(self, context: Context) -> Verdict | Walk | None:
        """RETURN."""
        return Walk.RETURN
