"""grep, in basic and extended regular expressions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from minikube_sim.shell.call import lines_of
from minikube_sim.shell.commands.files import read_inputs
from minikube_sim.shell.commands.options import BadUsage, number, parse_all

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call

_LONG = ["ignore-case", "invert-match", "count", "line-number", "only-matching", "quiet",
         "extended-regexp", "fixed-strings", "color=", "max-count=", "regexp=", "word-regexp"]
_CLASSES = {"[:alpha:]": "a-zA-Z", "[:digit:]": "0-9", "[:alnum:]": "a-zA-Z0-9",
            "[:space:]": r"\s", "[:upper:]": "A-Z", "[:lower:]": "a-z"}
_TROUBLE = 2


async def egrep(call: Call) -> int:
    """grep -E."""
    call.args = ["-E", *call.args]
    return await grep(call)


async def grep(call: Call) -> int:
    """Print the lines that match; exit code 1 when there is none."""
    try:
        pairs, operands = parse_all("grep", call.args, "ivcnoqEFwsxhHrA:B:C:e:m:", _LONG)
        flags = {name for name, _ in pairs}
        patterns = [value for name, value in pairs if name in ("-e", "--regexp")]
        if not patterns and not operands:
            raise BadUsage("Usage: grep [OPTION]... PATTERNS [FILE]...")
        patterns = patterns or operands.pop(0).split("\n")
        expression = _compile(patterns, flags)
        after, before, limit = _context(pairs)
    except (BadUsage, re.error) as error:
        return call.complain(str(error) if isinstance(error, BadUsage) else f"grep: {error}",
                             _TROUBLE)
    inputs, code = await read_inputs(call, operands)
    matched = False
    for name, text in inputs:
        prefix = f"{name}:" if len(operands) > 1 and "-h" not in flags else ""
        lines = lines_of(text)
        inverted = bool(flags & {"-v", "--invert-match"})
        wanted = [i for i, line in enumerate(lines)
                  if bool(expression.search(line)) != inverted][:limit]
        matched = matched or bool(wanted)
        if not flags & {"-q", "--quiet"}:
            _show(call, expression, prefix, lines, wanted, flags, (before, after))
    return 0 if matched else (code and _TROUBLE) or 1


def _compile(patterns: list[str], flags: set[str]) -> re.Pattern[str]:
    if flags & {"-F", "--fixed-strings"}:
        patterns = [re.escape(p) for p in patterns]
    elif not flags & {"-E", "--extended-regexp"}:
        patterns = [basic(p) for p in patterns]
    text = "|".join(f"(?:{_classes(p)})" for p in patterns)
    if flags & {"-w", "--word-regexp"}:
        text = rf"\b(?:{text})\b"
    if "-x" in flags:
        text = rf"\A(?:{text})\Z"
    return re.compile(text, re.IGNORECASE if flags & {"-i", "--ignore-case"} else 0)


def basic(pattern: str) -> str:
    """A basic regular expression as an extended one: there a backslash makes ( ) | + special."""
    return re.sub(r"\\?[(){}|+?]", lambda m: m.group()[1:] if len(m.group()) > 1
                  else "\\" + m.group(), pattern)


def _classes(pattern: str) -> str:
    for name, members in _CLASSES.items():
        pattern = pattern.replace(name, members)
    return pattern


def _context(pairs: list[tuple[str, str]]) -> tuple[int, int, int | None]:
    """(lines after, lines before, how many matches)."""
    values = {name: value for name, value in pairs if value}
    both = values.get("-C", "0")
    after = number("grep", values.get("-A", both), "context length argument")
    before = number("grep", values.get("-B", both), "context length argument")
    limit = values.get("-m", values.get("--max-count"))
    return after, before, None if limit is None else number("grep", limit, "max count")


def _show(call: Call, expression: re.Pattern[str], prefix: str, lines: list[str],
          wanted: list[int], flags: set[str], around: tuple[int, int]) -> None:
    if flags & {"-c", "--count"}:
        call.print(f"{prefix}{len(wanted)}")
        return
    if flags & {"-o", "--only-matching"}:
        for index in wanted:
            for match in expression.finditer(lines[index]):
                call.print(prefix + match.group())
        return
    before, after = around
    chosen = sorted({i for index in wanted for i in range(index - before, index + after + 1)
                     if 0 <= i < len(lines)})
    last = None
    for index in chosen:
        if (before or after) and last is not None and index > last + 1:
            call.print("--")
        last = index
        sign = ":" if index in wanted else "-"
        place = f"{index + 1}{sign}" if flags & {"-n", "--line-number"} else ""
        call.print(f"{prefix}{place}{lines[index]}")
