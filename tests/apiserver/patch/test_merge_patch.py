"""RFC 7386: its own examples, and laws."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.machinery.errors import BadRequest
from apiserver.patch.merge import apply, parse


@pytest.mark.verified(source="RFC 7386, appendix A")
@pytest.mark.parametrize(("document", "patch", "expected"), [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
])
def test_examples_of_the_rfc(document: Any, patch: Any, expected: Any) -> None:
    assert apply(document, patch) == expected


@pytest.mark.parametrize(("body", "message"), [
    ("[]", "json: cannot unmarshal array into Go value of type map[string]interface {}"),
    ("{bad", "invalid character 'b' looking for beginning of object key string"),
    ("", "unexpected end of JSON input"),
])
def test_a_body_that_is_no_object_is_refused(body: str, message: str) -> None:
    with pytest.raises(BadRequest) as error:
        parse(body.encode())
    assert error.value.message == f"error decoding patch: {message}"


objects = st.dictionaries(st.sampled_from("abc"), st.recursive(
    st.none() | st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner)))


@given(objects, objects)
def test_a_patch_applied_twice_changes_nothing_more(document: Any, patch: Any) -> None:
    once = apply(document, patch)
    assert apply(once, patch) == once
