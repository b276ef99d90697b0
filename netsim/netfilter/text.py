"""Quoting in rule text. Models xtables_save_string() and add_param_to_argv()."""

from __future__ import annotations

import re
from typing import Final

from netsim.netfilter.errors import RuleSyntaxError

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")
_SPECIAL: Final = re.compile(r"[\"\\']")
_TOKEN: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s"]+)')
_ESCAPE: Final = re.compile(r"\\(.)")


def save_string(text: str) -> str:
    """A free text as iptables-save prints it: quoted unless it is letters, digits, _ and -."""
    if _PLAIN.fullmatch(text):
        return text
    return '"' + _SPECIAL.sub(lambda found: "\\" + found[0], text) + '"'


def split_line(line: str) -> list[str]:
    """A line of restore text as arguments; a quote begins and ends one.

    Raises RuleSyntaxError for a quote without end.
    """
    if '"' not in line:
        return line.split()
    if _TOKEN.sub("", line).strip():
        raise RuleSyntaxError("Unbalanced quote in line")
    return [
        found[2] if found[2] is not None else _ESCAPE.sub(r"\1", found[1])
        for found in _TOKEN.finditer(line)
    ]
