"""Resource quantities such as `500m`, `1Gi` and `1e3`. Models apimachinery/pkg/api/resource.

A quantity is a number of nano-units and the form it was written in; it is shown in canonical form,
as the API server does (`1000m` as `1`, `1024Mi` as `1Gi`, `0.5` as `500m`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

Format = Literal["DecimalSI", "BinarySI", "DecimalExponent"]

NANO: Final = 10**9
"""Nano-units in one unit: the finest step there is."""
_MAX: Final = (2**63 - 1) * NANO
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15,
                   "E": 18}
_BINARY_BY_POWER: Final = {power // 10: suffix for suffix, power in _BINARY.items()} | {0: ""}
_DECIMAL_BY_EXPONENT: Final = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_FORM: Final = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?"
    r"(?P<suffix>[eEinumkKMGTP]*[-+]?[0-9]*)")
WRONG_FORMAT: Final = ("quantities must match the regular expression "
                       "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
WRONG_SUFFIX: Final = "unable to parse quantity's suffix"


class QuantityError(ValueError):
    """A text that is no quantity, in Kubernetes' words."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount in nano-units and how to write it."""

    nano: int
    format: Format = "DecimalSI"

    @property
    def value(self) -> int:
        """Whole units, rounded up (Value)."""
        return _ceil(self.nano, NANO)

    @property
    def milli(self) -> int:
        """Thousandths, rounded up (MilliValue)."""
        return _ceil(self.nano, NANO // 1000)

    @property
    def is_zero(self) -> bool:
        """Whether it is nothing."""
        return self.nano == 0

    def __str__(self) -> str:
        if not self.nano:
            return "0"
        if self.format == "BinarySI" and abs(self.nano) >= 1024 * NANO and not self.nano % NANO:
            return _binary_text(self.nano)
        number, exponent = _thousands(self.nano)
        if self.format == "DecimalExponent":
            return f"{number}e{exponent}" if exponent else str(number)
        while exponent > 18:
            number, exponent = number * 1000, exponent - 3
        return f"{number}{_DECIMAL_BY_EXPONENT[exponent]}"

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.nano + other.nano, _sum_format(self, other))

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.nano - other.nano, _sum_format(self, other))

    def __neg__(self) -> Quantity:
        return Quantity(-self.nano, self.format)

    def __lt__(self, other: Quantity) -> bool:
        return self.nano < other.nano

    def __le__(self, other: Quantity) -> bool:
        return self.nano <= other.nano

    def __gt__(self, other: Quantity) -> bool:
        return self.nano > other.nano

    def __ge__(self, other: Quantity) -> bool:
        return self.nano >= other.nano


ZERO: Final = Quantity(0)


def _sum_format(a: Quantity, b: Quantity) -> Format:
    return b.format if a.is_zero else a.format


def _ceil(number: int, unit: int) -> int:
    return -(-number // unit)


def _binary_text(nano: int) -> str:
    number, power = nano // NANO, 0
    while number % 1024 == 0 and power < 6:
        number, power = number // 1024, power + 1
    return f"{number}{_BINARY_BY_POWER[power]}"


def _thousands(nano: int) -> tuple[int, int]:
    number, exponent = nano, -9
    while number % 1000 == 0:
        number, exponent = number // 1000, exponent + 3
    return number, exponent


@lru_cache(maxsize=8192)
def parse_quantity(text: str) -> Quantity:
    """The quantity that `text` means. Raises QuantityError."""
    match = _FORM.fullmatch(text)
    if match is None or text in ("", "+", "-"):
        raise QuantityError(WRONG_FORMAT)
    digits = f"{match['whole']}{match['part'] or ''}" or "0"
    format_, base, power = _suffix(match["suffix"])
    scale = len(match["part"] or "")
    numerator = int(digits) * NANO * base ** max(power, 0)
    denominator = 10**scale * base ** max(-power, 0)
    nano = min(_ceil(numerator, denominator), _MAX)
    return Quantity(-nano if match["sign"] == "-" else nano, format_)


def _suffix(suffix: str) -> tuple[Format, int, int]:
    if suffix in _DECIMAL:
        return "DecimalSI", 10, _DECIMAL[suffix]
    if suffix in _BINARY:
        return "BinarySI", 2, _BINARY[suffix]
    if suffix[:1] in ("e", "E") and re.fullmatch("[-+]?[0-9]+", suffix[1:]):
        return "DecimalExponent", 10, max(-64, min(int(suffix[1:]), 64))
    raise QuantityError(WRONG_SUFFIX)


def canonical(value: str | int | float) -> str:
    """The canonical text of what JSON has. Raises QuantityError."""
    return str(parse_quantity(str(value).strip()))
