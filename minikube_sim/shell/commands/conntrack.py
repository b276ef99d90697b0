"""conntrack, on the node's own table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from minikube_sim.process import Interrupted
from netsim.conntrack.command import VERSION, chosen, run
from netsim.conntrack.connection import CONFIRMED
from netsim.conntrack.filters import tests
from netsim.conntrack.options import Asked, UsageError, read
from netsim.conntrack.text import event_text

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call
    from netsim.conntrack.connection import Connection

_SECONDS: Final = 10.0
_STEP: Final = 0.05


async def conntrack(call: Call) -> int:
    """List, count, change or delete tracked connections; -E shows what becomes of them."""
    if not call.machine.is_node:
        return call.complain(f"{call.state.name}: conntrack: command not found", 127)
    result = run(call.machine.network.conntrack, call.args)
    if not result.exit_code and set(call.args) & {"-E", "--event"}:
        return await _events(call, read(call.args))
    call.print(result.stdout, end="")
    call.err += result.stderr.encode()
    return result.exit_code


class _Watcher:
    """Sees what changed in the table between two looks."""

    def __init__(self, call: Call, asked: Asked) -> None:
        self._call = call
        self._table = call.machine.network.conntrack
        self._asked = asked
        self._mask = asked.options.get("event-mask", "ALL").upper().replace("S", "").split(",")
        self._tests = tests(asked)
        self._known: dict[Connection, tuple[int, int]] = {}
        self.shown = 0
        self._known = self._now()

    def _now(self) -> dict[Connection, tuple[int, int]]:
        return {c: (c.state, c.status & 0b110) for c in chosen(self._table, self._asked)}

    def __call__(self) -> None:
        """Look, and print what is new."""
        now = self._now()
        for connection, seen in now.items():
            before = self._known.get(connection)
            if before is None:
                self._tell("NEW", connection)
            elif before != seen:
                self._tell("UPDATE", connection)
        for connection in self._known:
            if connection not in now and connection.status & CONFIRMED:
                self._tell("DESTROY", connection)
        self._known = now

    def _tell(self, kind: str, connection: Connection) -> None:
        if not {"ALL", kind, kind + "S"} & set(self._mask):
            return
        self.shown += 1
        self._call.print(event_text(kind, connection, self._table.now(),
                                    extended="extended" in self._asked.outputs))


async def _events(call: Call, asked: Asked) -> int:
    """For ten seconds, or until it is interrupted: nobody can press Ctrl-C."""
    try:
        watcher = _Watcher(call, asked)
    except UsageError as problem:
        return call.complain(f"{VERSION}: {problem}", 2)
    network, end = call.machine.network, call.machine.now() + _SECONDS
    network.conntrack.watcher, network.flow_cache = watcher, False
    try:
        while (left := end - call.machine.now()) > 0:
            watcher()
            await call.sleep(min(_STEP, left))
    except Interrupted:
        watcher()  # Ctrl-C: tell the rest, and end well
    finally:
        network.conntrack.watcher, network.flow_cache = None, True
    call.complain(f"{VERSION}: {watcher.shown} flow events have been shown.")
    return 0
