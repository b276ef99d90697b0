"""Field selectors: terms, escapes and errors."""

from __future__ import annotations

import pytest

from apiserver.machinery.fields import parse_field_selector
from apiserver.machinery.selectors import SelectorError

FIELDS = {"metadata.name": "a", "status.phase": "Running"}


@pytest.mark.parametrize(("text", "expected"), [
    ("", True), ("metadata.name=a", True), ("metadata.name==a", True), ("metadata.name!=a", False),
    ("metadata.name=a,status.phase!=Failed", True), ("spec.nodeName=", True),
    ("metadata.name=a,metadata.name=b", False), (",metadata.name=a,", True),
])
def test_field_selector_matches(text: str, expected: bool) -> None:
    assert parse_field_selector(text).matches(FIELDS) is expected


def test_escaped_separators_are_part_of_the_value() -> None:
    (term,) = parse_field_selector(r"metadata.name=a\,b\=c\\d").requirements
    assert term.value == r"a,b=c\d"
    assert parse_field_selector(str(term)).requirements == (term,)


@pytest.mark.verified(source="truth/api/errors, selectors")
@pytest.mark.parametrize("text", ["garbage", "status.phase in (Running)"])
def test_what_is_no_term_is_refused(text: str) -> None:
    with pytest.raises(SelectorError) as caught:
        parse_field_selector(text)
    assert str(caught.value) == f"invalid selector: '{text}'; can't understand '{text}'"


@pytest.mark.parametrize("text", [r"a=b\x", "a=b=c", "a=b\\"])
def test_bad_escapes_are_refused(text: str) -> None:
    with pytest.raises(SelectorError, match="invalid field selector"):
        parse_field_selector(text)
