"""Label selectors: what they match and how Kubernetes words their errors."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.machinery.selectors import (
    EVERYTHING,
    NOTHING,
    SelectorError,
    from_label_selector,
    from_labels,
    parse_selector,
)

LABELS = {"env": "prod", "tier": "web", "n": "10", "empty": ""}


@pytest.mark.parametrize("text", [
    "", " ", "env=prod", "env==prod", "env!=dev", "absent!=x", "env in (prod,dev)",
    "env notin (dev)", "absent notin (a,b)", "tier", "!absent", "n>5", "n<11", "empty=",
    "empty in ()", "env = prod , tier in ( web )", "in notin (x)",
])
def test_selector_matches(text: str) -> None:
    assert parse_selector(text).matches(LABELS)


@pytest.mark.parametrize("text", [
    "env=dev", "env!=prod", "env in (dev,qa)", "env notin (prod)", "absent", "!tier", "n>10",
    "n<10", "env>5", "absent>1", "env=prod,tier=db",
])
def test_selector_does_not_match(text: str) -> None:
    assert not parse_selector(text).matches(LABELS)


@pytest.mark.verified(source="truth/api/selectors, errors")
@pytest.mark.parametrize(("text", "message"), [
    ("a==b==c", "found '==', expected: ',' or 'end of string'"),
    ("=", "found '=', expected: !, identifier, or 'end of string'"),
    ("env in prod", "unable to parse requirement: found 'prod' expected: '('"),
    ("n>x", 'unable to parse requirement: values[0]: Invalid value: "x": for \'Gt\', \'Lt\''
            " operators, the value must be an integer"),
    ("bad key=x", "unable to parse requirement: found 'key', expected: in, notin, =, ==, !=,"
                  " gt, lt"),
    ("a,", "found '', expected: identifier after ','"),
    ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
])
def test_selector_error(text: str, message: str) -> None:
    with pytest.raises(SelectorError) as caught:
        parse_selector(text)
    assert str(caught.value) == message


def test_object_form_has_all_operators() -> None:
    selector = from_label_selector({"matchLabels": {"tier": "web"}, "matchExpressions": [
        {"key": "env", "operator": "In", "values": ["qa", "prod"]},
        {"key": "x", "operator": "DoesNotExist"}]})
    assert selector.matches(LABELS)
    assert str(selector) == "env in (prod,qa),tier=web,!x"


def test_null_selects_nothing_and_empty_everything() -> None:
    assert from_label_selector(None) is NOTHING
    assert from_label_selector({}) == EVERYTHING
    assert not NOTHING.matches({})


NAME = st.from_regex(r"\A[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?\Z")


@given(st.dictionaries(NAME, NAME))
def test_labels_select_themselves_and_survive_their_text(labels: dict[str, str]) -> None:
    selector = from_labels(labels)
    assert selector.matches(labels)
    assert parse_selector(str(selector)) == selector


@given(st.text(max_size=30))
def test_any_text_parses_or_is_refused(text: str) -> None:
    with suppress(SelectorError):
        assert str(parse_selector(str(parse_selector(text)))) == str(parse_selector(text))
