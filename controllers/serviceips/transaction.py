"""What one write to a Service takes and gives up. Models service/storage/transaction.go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from apiserver.machinery.errors import InternalError

if TYPE_CHECKING:
    from apiserver.machinery.validation import FieldError
    from controllers.serviceips.ranges import AddressPool, RangeFull, ValueRange

    Values = ValueRange | AddressPool

DRY_RUN_PORT: Final = 32769
"""The dummy node port that a dry run shows; further ones count up (portallocator/operation.go)."""


@dataclass(slots=True)
class ServiceAllocation:
    """Satisfies `apiserver.allocation.Allocation`."""

    dry_run: bool
    errors: list[FieldError] = field(default_factory=list)
    _taken: list[tuple[Values, int]] = field(default_factory=list)
    _given_up: list[tuple[Values, int]] = field(default_factory=list)
    _dummies: list[int] = field(default_factory=list)

    def commit(self) -> None:
        """The write is stored: what the old object held and the new one lacks is free."""
        for values, value in self._given_up:
            values.release(value)

    def rollback(self) -> None:
        """As if the write had never begun."""
        for values, value in self._taken:
            values.release(value)
        self._taken.clear()

    def take(self, values: Values, value: int) -> bool:
        """Hold a requested value of the range; False when it is held already."""
        if not values.take(value):
            return False
        self._taken.append((values, value))
        return True

    def take_next(self, values: Values) -> int:
        """Hold any free value of the range. Raises RangeFull."""
        value = values.take_next()
        self._taken.append((values, value))
        return value

    def give_up(self, values: Values, value: int) -> None:
        """Free the value once the write is stored."""
        self._given_up.append((values, value))

    def take_port(self, ports: ValueRange, port: int) -> str:
        """Hold a requested port; what is wrong with it, or ''."""
        if port not in ports:
            return ("provided port is not in the valid range. "
                    f"The range of valid ports is {ports.first}-{ports.last}")
        taken = self._take_dummy(ports, port) if self.dry_run else self.take(ports, port)
        return "" if taken else "provided port is already allocated"

    def next_port(self, ports: ValueRange) -> int:
        """Hold any free port. Raises RangeFull; a dry run only shows a number."""
        if not self.dry_run:
            return self.take_next(ports)
        port = max(self._dummies, default=DRY_RUN_PORT - 1) + 1
        self._dummies.append(port)
        return port

    def _take_dummy(self, ports: ValueRange, port: int) -> bool:
        if ports.holds(port) or port in self._dummies:
            return False
        self._dummies.append(port)
        return True


def no_value_left(what: str, error: RangeFull | str) -> InternalError:
    """The 500 that upstream answers when there is nothing left to give out."""
    text = f"failed to allocate {what}: {error}"
    return InternalError(f"Internal error occurred: {text}",
                         details={"causes": [{"message": text}]})
