"""Types of rules, told when a CRD is written: cel-go's complaints, and nothing that would be right.
"""

from __future__ import annotations

import pytest

from apiserver.customresources.cel.checking import problem_of
from apiserver.customresources.cel.parsing import NotParsed, parse

TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
SCHEMA = {"type": "object", "properties": {
    "a": WHOLE, "s": TEXT, "d": {"type": "number"}, "b": {"type": "boolean"},
    "t": {**TEXT, "format": "date-time"}, "p": {**TEXT, "format": "duration"},
    "ios": {"x-kubernetes-int-or-string": True}, "in": TEXT, "x-y": TEXT,
    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "m": {"type": "object", "additionalProperties": WHOLE},
    "l": {"type": "array", "items": TEXT},
    "o": {"type": "array", "items": {"type": "object", "properties": {"k": TEXT, "v": WHOLE}}}}}


@pytest.mark.parametrize(("rule", "at", "text"), [
    ("self.a == 'x'", 7, "found no matching overload for '_==_' applied to '(int, string)'"),
    ("self.d == 0", 7, "found no matching overload for '_==_' applied to '(double, int)'"),
    ("self.s < 1", 7, "found no matching overload for '_<_' applied to '(string, int)'"),
    ("self.s + 1 == 'x'", 7, "found no matching overload for '_+_' applied to '(string, int)'"),
    ("self.a && self.b", 7, "found no matching overload for '_&&_' applied to '(int, bool)'"),
    ("!self.a", 0, "found no matching overload for '!_' applied to '(int)'"),
    ("self.s != null", 7, "found no matching overload for '_!=_' applied to '(string, null)'"),
    ("self.b ? self.a > 0 : 'x'", 7,
     "found no matching overload for '_?_:_' applied to '(bool, bool, string)'"),
    ("self.a.startsWith('x')", 17,
     "found no matching overload for 'startsWith' applied to 'int.(string)'"),
    ("size(self.a) > 1", 4, "found no matching overload for 'size' applied to '(int)'"),
    ("1 in self.l", 2, "found no matching overload for '@in' applied to '(int, list(string))'"),
    ("self.m[0] > 1", 6,
     "found no matching overload for '_[_]' applied to '(map(string, int), int)'"),
    ("self.o.all(e, e.zz == 1)", 15, "undefined field 'zz'"),
    ("self.o.all(e, e.k == 1)", 18,
     "found no matching overload for '_==_' applied to '(string, int)'"),
    ("self.o.filter(e, e.v > 0).map(e, e.v).exists(v, v == 'x')", 50,
     "found no matching overload for '_==_' applied to '(int, string)'"),
    ("self.a.x == 1", 6, "type 'int' does not support field selection"),
    ("self.t > '2020-01-01T00:00:00Z'", 7,
     "found no matching overload for '_>_' applied to '(timestamp, string)'"),
    ("has(self.nope)", 3, "undefined field 'nope'"),
    ("self.s.foo()", 10, "undeclared reference to 'foo' (in container '')")])
def test_what_does_not_fit_is_told_with_its_place(rule: str, at: int, text: str) -> None:
    assert problem_of(rule, SCHEMA, root=False) == (
        f"compilation failed: ERROR: <input>:1:{at + 1}: {text}\n | {rule}\n | {'.' * at}^")


def test_all_complaints_are_listed_by_their_places() -> None:
    problem = problem_of("self.zz == 1 || self.a == 'x'", SCHEMA, root=False)
    assert [line for line in problem.split("\n") if "ERROR" in line] == [
        "compilation failed: ERROR: <input>:1:5: undefined field 'zz'",
        "ERROR: <input>:1:24: found no matching overload for '_==_' applied to '(int, string)'"]


@pytest.mark.parametrize("rule", ["self.a + 1", "self.s", "size(self.l)", "[true]", "'x'"])
def test_a_rule_is_true_or_false(rule: str) -> None:
    assert problem_of(rule, SCHEMA, root=False) == "cel expression must evaluate to a bool"


def test_a_message_is_a_text() -> None:
    assert problem_of("'a' + string(self.a)", SCHEMA, root=False, part="messageExpression") == ""
    assert problem_of("self.a", SCHEMA, root=False, part="messageExpression") == (
        "messageExpression must evaluate to a string")


@pytest.mark.parametrize("rule", [
    "self.a > 0.5 && self.d > 1", "self.ios == 5 || self.ios == '5%'", "self == oldSelf",
    "type(self.ios) == int || self.ios.endsWith('%')", "self.t - self.t < duration('1h')",
    "self.t + self.p > timestamp('2020-01-01T00:00:00Z')", "self.l == [] || self.l[0] == 'x'",
    "self.m.all(k, k.startsWith('a') && self.m[k] > 0)", "self.m.a > 1", "'x' in self.m",
    "self.o.exists_one(e, has(e.k) && e.v in [1, 2])", "self.l.map(x, x.size()).all(n, n > 1)",
    "self.?s.orValue('d') == 'e'", "optional.none().hasValue()", "self.free.any.thing == 1",
    "cel.bind(n, self.a, n > 1 && self.l.all(i, v, i < n && v != ''))",
    "quantity(self.s).isLessThan(quantity('1Gi'))", "self.__in__ == '' || self.x__dash__y == ''",
    "sets.contains(self.l, ['a'])", "self.l.all(x, self.o.exists(e, e.k == x))",
    "self.o.map(e, e.v > 1, e.k).all(k, k != '')", "(self.b ? self.l : []).size() == 0",
    "dyn(self.a) == 'x'", "self.s.matches(r'^a\\d$')", "-self.a < -1", "b'x' == b'y'", "1u < 2u",
    "self.l.exists(x, x == 'a') ? true : self.b", "{'a': 1}['a'] == 1"])
def test_what_fits_is_not_complained_of(rule: str) -> None:
    assert problem_of(rule, SCHEMA, root=False) == ""


@pytest.mark.parametrize("text", ["", "a b", "(a", "[a,,b]", "a.", "{a}", "f(", "a ? b"])
def test_what_is_no_expression_has_no_tree(text: str) -> None:
    with pytest.raises(NotParsed):
        parse(text)
