"""RFC 6902, with the ways of evanphx/json-patch."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.machinery.errors import BadRequest, Invalid, RequestEntityTooLarge
from apiserver.patch.json import apply, parse

DOCUMENT = {"a": 1, "list": [1, 2, 3], "deep": {"x/y": {"~": "v"}}}


def op(kind: str, path: str, **more: Any) -> dict[str, Any]:
    return {"op": kind, "path": path, **more}


@pytest.mark.parametrize(("operation", "path", "expected"), [
    (op("add", "/b", value=2), "b", 2),
    (op("add", "/list/-", value=4), "list", [1, 2, 3, 4]),
    (op("add", "/list/0", value=0), "list", [0, 1, 2, 3]),
    (op("add", "/list/3", value=4), "list", [1, 2, 3, 4]),
    (op("add", "/list/-1", value=9), "list", [1, 2, 3, 9]),
    (op("remove", "/list/1"), "list", [1, 3]),
    (op("remove", "/deep/x~1y/~0"), "deep", {"x/y": {}}),
    (op("replace", "/absent", value=1), "absent", 1),
    (op("replace", "/list/0", value="x"), "list", ["x", 2, 3]),
    (op("move", "/b", **{"from": "/a"}), "b", 1),
    (op("copy", "/b", **{"from": "/list"}), "b", [1, 2, 3]),
    (op("copy", "/b", **{"from": "/absent"}), "b", None),
    (op("test", "/a", value=1), "a", 1),
    (op("test", "/absent", value=None), "a", 1),
])
def test_an_operation_applies(operation: dict[str, Any], path: str, expected: Any) -> None:
    assert apply(DOCUMENT, [operation])[path] == expected


@pytest.mark.parametrize("operation", [
    op("test", "/a", value=2), op("test", "/a", value=True), op("remove", "/absent"),
    op("add", "/absent/deep", value=1), op("add", "/a/b", value=1), op("remove", "/list/7"),
    op("add", "/list/5", value=1), op("add", "/list/x", value=1), op("frobnicate", "/a"),
    op("replace", "/list/3", value=1), op("add", "", value={}), {"op": "add"},
    op("move", "/b", **{"from": "/absent/x"}),
])
def test_a_failing_operation_has_one_answer_and_changes_nothing(operation: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as error:
        apply(DOCUMENT, [op("add", "/before", value=1), operation])
    assert error.value.message == (
        "the server rejected our request due to an error in our request")
    assert "before" not in DOCUMENT


@pytest.mark.parametrize(("body", "message"), [
    ("{}", "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"),
    ("[1]", "json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"),
    ('[{"op":5}]', "json: cannot unmarshal number into Go struct field jsonPatchOp.op of type "
     "string"),
    ("not json", "invalid character 'o' in literal null (expecting 'u')"),
])
def test_a_body_that_is_no_patch_is_refused(body: str, message: str) -> None:
    with pytest.raises(BadRequest) as error:
        parse(body.encode())
    assert error.value.message == f"error decoding patch: {message}"


def test_the_number_of_operations_is_limited() -> None:
    with pytest.raises(RequestEntityTooLarge, match="is 10000, got 10001"):
        parse(json.dumps([op("test", "/a")] * 10001).encode())


@given(st.dictionaries(st.text(), st.integers()), st.text(), st.integers())
def test_what_is_added_can_be_removed(document: dict[str, int], key: str, value: int) -> None:
    path = "/" + key.replace("~", "~0").replace("/", "~1")
    added = apply(document, [op("add", path, value=value), op("test", path, value=value)])
    assert added == {**document, key: value}
    assert key not in apply(added, [op("remove", path)])
