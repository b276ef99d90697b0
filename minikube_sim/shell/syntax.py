"""Parsing with tree-sitter-bash, and bash's own words for what it cannot read."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

import tree_sitter
import tree_sitter_bash

if TYPE_CHECKING:
    from tree_sitter import Node

_QUOTES: Final = ('"', "'", "`")
_DOCUMENT: Final = re.compile(r"""<<-?[ ]*['"\\]?(\w+)""")
_ENDS: Final = ("do :\ndone\n", ":\ndone\n", "then :\nfi\n", ":\nfi\n", "x) ;;\nesac\n",
                ";;\nesac\n", ":\n}\n", ":\n)\n", ":\n")
"""What ends a loop, a condition, a list or a pipeline that has been begun."""
_MOST_NESTED: Final = 3
MAX_LINE: Final = 1 << 20


class SyntaxProblem(Exception):
    """A line that bash does not take; the text is bash's message."""


@functools.cache
def _language() -> tree_sitter.Language:
    return tree_sitter.Language(tree_sitter_bash.language())


def _root(text: str) -> Node:
    return tree_sitter.Parser(_language()).parse(text.encode()).root_node


def parse(text: str) -> Node:
    """The tree of a line or script. Raises SyntaxProblem."""
    if len(text) > MAX_LINE:
        raise SyntaxProblem("line too long")
    root = _root(text)
    if root.has_error:
        raise SyntaxProblem(_message(text, _first_error(root)))
    return root


def is_whole(text: str) -> bool:
    """Whether a line needs no further one: no open quote, loop or here-document."""
    if text.endswith("\\\n"):
        return False
    try:
        parse(text)
    except SyntaxProblem as problem:
        return not ("unexpected EOF" in str(problem) or _document_open(text) or _can_go_on(text))
    return True


def _can_go_on(text: str) -> bool:
    """Whether some ends of what may be open make it a text that bash takes."""
    texts = [text]
    for _ in range(_MOST_NESTED):
        texts = [begun + end for begun in texts for end in _ENDS]
        if any(not _root(each).has_error for each in texts):
            return True
    return False


def _document_open(text: str) -> bool:
    """Whether a here-document lacks its last line."""
    for match in _DOCUMENT.finditer(text):
        following = text[match.end():].split("\n")[1:]
        if not any(line.lstrip("\t") == match[1] for line in following):
            return True
    return False


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
