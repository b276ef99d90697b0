"""Parsing with tree-sitter-bash, and bash's own words for what it cannot read."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import tree_sitter
import tree_sitter_bash

if TYPE_CHECKING:
    from tree_sitter import Node

_QUOTES: Final = ('"', "'", "`")
MAX_LINE: Final = 1 << 20


class SyntaxProblem(Exception):
    """A line that bash does not take; the text is bash's message."""


@functools.cache
def _language() -> tree_sitter.Language:
    return tree_sitter.Language(tree_sitter_bash.language())


def parse(text: str) -> Node:
    """The tree of a line or script. Raises SyntaxProblem."""
    if len(text) > MAX_LINE:
        raise SyntaxProblem("line too long")
    root = tree_sitter.Parser(_language()).parse(text.encode()).root_node
    if root.has_error:
        raise SyntaxProblem(_message(text, _first_error(root)))
    return root


def is_whole(text: str) -> bool:
    """Whether a line needs no further one: no open quote, loop or here-document."""
    try:
        parse(text)
    except SyntaxProblem as problem:
        return "unexpected E" not in str(problem) and "end of file" not in str(problem)
    return True


def _first_error(node: Node) -> Node:
    """The first node that is wrong or missing, depth first, without recursion."""
    stack = [node]
    while stack:
        current = stack.pop()
        if current.is_error or current.is_missing:
            return current
        stack += [child for child in reversed(current.children) if child.has_error]
    return node


def _message(text: str, error: Node) -> str:
    for quote in _QUOTES:
        if text.count(quote) % 2:
            return f"unexpected EOF while looking for matching `{quote}'"
    if error.is_missing:
        return "syntax error: unexpected end of file"
    token = (error.text or b"").decode("utf-8", "replace").split()
    if not token:
        return "syntax error: unexpected end of file"
    return f"syntax error near unexpected token `{token[0]}'"
