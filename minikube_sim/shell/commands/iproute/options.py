"""The options before the object, and what goes wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from minikube_sim.shell.call import Call


class IpError(Exception):
    """What `ip` says before it ends with `code`: 1 its own complaint, 2 the kernel's."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


def refused(errno: str) -> IpError:
    """The kernel's refusal: `RTNETLINK answers: File exists`."""
    return IpError(f"RTNETLINK answers: {errno}", 2)


@dataclass(slots=True)
class Options:
    """What stands before the object."""

    family: int = 0
    """4 or 6; 0: not given."""
    brief: bool = False
    oneline: bool = False
    json: bool = False
    pretty: bool = False
    version: bool = False


_WORDS: Final = {"brief": "brief", "oneline": "oneline", "json": "json", "pretty": "pretty",
                 "Version": "version"}
_WITHOUT_EFFECT: Final = ("details", "color", "resolve", "Numeric", "human-readable")


def read_options(args: Sequence[str]) -> tuple[Options, list[str]]:
    """Options and the words behind them. Raises IpError."""
    options, words = Options(), list(args)
    while words and words[0].startswith("-"):
        word = words.pop(0)
        name = word.lstrip("-").partition("=")[0]
        if name in ("4", "6"):
            options.family = int(name)
        elif name in ("f", "family") and words:
            options.family = {"inet": 4, "inet6": 6}.get(words.pop(0), 0)
        elif found := next((f for long, f in _WORDS.items() if name and long.startswith(name)), ""):
            setattr(options, found, True)
        elif not any(long.startswith(name) for long in _WITHOUT_EFFECT):
            raise IpError(f'Option "{word}" is unknown, try "ip -help".', 255)
    return options, words


def is_verb(word: str, *verbs: str) -> bool:
    """Whether a word is one of these, or the beginning of one."""
    return any(verb.startswith(word) for verb in verbs)


def take(words: list[str], name: str, default: str = "") -> str:
    """The word behind a keyword; both are taken out. Raises IpError if there is none."""
    if name not in words:
        return default
    place = words.index(name)
    if place + 1 >= len(words):
        raise IpError("Command line is not complete. Try option \"help\"", 255)
    value = words[place + 1]
    del words[place : place + 2]
    return value


def print_json(call: Call, options: Options, found: Iterable[dict[str, Any]]) -> None:
    """As -j prints a list; -p: with blanks."""
    if options.pretty:
        call.print(json.dumps(list(found), indent=4))
    else:
        call.print(json.dumps(list(found), separators=(",", ":")))
