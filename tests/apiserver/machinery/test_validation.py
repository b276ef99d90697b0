"""Complaints about fields, in the words of Kubernetes."""

from __future__ import annotations

import pytest

from apiserver.machinery import validation
from apiserver.machinery.validation import Path, go_quote, go_value, same


def test_paths_name_fields() -> None:
    path = Path("spec").child("containers").at(0).child("resources", "limits").key("cpu")
    assert path == "spec.containers[0].resources.limits[cpu]"
    assert Path("").child("metadata") == "metadata"


@pytest.mark.parametrize(("error", "text"), [
    (validation.required(Path("a")), "a: Required value"),
    (validation.required(Path("a"), "why"), "a: Required value: why"),
    (validation.invalid("a", "x", "bad"), 'a: Invalid value: "x": bad'),
    (validation.invalid("a", 3, "bad"), "a: Invalid value: 3: bad"),
    (validation.invalid("a", None, "bad"), "a: Invalid value: null: bad"),
    (validation.invalid("a", {"b": ["c"]}, "bad"), 'a: Invalid value: {"b":["c"]}: bad'),
    (validation.not_supported("a", "x", ["B", "C"]),
     'a: Unsupported value: "x": supported values: "B", "C"'),
    (validation.duplicate("a", "x"), 'a: Duplicate value: "x"'),
    (validation.forbidden("a", "no"), "a: Forbidden: no"),
    (validation.too_long("a", 5), "a: Too long: may not be more than 5 bytes"),
    (validation.too_many("a", 3, 2), "a: Too many: 3: must have at most 2 items"),
    (validation.not_found("a", "x"), 'a: Not found: "x"'),
    (validation.internal("a", "oops"), "a: Internal error: oops"),
])
def test_texts(error: validation.FieldError, text: str) -> None:
    assert str(error) == text
    assert error.cause()["field"] == "a"
    assert f"a: {error.cause()['message']}" == text


def test_strings_are_quoted_as_by_go() -> None:
    assert go_quote('a"b\\\n\x01é') == '"a\\"b\\\\\\n\\x01é"'
    assert go_value({"a": "<&>"}) == '{"a":"\\u003c\\u0026\\u003e"}'


def test_nothing_is_the_same_as_empty() -> None:
    assert same({"a": None, "b": {}}, {"c": []})
    assert same([{"a": 1}], [{"a": 1, "b": None}])
    assert not same({"a": 0}, {})
    assert not same([1, 2], [2, 1])


def test_internal_structs_show_every_field() -> None:
    shown = validation.internal_struct({"kind": "Role", "apiGroup": "g"},
                                       ("APIGroup:apiGroup", ""), ("Kind", ""), ("Name", ""))
    assert shown == {"APIGroup": "g", "Kind": "Role", "Name": ""}
    assert validation.internal_struct(None, "A") is None
