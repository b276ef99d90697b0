"""stdin that comes over a connection, and the terminal between it and a program.

Models the line discipline of a pseudo terminal as far as shells need it: echo, line editing with
backspace, ^C, ^D, and newlines that become carriage return and newline.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Self

from minikube_sim.shell.redirection import Input

if TYPE_CHECKING:
    from collections.abc import Callable

_INTERRUPT, _END, _KILL_LINE = 3, 4, 21
_ERASE: Final = frozenset({8, 127})
_ENTER: Final = frozenset({10, 13})
_ESCAPE: Final = 27


class LiveInput(Input):
    """stdin that is fed; who reads it waits."""

    live = True

    def __init__(self, *, terminal: bool = False) -> None:
        super().__init__()
        self.terminal = terminal
        self._ended = False
        self._waiting: asyncio.Future[None] | None = None

    def feed(self, data: bytes) -> None:
        """More has come."""
        self._data += data
        self._tell()

    def end(self) -> None:
        """No more will come."""
        self._ended = True
        self._tell()

    async def read(self) -> bytes:
        """See Input."""
        while not self._ended:
            await self._wait()
        return await super().read()

    async def line(self) -> tuple[bytes, bool]:
        """See Input."""
        while b"\n" not in self._data and not self._ended:
            await self._wait()
        return await super().line()

    async def _wait(self) -> None:
        self._waiting = asyncio.get_running_loop().create_future()
        await self._waiting

    def _tell(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class LiveOutput(bytearray):
    """stdout or stderr whose bytes are handed on at once."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        super().__init__()
        self._write = write

    def __iadd__(self, data: Any) -> Self:  # type: ignore[misc]
        """Hand bytes on; nothing is kept."""
        if data:
            self._write(bytes(data))
        return self

    def __bool__(self) -> bool:
        """A stream, whatever it holds."""
        return True


class Terminal:
    """A pseudo terminal: keys in, lines to the program, everything visible out."""

    def __init__(self, out: Callable[[bytes], None], interrupt: Callable[[], None]) -> None:
        self.input = LiveInput(terminal=True)
        self._out = out
        self._interrupt = interrupt
        self._line = bytearray()
        self._escape = 0

    def show(self, data: bytes) -> None:
        """What the program writes."""
        self._out(data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))

    def type(self, data: bytes) -> None:
        """Keys that somebody has pressed."""
        for key in data:
            if self._escape:
                self._skip(key)
            elif key in _ENTER:
                self._enter()
            elif key in _ERASE:
                self._erase()
            else:
                self._other(key)

    def hang_up(self) -> None:
        """Nobody types any more."""
        if self._line:
            self.input.feed(bytes(self._line))
        self.input.end()

    def _enter(self) -> None:
        line, self._line = bytes(self._line), bytearray()
        self._out(b"\r\n")
        self.input.feed(line + b"\n")

    def _erase(self) -> None:
        if self._line:
            while len(self._line) > 1 and self._line[-1] & 0xC0 == 0x80:  # UTF-8's later bytes
                del self._line[-1]
            del self._line[-1]
            self._out(b"\b \b")

    def _other(self, key: int) -> None:
        if key == _INTERRUPT:
            self._line.clear()
            self._out(b"^C\r\n")
            self._interrupt()
        elif key == _END:
            if not self._line:
                self.input.end()
        elif key == _KILL_LINE:
            while self._line:
                self._erase()
        elif key == _ESCAPE:
            self._escape = 1
        elif key >= 32 or key == 9:
            self._line.append(key)
            self._out(bytes([key]))

    def _skip(self, key: int) -> None:
        """Leave out an escape sequence (arrow keys)."""
        begins = self._escape == 1 and key in b"[O"
        self._escape = 2 if begins else 0 if self._escape == 1 or 64 <= key < 127 else 2
