"""Rules checked before any value is there: what an expression names must exist, and fit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from apiserver.customresources.cel.rules import OLD, RuleError, compile_expression
from apiserver.customresources.cel.source import located, place_of
from apiserver.customresources.cel.types import DYN, problems_of, type_of

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_UNDECLARED: Final = re.compile(r"undeclared reference to '(\w+)'")
_WRONG_TYPE: Final = {"rule": ("bool", "cel expression must evaluate to a bool"),
                      "messageExpression": ("string",
                                            "messageExpression must evaluate to a string")}


def problem_of(source: str, node: Object, *, root: bool, part: str = "rule",
               optional_old: bool = False) -> str:
    """What is wrong with an expression over values of a schema node; '' for nothing.

    `part`: rule or messageExpression, which say what it must give.
    """
    failed = "compilation failed: " if part == "rule" else f"{part} compilation failed: "
    try:
        compile_expression(source)
    except RuleError as error:
        match = _UNDECLARED.match(str(error))
        return failed + (located(source, place_of(source, match[1]), str(error))
                         if match else str(error))
    own = type_of(node, resource=root)
    problems, found = problems_of(source, {"self": own, OLD: DYN if optional_old else own})
    if problems:
        return failed + "\n".join(located(source, at, text) for at, text in problems)
    wanted, text = _WRONG_TYPE[part]
    return "" if found.name in (wanted, "dyn") else text
