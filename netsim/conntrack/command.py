"""The conntrack command: -L, -G, -D, -I, -A, -U, -F, -C, -S. Models conntrack-tools 1.4.7.

    options.py   the command line
    filters.py   which connections it chooses
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from netsim.conntrack.connection import ASSURED, CONFIRMED, SEEN_REPLY, Connection, invert
from netsim.conntrack.filters import mark, parse_ip, tests
from netsim.conntrack.options import Asked, UsageError, read
from netsim.conntrack.tcp import TcpState
from netsim.conntrack.text import connection_text, connections_xml

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netsim.conntrack.connection import FlowTuple
    from netsim.conntrack.table import ConntrackTable

VERSION: Final = "conntrack v1.4.7 (conntrack-tools)"
_HELP: Final = "Try `conntrack -h' or 'conntrack --help' for more information.\n"
_USAGE: Final = """Command line interface for the connection tracking system. Version 1.4.7
Usage: conntrack [commands] [options]

Commands:
  -L [table] [options]\t\tList conntrack or expectation table
  -G [table] parameters\t\tGet conntrack or expectation
  -D [table] parameters\t\tDelete conntrack or expectation
  -I [table] parameters\t\tCreate a conntrack or expectation
  -U [table] parameters\t\tUpdate a conntrack
  -E [table] [options]\t\tShow events
  -F [table]\t\t\tFlush table
  -C [table]\t\t\tShow counter
  -S\t\t\t\tShow statistics
"""
_MISSING: Final = "Operation failed: such conntrack doesn't exist"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What the command printed and its exit code."""

    exit_code: int
    stdout: str = ""
    stderr: str = ""


def run(table: ConntrackTable, arguments: Sequence[str]) -> CommandResult:
    """Run `conntrack ARGUMENTS` on a namespace's table."""
    try:
        asked = read(arguments)
        if not asked.command and asked.options:
            raise UsageError("unknown argument")
        return _COMMANDS[asked.command](table, asked)
    except UsageError as problem:
        return CommandResult(exit_code=2, stderr=f"{VERSION}: {problem}\n{_HELP}")


def _said(text: str, *, code: int = 0, out: str = "") -> CommandResult:
    return CommandResult(exit_code=code, stdout=out, stderr=f"{VERSION}: {text}\n")


def chosen(table: ConntrackTable, asked: Asked) -> list[Connection]:
    """The connections that the options choose. Raises UsageError."""
    wanted = tests(asked)
    return [connection for connection in table if all(test(connection) for test in wanted)]


def _lines(table: ConntrackTable, asked: Asked, found: list[Connection]) -> str:
    now, outputs = table.now(), asked.outputs
    if "xml" in outputs:
        return connections_xml(found, now)
    return "".join(
        connection_text(c, now, extended="extended" in outputs, ident="id" in outputs) + "\n"
        for c in found)


def _dump(table: ConntrackTable, asked: Asked) -> CommandResult:
    if asked.table == "expect":
        return _said("0 expectations have been shown.")
    found = chosen(table, asked) if asked.table == "conntrack" else []
    return _said(f"{len(found)} flow entries have been shown.", out=_lines(table, asked, found))


def _delete(table: ConntrackTable, asked: Asked) -> CommandResult:
    found = chosen(table, asked)
    lines = _lines(table, asked, found)
    for connection in found:
        table.delete(connection)
    return _said(f"{len(found)} flow entries have been deleted.", code=0 if found else 1, out=lines)


def _update(table: ConntrackTable, asked: Asked) -> CommandResult:
    found = chosen(table, Asked(asked.command, asked.table, {
        name: value for name, value in asked.options.items() if name not in ("mark", "timeout")
    }, asked.protocol))
    for connection in found:
        _apply(table, asked, connection)
    return _said(f"{len(found)} flow entries have been updated.", code=0 if found else 1,
                 out=_lines(table, asked, found))


def _apply(table: ConntrackTable, asked: Asked, connection: Connection) -> None:
    if "mark" in asked.options:
        value, mask = mark(asked.options["mark"])
        connection.set_mark(connection.mark & ~mask & 0xFFFFFFFF ^ value)
    if "timeout" in asked.options:
        connection.expires = table.now() + int(asked.options["timeout"])


def _flow(asked: Asked) -> FlowTuple:
    """The original tuple that the options name. Raises UsageError."""
    ends = []
    for name in ("orig-src", "orig-dst"):
        if name not in asked.options:
            raise UsageError(f"You need to supply the `--{name}' option for this command")
        ends.append(parse_ip(asked.options[name]))
    ports = [int(asked.options.get(name, "0")) for name in ("orig-port-src", "orig-port-dst")]
    return (ends[0][0], asked.protocol or 0, ends[0][1], ends[1][1], ports[0], ports[1])


def _get(table: ConntrackTable, asked: Asked) -> CommandResult:
    found = table.find(_flow(asked))
    if found is None:
        return _said(_MISSING, code=1)
    return _said("1 flow entries have been shown.", out=_lines(table, asked, [found[0]]))


def _create(table: ConntrackTable, asked: Asked) -> CommandResult:
    flow = _flow(asked)
    connection = Connection(flow, invert(flow))
    for bit, word in ((SEEN_REPLY, "SEEN_REPLY"), (ASSURED, "ASSURED")):
        if word in asked.options.get("status", "").upper().split(","):
            connection.status |= bit
    state = asked.options.get("state", "")
    if asked.protocol == 6:
        if state not in TcpState.__members__:
            raise UsageError(f"unknown TCP state `{state}'" if state else
                             "You need to supply the `--state' option for this command")
        connection.state = TcpState[state].value
    if table.find(connection.original) or table.find(connection.reply):
        return _said("Operation failed: such conntrack exists, try -U to update", code=1)
    _apply(table, asked, connection)
    connection.status |= CONFIRMED
    table.originals[connection.original] = table.replies[connection.reply] = connection
    return _said("1 flow entries have been created.")


def _flush(table: ConntrackTable, asked: Asked) -> CommandResult:
    if asked.table == "expect":
        return _said("expectation table has been emptied.")
    table.flush()
    return _said("connection tracking table has been emptied.")


def _count(table: ConntrackTable, asked: Asked) -> CommandResult:
    return CommandResult(exit_code=0, stdout=f"{0 if asked.table == 'expect' else len(table)}\n")


def _stats(table: ConntrackTable, asked: Asked) -> CommandResult:
    names = ("found", "invalid", "insert", "insert_failed", "drop", "early_drop", "error",
             "search_restart", "clash_resolve", "chaintoolong")
    counted = {"drop": table.drops}
    words = "".join(f"{name}={counted.get(name, 0)} " for name in names)
    return CommandResult(exit_code=0, stdout=f"cpu=0   \t{words}\n")


def _show(text: str) -> Callable[[ConntrackTable, Asked], CommandResult]:
    return lambda table, asked: CommandResult(exit_code=0, stdout=text)


def _event(table: ConntrackTable, asked: Asked) -> CommandResult:
    tests(asked)
    return _said("0 flow events have been shown.")


_COMMANDS: Final[dict[str, Callable[[ConntrackTable, Asked], CommandResult]]] = {
    "": _show(_USAGE), "help": _show(_USAGE), "version": _show(f"{VERSION}\n"), "dump": _dump,
    "delete": _delete, "update": _update, "get": _get, "create": _create, "add": _create,
    "flush": _flush, "count": _count, "stats": _stats, "event": _event,
}
