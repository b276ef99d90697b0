"""CEL rules: what they see, when they run, what they say; and Kubernetes' functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.customresources.cel.rules import RuleFailed, compile_expression
from apiserver.customresources.cel.source import translate
from apiserver.machinery.errors import Invalid
from tests.apiserver.customresources.crds import CRONTABS, crontab, fields, serving, version

if TYPE_CHECKING:
    from apiserver.machinery.types import Object
    from tests.apiserver.server import Server

INTEGER = {"type": "integer"}
SELF = {"list": [3, 1, 2], "map": {"a": {"b": 1}}, "text": "é", "size": "1Gi"}


def with_rule(schema: Object, **rule: Any) -> Object:
    return {**schema, "x-kubernetes-validations": [rule]}


def server_of(schema: Object) -> Server:
    return serving(version(spec=schema))


def refused(server: Server, **spec: Any) -> list[str]:
    with pytest.raises(Invalid) as failure:
        server.create(CRONTABS, crontab("bad", **spec))
    return [str(error) for error in failure.value.errors]


def test_a_broken_rule_says_its_message_without_the_object() -> None:
    server = server_of(with_rule(fields(low=INTEGER, high=INTEGER), rule="self.low <= self.high",
                                 message="low must not exceed high"))
    server.create(CRONTABS, crontab(low=1, high=2))
    assert refused(server, low=3, high=2) == ["spec: Invalid value: low must not exceed high"]


def test_a_scalar_is_shown_and_the_rule_is_the_message() -> None:
    server = server_of(fields(x=with_rule({"type": "string"}, rule="self.startsWith('x')")))
    assert refused(server, x="y") == [
        "spec.x: Invalid value: \"y\": failed rule: self.startsWith('x')"]


def test_message_expression_reason_and_field_path() -> None:
    server = server_of(with_rule(
        fields(x=INTEGER), rule="self.x < 5", messageExpression="'x is ' + string(self.x)",
        reason="FieldValueForbidden", fieldPath=".x"))
    assert refused(server, x=7) == ["spec.x: Forbidden: x is 7"]


def test_what_a_function_refuses_is_told_in_its_own_words() -> None:
    rule = "quantity(self.q).isGreaterThan(quantity('1'))"
    server = server_of(with_rule(fields(q={"type": "string"}), rule=rule))
    assert refused(server, q="zz") == [
        "spec: Invalid value: quantities must match the regular expression"
        f" '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' evaluating rule: {rule}"]


def test_transition_rules_compare_with_what_was_before() -> None:
    server = server_of(fields(x=with_rule(INTEGER, rule="self >= oldSelf")))
    server.create(CRONTABS, crontab(x=5))
    server.patch(CRONTABS, "a", {"spec": {"x": 6}})
    with pytest.raises(Invalid, match="failed rule: self >= oldSelf"):
        server.patch(CRONTABS, "a", {"spec": {"x": 4}})


def test_an_optional_old_self_runs_on_create_too() -> None:
    server = server_of(fields(x=with_rule(
        INTEGER, rule="oldSelf.hasValue() || self == 1", optionalOldSelf=True)))
    assert refused(server, x=2) == [
        "spec.x: Invalid value: 2: failed rule: oldSelf.hasValue() || self == 1"]
    server.create(CRONTABS, crontab(x=1))
    assert server.patch(CRONTABS, "a", {"spec": {"x": 9}})["spec"] == {"x": 9}


def test_rules_are_not_checked_over_wrong_types() -> None:
    server = server_of(with_rule(fields(x=INTEGER), rule="self.x < 5"))
    assert refused(server, x="a")[1] == (
        "<nil>: Invalid value: null: some validation rules were not checked because the object was"
        " invalid; correct the existing errors to complete validation")


def test_a_rule_that_cannot_be_evaluated_says_why() -> None:
    server = server_of(with_rule(fields(x=INTEGER, y=INTEGER), rule="self.x < self.y"))
    assert refused(server, x=1) == [
        "spec: Invalid value: no such key: y evaluating rule: self.x < self.y"]


def test_names_that_are_no_identifiers_are_escaped() -> None:
    schema = fields(**{"a-b": INTEGER, "namespace": INTEGER})
    server = server_of(with_rule(schema, rule="self.a__dash__b < self.__namespace__"))
    good: dict[str, Any] = {"a-b": 1, "namespace": 2}
    server.create(CRONTABS, crontab(**good))
    assert len(refused(server, **{**good, "a-b": 2})) == 1


def test_times_durations_and_numbers_have_their_types() -> None:
    schema = fields(t={"type": "string", "format": "date-time"},
                    d={"type": "string", "format": "duration"}, n={"type": "number"})
    server = server_of(with_rule(schema, rule="self.t.getFullYear() > 2000 && "
                                              "self.d < duration('1h') && self.n + 0.5 < 2.0"))
    good: dict[str, Any] = {"t": "2024-01-01T00:00:00Z", "d": "5m", "n": 1}
    server.create(CRONTABS, crontab(**good))
    assert len(refused(server, **{**good, "d": "2h"})) == 1


@pytest.mark.parametrize(("source", "value"), [
    ("self.list.all(i, v, i < 3 && v > 0)", True),
    ("self.list.transformMap(i, v, v * 2)", {0: 6, 1: 2, 2: 4}),
    ("cel.bind(x, self.list, x.size() + size(x))", 6),
    ("self.?map.a.?b.orValue(7)", 1),
    ("self.?nope.b.hasValue()", False),
    ("self.list[?9].orValue(0)", 0),
    ("self.?map.optMap(m, m.size() + 1).orValue(0)", 2),
    ("self.?nope.optMap(m, m.size()).orValue(0)", 0),
    ("self.?map.optFlatMap(m, m.?a).hasValue()", True),
    ("self.text.size()", 1),
    ("string(1.5) + string(true)", "1.5true"),
    ("quantity(self.size).isGreaterThan(quantity('1M'))", True),
    ("quantity('1') == quantity('1000m')", True),
    ("quantity('1').add(quantity('2')).asInteger()", 3),
    ("isQuantity('x')", False),
    ("ip('::1').family()", 6),
    ("ip.isCanonical('2001:DB8::1')", False),
    ("cidr('10.0.0.0/8').containsIP('10.1.2.3')", True),
    ("cidr('10.0.0.0/8').containsCIDR(cidr('11.0.0.0/9'))", False),
    ("cidr('10.1.0.0/8').masked() == cidr('10.0.0.0/8')", True),
    ("url('https://u@h:8443/p?q=1').getHostname()", "h"),
    ("url('https://h/p?q=1').getQuery()", {"q": ["1"]}),
    ("self.list.isSorted()", False),
    ("self.list.sum() == 6 && self.list.max() == 3", True),
    ("'a1b22'.findAll('[0-9]+')", ["1", "22"]),
    ("'a,b'.split(',').join('-')", "a-b"),
    ("'%s has %d of %.1f'.format(['x', 3, 2.5])", "x has 3 of 2.5"),
    ("format.dns1123Label().validate('ok').hasValue()", False),
    ("format.named('uuid').value().validate('x').hasValue()", True),
    ("sets.intersects([1, 2], [2])", True),
    ("semver('1.2.3').isLessThan(semver('1.10.0'))", True),
    ("self.list.exists_one(x, x == 1) ? 'one' : 'many'", "one"),
])
def test_kubernetes_functions_and_syntax(source: str, value: Any) -> None:
    assert compile_expression(source).evaluate({"self": SELF}) == value


def test_failures_are_told_in_cel_words() -> None:
    with pytest.raises(RuleFailed, match="no such key: nope"):
        compile_expression("self.nope").evaluate({"self": SELF})


@given(st.text(alphabet="abc'\"\\() .?[]{},+-1=:", max_size=30))
def test_translation_ends_for_any_text(text: str) -> None:
    assert isinstance(translate(text), str)


@given(st.text(max_size=20))
def test_texts_in_quotes_stay(text: str) -> None:
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    assert quoted in translate(f"size({quoted}) == 1")
