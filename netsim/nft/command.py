"""The nft command as a shell runs it: options, a command line or a file, errors with their place.

Models nft 1.0.6. A file is one transaction: it is tried on a copy first, so errors change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from netsim.nft.commands import execute
from netsim.nft.errors import NftError
from netsim.nft.listing import Style, list_ruleset
from netsim.nft.ruleset import Ruleset

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["CommandResult", "run"]

_VERSION: Final = "nftables v1.0.6 (Lester Gooch #5)\n"
_IGNORED: Final = frozenset("nsSNyupe")
"""Options about how numbers are shown, and -e; what we list knows numbers only."""
_LONG: Final = {"--handle": "a", "--file": "f", "--version": "v", "--numeric": "n",
                "--stateless": "s", "--echo": "e", "--check": "c"}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What the command printed and its exit code."""

    exit_code: int
    stdout: str = ""
    stderr: str = ""


def run(
    ruleset: Ruleset,
    arguments: Sequence[str],
    *,
    now: float = 0.0,
    read_file: Callable[[str], str | None] = lambda _: None,
) -> CommandResult:
    """`nft ARGUMENTS`; `read_file` gives the text of a file (`-`: the input), None without one."""
    words, letters, file = list(arguments), "", ""
    while words and words[0].startswith("-") and words[0] != "-":
        option = words.pop(0)
        given = _LONG.get(option, option[1:] if not option.startswith("--") else "")
        if not given or set(given) - _IGNORED - set("afvc"):
            return _failed(f"nft: unrecognized option '{option}'\n")
        letters += given
        if given.endswith("f"):
            file = words.pop(0) if words else ""
    if "v" in letters:
        return CommandResult(exit_code=0, stdout=_VERSION)
    style = Style(now, handles="a" in letters)
    if "f" in letters:
        return _run_file(ruleset, file, read_file(file), style)
    if not words:
        return _failed("nft: no command specified\n")
    return _run_line(ruleset, " ".join(words), style)


def _failed(text: str) -> CommandResult:
    return CommandResult(exit_code=1, stderr=text)


def _run_line(ruleset: Ruleset, line: str, style: Style) -> CommandResult:
    try:
        return CommandResult(exit_code=0, stdout=execute(ruleset, line, style))
    except NftError as error:
        return _failed(f"Error: {error.message}\n{_underlined(line, error)}")


def _run_file(ruleset: Ruleset, name: str, text: str | None, style: Style) -> CommandResult:
    if text is None:
        reason = f'Could not open file "{name}": No such file or directory'
        return _failed(f"internal:0:0-0: Error: {reason}\n\n\n")
    rehearsal = Ruleset()
    execute(rehearsal, list_ruleset(ruleset))
    try:
        execute(rehearsal, text)
    except NftError as error:
        return _failed(_placed(name, text, error))
    return CommandResult(exit_code=0, stdout=execute(ruleset, text, style))


def _underlined(line: str, error: NftError) -> str:
    start, end = error.span or (0, 1)
    blank = "".join("\t" if character == "\t" else " " for character in line[:start].ljust(start))
    return f"{line}\n{blank}{'^' * max(1, end - start)}\n"


def _placed(name: str, text: str, error: NftError) -> str:
    """The error with file, line and columns in front."""
    start, end = error.span or (0, 1)
    start = min(start, max(0, len(text) - 1))
    begin = text.rfind("\n", 0, start) + 1
    number = text.count("\n", 0, start) + 1
    line = text[begin:].partition("\n")[0]
    columns = f"{start - begin + 1}-{max(end, start + 1) - begin}"
    shown = NftError(error.message, (start - begin, max(end, start + 1) - begin))
    file = "/dev/stdin" if name == "-" else name
    return f"{file}:{number}:{columns}: Error: {error.message}\n{_underlined(line, shown)}"
