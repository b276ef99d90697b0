"""Shell arithmetic: $((...)), ((...)), in C's integers and precedence.

Python's own parser reads the expression (its operators and precedence are C's, but for `&&`, `||`,
`!` and the conditional); only numbers, names and operators are allowed through.
"""

from __future__ import annotations

import ast
import operator
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

_BINARY: Final[dict[type[ast.AST], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Pow: operator.pow,
    ast.LShift: operator.lshift, ast.RShift: operator.rshift, ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_, ast.BitXor: operator.xor, ast.Eq: operator.eq, ast.NotEq: operator.ne,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}
_UNARY: Final[dict[type[ast.AST], Callable[[Any], Any]]] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
_ASSIGNMENT: Final = re.compile(r"\s*([A-Za-z_]\w*)\s*([-+*/%&|^]|<<|>>)?=(?!=)(.*)", re.DOTALL)
_STEP: Final = re.compile(r"\s*(?:(\+\+|--)\s*([A-Za-z_]\w*)|([A-Za-z_]\w*)\s*(\+\+|--))\s*")
_BITS: Final = 64
_SHIFT_LIMIT: Final = 63
_POWER_LIMIT: Final = 64
_DEPTH: Final = 32


def evaluate(text: str, variables: MutableMapping[str, str], depth: int = 0) -> int:
    """The value of an expression; assignments change `variables`. Raises ValueError."""
    if depth > _DEPTH:
        raise ValueError(f"{text}: expression recursion level exceeded")
    step = _STEP.fullmatch(text)
    if step is not None:
        return _step(step, variables)
    assignment = _ASSIGNMENT.fullmatch(text)
    if assignment is not None:
        name, sign, right = assignment.groups()
        value = evaluate(f"{name} {sign} ({right})" if sign else right, variables, depth + 1)
        variables[name] = str(value)
        return value
    if not text.strip():
        return 0
    return _value(_parse(text), variables, depth)


def _step(match: re.Match[str], variables: MutableMapping[str, str]) -> int:
    before_sign, before_name, after_name, after_sign = match.groups()
    name = before_name or after_name
    old = _number(variables.get(name, "0"), variables, 0)
    new = old + (1 if (before_sign or after_sign) == "++" else -1)
    variables[name] = str(new)
    return new if before_sign else old


def _parse(text: str) -> ast.expr:
    python = re.sub(r"\$\{?(\w+)\}?", r"\1", text)
    python = re.sub(r"!(?!=)", " not ", python.replace("&&", " and ").replace("||", " or "))
    python = re.sub(r"(?<![\w.])0+(?=\d)", "0o", python).replace("/", "//")
    python = re.sub(r"(.+)\?(.+):(.+)", r"(\2) if (\1) else (\3)", python, flags=re.DOTALL)
    try:
        return ast.parse(python.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{text}: syntax error in expression") from None


def _value(node: ast.expr, variables: MutableMapping[str, str], depth: int) -> int:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.Name):
        return _number(variables.get(node.id, "0"), variables, depth)
    if isinstance(node, ast.UnaryOp):
        return int(_UNARY[type(node.op)](_value(node.operand, variables, depth)))
    if isinstance(node, ast.BinOp):
        return _binary(node, variables, depth)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left = _value(node.left, variables, depth)
        return int(_BINARY[type(node.ops[0])](left, _value(node.comparators[0], variables, depth)))
    if isinstance(node, ast.BoolOp):
        return _boolean(node, variables, depth)
    if isinstance(node, ast.IfExp):
        chosen = node.body if _value(node.test, variables, depth) else node.orelse
        return _value(chosen, variables, depth)
    raise ValueError("syntax error: operand expected")


def _binary(node: ast.BinOp, variables: MutableMapping[str, str], depth: int) -> int:
    left, right = _value(node.left, variables, depth), _value(node.right, variables, depth)
    kind = type(node.op)
    if kind in (ast.FloorDiv, ast.Mod):
        if right == 0:
            raise ValueError("division by 0")
        quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        return quotient if kind is ast.FloorDiv else left - quotient * right
    if kind in (ast.LShift, ast.RShift):
        right &= _SHIFT_LIMIT
    if kind is ast.Pow and not 0 <= right <= _POWER_LIMIT:
        raise ValueError("exponent less than 0 or too large")
    if kind not in _BINARY:
        raise ValueError("syntax error: invalid arithmetic operator")
    return _wrap(int(_BINARY[kind](left, right)))


def _boolean(node: ast.BoolOp, variables: MutableMapping[str, str], depth: int) -> int:
    values = (bool(_value(part, variables, depth)) for part in node.values)
    return int(all(values) if isinstance(node.op, ast.And) else any(values))


def _number(text: str, variables: MutableMapping[str, str], depth: int) -> int:
    """A variable's value: a number, or an expression in its turn."""
    stripped = text.strip()
    if not stripped:
        return 0
    if re.fullmatch(r"[-+]?\d+", stripped):
        return _wrap(int(stripped))
    return evaluate(stripped, variables, depth + 1)


def _wrap(value: int) -> int:
    """Into the range of a 64-bit integer."""
    half = 1 << (_BITS - 1)
    return (value + half) % (1 << _BITS) - half
