"""Filters: head, tail, wc, sort, uniq, cut, tr, nl, rev, awk's print, seq."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from minikube_sim.shell.call import lines_of
from minikube_sim.shell.commands.files import read_inputs
from minikube_sim.shell.commands.options import BadUsage, number, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from minikube_sim.shell.call import Call

_MOST = 1_000_000
_CLASSES = {"[:upper:]": "".join(map(chr, range(65, 91))),
            "[:lower:]": "".join(map(chr, range(97, 123))), "[:digit:]": "0123456789",
            "[:space:]": " \t\n\r\v\f"}


async def _lines(call: Call, names: list[str]) -> tuple[list[str], int]:
    inputs, code = await read_inputs(call, names)
    return [line for _, text in inputs for line in lines_of(text)], code


def _count(args: list[str]) -> list[str]:
    """`-5` is `-n 5`."""
    return [f"-n{a[1:]}" if re.fullmatch(r"-\d+", a) else a for a in args]


async def head(call: Call) -> int:
    """The first lines."""
    try:
        options, names = parse("head", _count(list(call.args)), "n:c:q")
        amount = number("head", options.get("-n", "10"))
    except BadUsage as error:
        return call.complain(str(error))
    if "-c" in options:
        inputs, code = await read_inputs(call, names)
        call.print("".join(t for _, t in inputs)[:number("head", options["-c"], "bytes")], end="")
        return code
    lines, code = await _lines(call, names)
    for line in lines[:amount]:
        call.print(line)
    return code


async def tail(call: Call) -> int:
    """The last lines; -n +N: from the Nth on."""
    try:
        options, names = parse("tail", _count(list(call.args)), "n:qf")
        text = options.get("-n", "10")
        amount = number("tail", text)
    except BadUsage as error:
        return call.complain(str(error))
    lines, code = await _lines(call, names)
    chosen = lines[amount - 1:] if text.startswith("+") else lines[-abs(amount):] if amount else []
    for line in chosen:
        call.print(line)
    return code


async def wc(call: Call) -> int:
    """Lines, words and bytes."""
    try:
        options, names = parse("wc", call.args, "lwcm", ["lines", "words", "bytes"])
    except BadUsage as error:
        return call.complain(str(error))
    inputs, code = await read_inputs(call, names)
    wanted = [key for key in ("l", "w", "c") if f"-{key}" in options or {
        "l": "--lines", "w": "--words", "c": "--bytes"}[key] in options] or ["l", "w", "c"]
    for name, text in inputs:
        counts = {"l": text.count("\n"), "w": len(text.split()), "c": len(text.encode())}
        values = [str(counts[key]) for key in wanted]
        row = values[0] if len(values) == 1 else " ".join(v.rjust(7) for v in values)
        call.print(row if name == "-" else f"{row} {name}")
    return code


async def sort(call: Call) -> int:
    """Sort lines."""
    try:
        options, names = parse("sort", call.args, "nruVk:t:", ["numeric-sort", "reverse", "unique"])
        key = _sort_key(options)
    except BadUsage as error:
        return call.complain(str(error), 2)
    lines, code = await _lines(call, names)
    lines.sort(key=key, reverse=bool(options.keys() & {"-r", "--reverse"}))
    if options.keys() & {"-u", "--unique"}:
        lines = [next(group) for _, group in groupby(lines, key)]
    for line in lines:
        call.print(line)
    return code


def _sort_key(options: dict[str, str]) -> Callable[[str], tuple[float, str]]:
    field = options.get("-k", "")
    column = number("sort", re.split(r"[,.nr]", field)[0], "key") if field else 0
    numeric = bool(options.keys() & {"-n", "--numeric-sort", "-V"}) or "n" in field

    def key(line: str) -> tuple[float, str]:
        words = line.split(options.get("-t")) if column else [line]
        text = line if not column else words[column - 1] if column <= len(words) else ""
        match = re.match(r"\s*[-+]?\d*\.?\d+", text)
        return (float(match.group()) if numeric and match else 0.0, text)

    return key


async def uniq(call: Call) -> int:
    """Drop repeated neighbours; -c counts them."""
    try:
        options, names = parse("uniq", call.args, "cdu", ["count"])
    except BadUsage as error:
        return call.complain(str(error))
    lines, code = await _lines(call, names)
    for line, group in groupby(lines):
        times = len(list(group))
        if ("-d" in options and times == 1) or ("-u" in options and times > 1):
            continue
        call.print(f"{times:7d} {line}" if options.keys() & {"-c", "--count"} else line)
    return code


async def cut(call: Call) -> int:
    """Columns of lines."""
    try:
        options, names = parse("cut", call.args, "d:f:c:s")
        if not options.keys() & {"-f", "-c"}:
            raise BadUsage("cut: you must specify a list of bytes, characters, or fields")
        ranges = [_range(part) for part in options.get("-f", options.get("-c", "")).split(",")]
    except (BadUsage, ValueError) as error:
        return call.complain(str(error) if isinstance(error, BadUsage)
                             else "cut: invalid field range")
    lines, code = await _lines(call, names)
    delimiter = options.get("-d", "\t")
    for line in lines:
        parts = list(line) if "-c" in options else line.split(delimiter)
        if "-f" in options and delimiter not in line:
            call.print(line)
            continue
        chosen = [part for i, part in enumerate(parts, 1) if any(a <= i <= b for a, b in ranges)]
        call.print(("" if "-c" in options else delimiter).join(chosen))
    return code


def _range(text: str) -> tuple[int, int]:
    start, dash, end = text.partition("-")
    if not dash:
        return int(start), int(start)
    return int(start or 1), int(end) if end else _MOST


async def tr(call: Call) -> int:
    """Translate or delete characters."""
    try:
        options, sets = parse("tr", call.args, "ds", permute=False)
    except BadUsage as error:
        return call.complain(str(error))
    if not sets or (len(sets) < 2 and not options):
        return call.complain("tr: missing operand")
    text, first = await call.text(), _characters(sets[0])
    if "-d" in options:
        call.print("".join(c for c in text if c not in first), end="")
        return 0
    second = _characters(sets[-1])
    if len(sets) > 1:
        padded = second + second[-1:] * (len(first) - len(second))
        text = text.translate({ord(a): b for a, b in zip(first, padded, strict=False)})
    if "-s" in options:
        text = "".join(c if c in second else "".join(g) for c, g in groupby(text))
    call.print(text, end="")
    return 0


def _characters(text: str) -> str:
    text = text.encode().decode("unicode_escape")
    for name, members in _CLASSES.items():
        text = text.replace(name, members)
    return re.sub(r"(.)-(.)", lambda m: "".join(
        map(chr, range(ord(m.group(1)), ord(m.group(2)) + 1))), text, flags=re.DOTALL)


async def nl(call: Call) -> int:
    """Number lines that are not empty."""
    lines, code = await _lines(call, [a for a in call.args if not a.startswith("-")])
    at = 0
    for line in lines:
        at += bool(line)
        call.print(f"{at:6d}\t{line}" if line else "       ")
    return code


async def rev(call: Call) -> int:
    """Each line backwards."""
    lines, code = await _lines(call, list(call.args))
    for line in lines:
        call.print(line[::-1])
    return code


async def awk(call: Call) -> int:
    """`{print $1, $NF}` with an optional /pattern/ or NR condition: what people pipe into."""
    try:
        options, operands = parse("awk", call.args, "F:", permute=False)
    except BadUsage as error:
        return call.complain(str(error), 2)
    program = operands[0] if operands else ""
    match = re.fullmatch(r"\s*(?:/((?:[^/\\]|\\.)*)/|NR\s*([=<>!]=?)\s*(\d+))?\s*"
                         r"(?:\{\s*print\s*(.*?);?\s*\})?\s*", program)
    if match is None or not program.strip():
        return call.complain(f"awk: cannot run this program here: {program}", 2)
    pattern, relation, limit, fields = match.groups()
    lines, code = await _lines(call, operands[1:])
    for record, line in enumerate(lines, 1):
        if pattern is not None and not re.search(pattern, line):
            continue
        if relation and not _holds(record, relation, int(limit)):
            continue
        call.print(_print(fields or "", line, record, options.get("-F")))
    return code


def _holds(left: int, relation: str, right: int) -> bool:
    return {"==": left == right, "!=": left != right, "<": left < right, "<=": left <= right,
            ">": left > right, ">=": left >= right}[relation]


def _print(fields: str, line: str, record: int, separator: str | None) -> str:
    words = line.split(separator)
    if not fields.strip():
        return line
    parts = []
    for group in re.split(r",(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", fields):
        parts.append("".join(_field(token, line, words, record)
                             for token in re.findall(r"\"[^\"]*\"|\$\w+|\w+", group)))
    return " ".join(parts)


def _field(token: str, line: str, words: list[str], record: int) -> str:
    if token.startswith('"'):
        return token[1:-1].encode().decode("unicode_escape")
    if token in ("NR", "NF"):
        return str(record if token == "NR" else len(words))
    if token == "$0":
        return line
    index = len(words) if token == "$NF" else int(token[1:]) if token[1:].isdigit() else 0
    return words[index - 1] if token.startswith("$") and 0 < index <= len(words) else ""


async def seq(call: Call) -> int:
    """Numbers from FIRST by STEP to LAST."""
    numbers = [a for a in call.args if re.fullmatch(r"-?\d+", a)]
    if not numbers or len(numbers) != len(call.args):
        return call.complain("seq: invalid floating point argument" if call.args
                             else "seq: missing operand")
    values = [int(n) for n in numbers]
    first = values[0] if len(values) > 1 else 1
    step = values[1] if len(values) > 2 else 1
    if step == 0 or abs(values[-1] - first) // abs(step) > _MOST:
        return call.complain("seq: too many numbers")
    for value in range(first, values[-1] + (1 if step > 0 else -1), step):
        call.print(str(value))
    return 0
