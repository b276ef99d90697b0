"""sed: s///, p, d, q with line and pattern addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minikube_sim.shell.call import lines_of
from minikube_sim.shell.commands.files import read_inputs
from minikube_sim.shell.commands.grep import basic
from minikube_sim.shell.commands.options import BadUsage, parse_all

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call

_COMMAND = re.compile(r"\s*(?:(\d+|\$|/(?:[^/\\]|\\.)*/)(?:,(\d+|\$|/(?:[^/\\]|\\.)*/))?)?\s*"
                      r"(?:(s)(.)((?:\\.|(?!\4).)*)\4((?:\\.|(?!\4).)*)\4([gIip0-9]*)|([pdq=]))"
                      r"\s*(?:;|$)")


@dataclass(slots=True)
class _Edit:
    """One command of a script."""

    start: str
    end: str
    letter: str
    pattern: re.Pattern[str] | None = None
    replacement: str = ""
    flags: str = ""
    active: bool = False


async def sed(call: Call) -> int:
    """Edit lines."""
    try:
        pairs, operands = parse_all("sed", call.args, "nEre:", ["quiet", "expression="])
        flags = {name for name, _ in pairs}
        scripts = [value for name, value in pairs if name in ("-e", "--expression")]
        if not scripts and not operands:
            raise BadUsage("Usage: sed [OPTION]... {script} [input-file]...")
        script = ";".join(scripts) if scripts else operands.pop(0)
        edits = _parse(script, extended=bool(flags & {"-E", "-r"}))
    except (BadUsage, re.error) as error:
        return call.complain(str(error) if isinstance(error, BadUsage)
                             else f"sed: -e expression #1: {error}")
    inputs, code = await read_inputs(call, operands)
    lines = lines_of("".join(text for _, text in inputs))
    quiet = bool(flags & {"-n", "--quiet"})
    for number, line in enumerate(lines, 1):
        if _edit(call, edits, line, (number, len(lines)), quiet=quiet):
            break
    return code


def _parse(script: str, *, extended: bool) -> list[_Edit]:
    edits, at = [], 0
    while at < len(script):
        match = _COMMAND.match(script, at)
        if match is None or match.end() == at:
            raise BadUsage(f"sed: -e expression #1, char {at + 1}: unknown command: "
                           f"`{script[at:at + 1]}'")
        start, end, s, _, pattern, replacement, flags, letter = match.groups()
        edit = _Edit(start or "", end or "", letter or s, flags=flags or "")
        if s:
            ignore = re.IGNORECASE if "i" in flags.lower() else 0
            edit.pattern = re.compile(pattern if extended else basic(pattern), ignore)
            edit.replacement = re.sub(r"(?<!\\)&", r"\\g<0>", replacement).replace(r"\&", "&")
            edit.replacement = edit.replacement.replace(r"\/", "/")
        edits.append(edit)
        at = match.end()
    return edits


def _edit(call: Call, edits: list[_Edit], line: str, place: tuple[int, int], *,
          quiet: bool) -> bool:
    """Apply the script to one line; True when it says quit."""
    for edit in edits:
        if not _selected(edit, line, place):
            continue
        if edit.letter == "d":
            return False
        if edit.letter == "p":
            call.print(line)
        elif edit.letter == "=":
            call.print(str(place[0]))
        elif edit.letter == "q":
            if not quiet:
                call.print(line)
            return True
        else:
            assert edit.pattern is not None
            line, changed = edit.pattern.subn(edit.replacement, line, 0 if "g" in edit.flags else 1)
            if changed and "p" in edit.flags:
                call.print(line)
    if not quiet:
        call.print(line)
    return False


def _selected(edit: _Edit, line: str, place: tuple[int, int]) -> bool:
    if not edit.start:
        return True
    if not edit.end:
        return _at(edit.start, line, place)
    if edit.active:
        edit.active = not _at(edit.end, line, place)
        return True
    edit.active = _at(edit.start, line, place)
    return edit.active


def _at(address: str, line: str, place: tuple[int, int]) -> bool:
    number, total = place
    if address == "$":
        return number == total
    if address.startswith("/"):
        return re.search(basic(address[1:-1]), line) is not None
    return int(address) == number
