"""Request bodies: JSON and YAML as Go reads them, kinds and versions, what is said of bad ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.machinery.errors import BadRequest
from apiserver.machinery.gvk import GVK
from apiserver.schema.json_body import parse_json
from apiserver.schema.json_syntax import JSONSyntaxError, explain
from apiserver.schema.request_body import decode_body
from apiserver.schema.schema import schema_for
from apiserver.schema.yaml_body import YAMLSyntaxError, parse_yaml

CONFIGMAP = GVK("", "v1", "ConfigMap")
UNRECOGNIZED = ("the object provided is unrecognized (must be of type ConfigMap): couldn't get "
                "version/kind; json parse error: ")


@pytest.mark.parametrize(("text", "message"), [
    ("", "unexpected end of JSON input"),
    ('{"a": ', "unexpected end of JSON input"),
    ("not json", "invalid character 'o' in literal null (expecting 'u')"),
    ("{bad", "invalid character 'b' looking for beginning of object key string"),
    ('{"a":1,}', "invalid character '}' looking for beginning of object key string"),
    ("[1,]", "invalid character ']' looking for beginning of value"),
    ('{"a" 1}', "invalid character '1' after object key"),
    ('{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
    ("[1 2]", "invalid character '2' after array element"),
    ("1 2", "invalid character '2' after top-level value"),
    ('"\\x"', "invalid character 'x' in string escape code"),
    ('"\\u00g0"', "invalid character 'g' in \\u hexadecimal character escape"),
    ('"\n"', "invalid character '\\n' in string literal"),
    ("-x", "invalid character 'x' in numeric literal"),
    ("1.x", "invalid character 'x' after decimal point in numeric literal"),
    ("1ex", "invalid character 'x' in exponent of numeric literal"),
    ("01", "invalid character '1' after top-level value"),
    ("NaN", "invalid character 'N' looking for beginning of value"),
])
def test_bad_json_is_explained_in_go_s_words(text: str, message: str) -> None:
    with pytest.raises(JSONSyntaxError) as error:
        parse_json(text.encode())
    assert str(error.value) == message


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(JSONSyntaxError, match="exceeded max depth"):
        parse_json(b"[" * 20000 + b"]" * 20000)


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    assert parse_json(b'{"a":"\xff"}') == {"a": "\ufffd"}
    assert parse_json(b'{"a":"\\ud800"}') == {"a": "\ufffd"}


documents = st.recursive(st.none() | st.booleans() | st.integers(-2**63, 2**63 - 1) | st.text(),
                         lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(documents, st.sampled_from([None, 2]))
def test_json_parses_to_what_was_written(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent).encode()
    assert explain(text) == ""
    parsed = parse_json(text)
    assert parsed == json.loads(json.dumps(value).encode().decode()) or "\\ud" in json.dumps(value)


@given(st.binary(max_size=40))
def test_explain_agrees_with_the_parser(data: bytes) -> None:
    try:
        parse_json(data)
    except JSONSyntaxError:
        assert explain(data)
    else:
        assert explain(data) == ""


@pytest.mark.parametrize(("text", "value"), [
    ("a: y", {"a": True}), ("a: off", {"a": False}), ("a: 010", {"a": 8}), ("a: 0x10", {"a": 16}),
    ("a: 1_000", {"a": 1000}), ("a: 2020-01-01", {"a": "2020-01-01"}), ('a: "y"', {"a": "y"}),
    ("a: ~", {"a": None}), ("a:", {"a": None}), ("1: x", {"1": "x"}), ("a: 1e3", {"a": 1000.0}),
    ("a: &b {c: 1}\nd: {<<: *b}", {"a": {"c": 1}, "d": {"c": 1}}),
])
def test_yaml_words_are_those_of_yaml_1_1(text: str, value: Any) -> None:
    assert parse_yaml(text.encode()) == value


def test_bad_yaml_is_explained_with_its_line() -> None:
    with pytest.raises(YAMLSyntaxError, match=r"^yaml: line 2: did not find expected key$"):
        parse_yaml(b"a:\n  b: c\n d: e")


def decode_error(body: Any, media_type: str = "application/json",
                 expected: GVK = CONFIGMAP) -> str:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(BadRequest) as error:
        decode_body(schema_for("1.36"), expected, data, media_type)
    return error.value.message


@pytest.mark.verified(source="truth/api/errors")
@pytest.mark.parametrize(("body", "message"), [
    (b'{"apiVersion": "v1", ', f'{UNRECOGNIZED}unexpected end of JSON input '
     '({"apiVersion": "v1", )'),
    (b"not json", f"{UNRECOGNIZED}invalid character 'o' in literal null (expecting 'u') "
     "(6e6f74206a736f6e)"),
    (b"", f"{UNRECOGNIZED}unexpected end of JSON input (<empty>)"),
    ({"apiVersion": "v1", "kind": "Secret"}, 'Secret in version "v1" cannot be handled as a '
     "ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion"),
    ({"apiVersion": "v1", "kind": "NoSuch"}, 'NoSuch in version "v1" cannot be handled as a '
     'ConfigMap: no kind "NoSuch" is registered for version "v1" in scheme '
     '"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"'),
    ({"apiVersion": "v1", "kind": "List", "items": []}, 'List in version "v1" cannot be handled as '
     "a ConfigMap: converting (v1.List) to (core.ConfigMap): unknown conversion"),
])
def test_a_body_that_is_not_the_kind_is_refused(body: Any, message: str) -> None:
    assert decode_error(body) == message


@pytest.mark.verified(source="truth/api/errors")
def test_an_old_version_of_the_kind_does_not_match() -> None:
    body = {"apiVersion": "extensions/v1beta1", "kind": "ReplicaSet"}
    assert decode_error(body, expected=GVK("apps", "v1", "ReplicaSet")) == (
        "the API version in the data (extensions/v1beta1) does not match the expected API version "
        "(apps/v1)")


@pytest.mark.parametrize("body", [b"null", b"{}", b'{"kind":"ConfigMap"}'])
def test_kind_and_version_are_filled_in_from_the_url(body: bytes) -> None:
    decoded = decode_body(schema_for(), CONFIGMAP, body, "application/json").object
    assert (decoded["apiVersion"], decoded["kind"]) == ("v1", "ConfigMap")
