"""The conntrack command: -L, -D, -F, -C with filters. Models conntrack-tools 1.4.7."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from netsim.conntrack.connection import ASSURED, DST_NAT_DONE, SEEN_REPLY, SRC_NAT_DONE
from netsim.conntrack.text import NAMES, connection_text
from netsim.packet import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netsim.conntrack.connection import Connection
    from netsim.conntrack.table import ConntrackTable

_VERSION: Final = "conntrack v1.4.7 (conntrack-tools)"
_HELP: Final = "Try `conntrack -h' or 'conntrack --help' for more information.\n"
_PROTOCOLS: Final = {name: number for number, name in NAMES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What the command printed and its exit code."""

    exit_code: int
    stdout: str = ""
    stderr: str = ""


class _UsageError(Exception):
    """Wrong arguments; the text is what the command says."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _UsageError(message)


def _parser() -> _Parser:
    parser = _Parser(prog="conntrack", add_help=False, allow_abbrev=False)
    commands = parser.add_mutually_exclusive_group()
    for short, name in (("-L", "dump"), ("-D", "delete"), ("-F", "flush"), ("-C", "count")):
        commands.add_argument(short, f"--{name}", dest="command", action="store_const", const=name)
    parser.add_argument("table", nargs="?", choices=["conntrack"])
    for names in _FILTERS:
        parser.add_argument(*names.split(), dest=names.split()[-1])
    for short, name in (("-n", "src-nat"), ("-g", "dst-nat"), ("-j", "any-nat")):
        parser.add_argument(short, f"--{name}", dest=name, nargs="?", const="")
    parser.add_argument("-o", "--output", default="")
    return parser


def _protocol(value: str) -> int:
    if value.isdigit():
        return int(value)
    if value not in _PROTOCOLS:
        raise _UsageError(f"`{value}' unsupported protocol")
    return _PROTOCOLS[value]


def _address(value: str) -> tuple[int, int]:
    try:
        return parse_address(value)
    except ValueError:
        raise _UsageError(f"Invalid IP address `{value}'") from None


def _mark(value: str) -> tuple[int, int]:
    number, _, mask = value.partition("/")
    return int(number, 0), int(mask, 0) if mask else 0xFFFFFFFF


def _by_address(reply: bool, place: int) -> Callable[[str], Callable[[Connection], bool]]:
    def make(value: str) -> Callable[[Connection], bool]:
        family, address = _address(value)

        def test(connection: Connection) -> bool:
            flow = connection.reply if reply else connection.original
            return flow[0] == family and flow[place] == address

        return test

    return make


def _by_port(reply: bool, place: int) -> Callable[[str], Callable[[Connection], bool]]:
    def make(value: str) -> Callable[[Connection], bool]:
        port = int(value)
        return lambda c: (c.reply if reply else c.original)[place] == port

    return make


def _by_protocol(value: str) -> Callable[[Connection], bool]:
    number = _protocol(value)
    return lambda connection: connection.original[1] == number


def _by_mark(value: str) -> Callable[[Connection], bool]:
    number, mask = _mark(value)
    return lambda connection: connection.mark & mask == number


def _by_status(value: str) -> Callable[[Connection], bool]:
    def test(connection: Connection) -> bool:
        status = connection.status
        bits = {"ASSURED": status & ASSURED, "SEEN_REPLY": status & SEEN_REPLY,
                "UNSET": not status & SEEN_REPLY}
        return all(bits.get(word.upper(), False) for word in value.split(","))

    return test


def _by_family(value: str) -> Callable[[Connection], bool]:
    family = {"ipv4": 4, "ipv6": 6}.get(value)
    if family is None:
        raise _UsageError(f"`{value}' unsupported protocol")
    return lambda connection: connection.original[0] == family


_FILTERS: Final[dict[str, Callable[[str], Callable[[Connection], bool]]]] = {
    "-p --proto": _by_protocol,
    "-f --family": _by_family,
    "-m --mark": _by_mark,
    "-u --status": _by_status,
    "-s --src --orig-src": _by_address(False, 2),
    "-d --dst --orig-dst": _by_address(False, 3),
    "-r --reply-src": _by_address(True, 2),
    "-q --reply-dst": _by_address(True, 3),
    "--sport --orig-port-src": _by_port(False, 4),
    "--dport --orig-port-dst": _by_port(False, 5),
    "--reply-port-src": _by_port(True, 4),
    "--reply-port-dst": _by_port(True, 5),
}


def _source_moved(connection: Connection) -> bool:
    """As the command tells SNAT: it compares ids and types of ICMP as if they were ports, so that
    every ICMP flow counts.
    """
    original, reply = connection.original, connection.reply
    moved = reply[3] != original[2] or reply[5] != original[4]
    return bool(connection.status & SRC_NAT_DONE) and moved


def _destination_moved(connection: Connection) -> bool:
    """As the command tells DNAT."""
    original, reply = connection.original, connection.reply
    moved = reply[2] != original[3] or reply[4] != original[5]
    return bool(connection.status & DST_NAT_DONE) and moved


def _any_moved(connection: Connection) -> bool:
    return _source_moved(connection) or _destination_moved(connection)


_NAT: Final[dict[str, tuple[Callable[[Connection], bool], tuple[int, ...]]]] = {
    "src-nat": (_source_moved, (3,)),
    "dst-nat": (_destination_moved, (2,)),
    "any-nat": (_any_moved, (2, 3)),
}
"""By option: the test, and where in the reply tuple the new address stands."""


def _by_new_address(value: str, places: tuple[int, ...]) -> Callable[[Connection], bool]:
    _, address = _address(value.split(":")[0])
    return lambda connection: address in [connection.reply[place] for place in places]


def _nat_tests(options: dict[str, str | None]) -> list[Callable[[Connection], bool]]:
    """-n, -g, -j: translated at all, or to or from this address."""
    tests: list[Callable[[Connection], bool]] = []
    for name, (test, places) in _NAT.items():
        value = options[name]
        if value is not None:
            tests.append(test)
        if value:
            tests.append(_by_new_address(value, places))
    return tests


def _tests(options: dict[str, str | None]) -> list[Callable[[Connection], bool]]:
    tests = [
        make(value) for names, make in _FILTERS.items()
        if (value := options[names.split()[-1]]) is not None
    ]
    return tests + _nat_tests(options)


def run(table: ConntrackTable, arguments: Sequence[str]) -> CommandResult:
    """Run `conntrack ARGUMENTS` on a namespace's table."""
    try:
        options = vars(_parser().parse_args(list(arguments)))
        tests = _tests(options)
        command = options["command"]
        if command is None:
            raise _UsageError("You need to supply parameters")
    except (_UsageError, ValueError) as problem:
        return CommandResult(exit_code=2, stderr=f"{_VERSION}: {problem}\n{_HELP}")
    if command == "count":
        return CommandResult(exit_code=0, stdout=f"{len(table)}\n")
    if command == "flush":
        table.flush()
        text = f"{_VERSION}: connection tracking table has been emptied.\n"
        return CommandResult(exit_code=0, stderr=text)
    found = [c for c in table if all(test(c) for test in tests)]
    return _shown(table, found, extended="extended" in options["output"],
                  delete=command == "delete")


def _shown(
    table: ConntrackTable, found: list[Connection], *, extended: bool, delete: bool,
) -> CommandResult:
    now = table.now()
    lines = [connection_text(c, now, extended=extended) + "\n" for c in found]
    if delete:
        for connection in found:
            table.delete(connection)
    word = "deleted" if delete else "shown"
    return CommandResult(
        exit_code=1 if delete and not found else 0, stdout="".join(lines),
        stderr=f"{_VERSION}: {len(found)} flow entries have been {word}.\n",
    )
