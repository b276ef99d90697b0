"""Options of commands, read as getopt reads them, with its complaints."""

from __future__ import annotations

import getopt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class BadUsage(Exception):
    """A command line that a program does not take; the text is its complaint."""


def parse(name: str, args: Sequence[str], short: str, long: Sequence[str] = (), *,
          permute: bool = True) -> tuple[dict[str, str], list[str]]:
    """(options, operands): `{"-n": "5", "--all": ""}`; a repeated option keeps its last value.

    `permute`: options may follow operands, as GNU's programs allow. Raises BadUsage.
    """
    pairs, operands = parse_all(name, args, short, long, permute=permute)
    return dict(pairs), operands


def parse_all(name: str, args: Sequence[str], short: str, long: Sequence[str] = (), *,
              permute: bool = True) -> tuple[list[tuple[str, str]], list[str]]:
    """The same, with every occurrence of an option in order."""
    read = getopt.gnu_getopt if permute else getopt.getopt
    try:
        return read(list(args), short, list(long))
    except getopt.GetoptError as error:
        option = error.opt
        if "requires argument" in error.msg:
            problem = (f"option requires an argument -- '{option}'" if len(option) == 1
                       else f"option '--{option}' requires an argument")
        elif len(option) == 1:
            problem = f"invalid option -- '{option}'"
        else:
            problem = f"unrecognized option '--{option}'"
        raise BadUsage(f"{name}: {problem}") from None


def family_of(options: Mapping[str, str]) -> int:
    """4 or 6 for -4 or -6, the last one given; 0 without."""
    given = [name for name in options if name in ("-4", "-6")]
    return int(given[-1][1]) if given else 0


def number(name: str, text: str, what: str = "number of lines") -> int:
    """A whole number. Raises BadUsage."""
    try:
        return int(text)
    except ValueError:
        raise BadUsage(f"{name}: invalid {what}: ‘{text}’") from None
