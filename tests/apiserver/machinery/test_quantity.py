"""Amounts of resources: their arithmetic and their one canonical form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.machinery.quantity import ZERO, QuantityError, canonical, parse_quantity

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "e3", "E2"]
TEXTS = st.builds(lambda sign, whole, part, suffix: f"{sign}{whole}{part}{suffix}",
                  st.sampled_from(["", "-", "+"]), st.integers(0, 10**9),
                  st.sampled_from(["", ".5", ".25", ".001"]), st.sampled_from(SUFFIXES))


@pytest.mark.parametrize(("text", "shown"), [
    ("1", "1"), ("1000m", "1"), ("100m", "100m"), ("0.1", "100m"), ("1.5", "1500m"),
    ("1000", "1k"), ("1024", "1024"), ("1024Ki", "1Mi"), ("1.5Gi", "1536Mi"), ("0", "0"),
    ("1e3", "1e3"), ("1E3", "1e3"), ("12e6", "12e6"), ("500Mi", "500Mi"), ("-1", "-1"),
    ("0.5Ki", "512"), ("1n", "1n"), ("0.1n", "1n"), ("0.001Mi", "1048576m"), ("m", "0"),
    ("2000000", "2M"), ("+5", "5"),
])
def test_canonical_form(text: str, shown: str) -> None:
    assert canonical(text) == shown


@pytest.mark.parametrize("text", ["", "a", "1x", "1 ", "--1", "1.2.3", "1KB", "0x1", "1e"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(QuantityError):
        parse_quantity(text)


@given(TEXTS)
def test_canonical_form_is_stable_and_keeps_the_amount(text: str) -> None:
    amount = parse_quantity(text)
    again = parse_quantity(str(amount))
    assert again.nano == amount.nano
    assert str(again) == str(amount)


@given(TEXTS, TEXTS)
def test_addition_is_as_of_numbers(a: str, b: str) -> None:
    x, y = parse_quantity(a), parse_quantity(b)
    assert (x + y).nano == (y + x).nano == x.nano + y.nano
    assert ((x + y) - y).nano == x.nano
    assert (x + ZERO).nano == x.nano


@given(TEXTS, TEXTS)
def test_order_is_that_of_numbers(a: str, b: str) -> None:
    x, y = parse_quantity(a), parse_quantity(b)
    assert (x < y) == (x.nano < y.nano)
    assert (x >= y) == (not x < y)


@given(TEXTS)
def test_rounding_goes_up(text: str) -> None:
    amount = parse_quantity(text)
    assert amount.milli * 10**6 >= amount.nano > (amount.milli - 1) * 10**6
    assert amount.value * 10**9 >= amount.nano > (amount.value - 1) * 10**9
