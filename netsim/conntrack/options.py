"""The command line of conntrack, read as conntrack-tools 1.4.7 does: in order, since the options
of a protocol (--sport, --state) are known only behind its -p.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from netsim.conntrack.text import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: Final = {
    "-L": "dump", "--dump": "dump", "-D": "delete", "--delete": "delete", "-F": "flush",
    "--flush": "flush", "-C": "count", "--count": "count", "-S": "stats", "--stats": "stats",
    "-G": "get", "--get": "get", "-I": "create", "--create": "create", "-A": "add", "--add": "add",
    "-U": "update", "--update": "update", "-E": "event", "--event": "event", "-V": "version",
    "--version": "version", "-h": "help", "--help": "help",
}
_OPTIONS: Final = {
    "-p": "proto", "--proto": "proto", "--protonum": "proto", "-f": "family",
    "--family": "family", "-m": "mark", "--mark": "mark", "-u": "status", "--status": "status",
    "-s": "orig-src", "--src": "orig-src", "--orig-src": "orig-src", "-d": "orig-dst",
    "--dst": "orig-dst", "--orig-dst": "orig-dst", "-r": "reply-src", "--reply-src": "reply-src",
    "-q": "reply-dst", "--reply-dst": "reply-dst", "-t": "timeout", "--timeout": "timeout",
    "-o": "output", "--output": "output", "-e": "event-mask", "--event-mask": "event-mask",
    "-w": "zone", "--zone": "zone", "--orig-zone": "zone", "--reply-zone": "zone",
    "-b": "buffer-size", "--buffer-size": "buffer-size",
    "--mask-src": "mask-src", "--mask-dst": "mask-dst",
}
_OPTIONAL: Final = {"-n": "src-nat", "--src-nat": "src-nat", "-g": "dst-nat",
                    "--dst-nat": "dst-nat", "-j": "any-nat", "--any-nat": "any-nat"}
_FLAGS: Final = {"-z": "zero", "--zero": "zero"}
_PORTS: Final = {
    "--sport": "orig-port-src", "--orig-port-src": "orig-port-src", "--dport": "orig-port-dst",
    "--orig-port-dst": "orig-port-dst", "--reply-port-src": "reply-port-src",
    "--reply-port-dst": "reply-port-dst",
}
_ICMP: Final = {"--icmp-type": "icmp-type", "--icmp-code": "icmp-code", "--icmp-id": "icmp-id"}
_ICMP6: Final = {f"--icmpv6-{what}": f"icmp-{what}" for what in ("type", "code", "id")}
_STATE: Final = {"--state": "state"}
_OF_PROTOCOL: Final = {6: {**_PORTS, **_STATE}, 17: _PORTS, 132: {**_PORTS, **_STATE}, 33: _PORTS,
                       136: _PORTS, 1: _ICMP, 58: _ICMP6}
_TABLES: Final = ("conntrack", "expect", "dying", "unconfirmed")
_OUTPUTS: Final = ("extended", "id", "timestamp", "ktimestamp", "labels", "xml", "save",
                   "userspace")
_PROTOCOLS: Final = {name: number for number, name in NAMES.items()}
_ONLY_EVENTS: Final = ("event-mask",)
_FILTERED: Final = ("dump", "delete", "event", "update")


class UsageError(Exception):
    """Wrong arguments; the text is what the command says."""


@dataclass(slots=True)
class Asked:
    """What a command line asks for."""

    command: str = ""
    table: str = "conntrack"
    options: dict[str, str] = field(default_factory=dict)
    protocol: int | None = None

    @property
    def outputs(self) -> list[str]:
        """The words of -o."""
        return self.options["output"].split(",") if "output" in self.options else []


def read(argv: Sequence[str]) -> Asked:
    """Raises UsageError."""
    asked, words = Asked(), list(argv)
    while words:
        word, equals, value = words.pop(0).partition("=")
        if word in COMMANDS:
            _command(asked, word, words)
        elif word in _OPTIONAL:
            given = words and not words[0].startswith("-")
            asked.options[_OPTIONAL[word]] = value or (words.pop(0) if given else "")
        elif word in _FLAGS:
            asked.options[_FLAGS[word]] = ""
        elif not word.startswith("-"):
            raise UsageError(f"unknown argument `{word}'")
        else:
            _option(asked, word, value if equals else None, words)
    _check(asked)
    return asked


def _command(asked: Asked, word: str, words: list[str]) -> None:
    if asked.command:
        raise UsageError("Invalid commands combination")
    asked.command = COMMANDS[word]
    if words and not words[0].startswith("-"):
        asked.table = words.pop(0)
        if asked.table not in _TABLES:
            raise UsageError(f"unknown type `{asked.table}'")


def _option(asked: Asked, word: str, value: str | None, words: list[str]) -> None:
    known = {**_OPTIONS, **_OF_PROTOCOL.get(asked.protocol or 0, {})}
    if word not in known:
        raise UsageError(f"unknown option `{word}'")
    if value is None and not words:
        raise UsageError(f"option `{word}' requires an argument")
    name = known[word]
    asked.options[name] = words.pop(0) if value is None else value
    if name == "proto":
        asked.protocol = protocol(asked.options[name])


def protocol(value: str) -> int:
    """A protocol by number or name. Raises UsageError."""
    if value.isdigit():
        return int(value)
    if value not in _PROTOCOLS:
        raise UsageError(f"`{value}' unsupported protocol")
    return _PROTOCOLS[value]


def _check(asked: Asked) -> None:
    for word in asked.outputs:
        if word not in _OUTPUTS:
            raise UsageError(f"Bad parameter `{word}'")
    for mask, address in (("mask-src", "orig-src"), ("mask-dst", "orig-dst")):
        if mask in asked.options and address not in asked.options:
            raise UsageError(f"Can't use --{mask} without --{address[5:]}")
    for name in _ONLY_EVENTS:
        if name in asked.options and asked.command != "event":
            raise UsageError(f"Illegal option `--{name}' with this command")
    needed = {"create": ("protonum", "timeout"), "add": ("protonum", "timeout"),
              "get": ("protonum",)}.get(asked.command, ())
    for name in needed:
        if ("proto" if name == "protonum" else name) not in asked.options:
            raise UsageError(f"You need to supply the `--{name}' option for this command")
