"""Bytes that one side feeds and the other awaits."""

from __future__ import annotations

import asyncio
from collections import deque


class Pipe:
    """A queue of chunks with an end."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._ended = False
        self._changed = asyncio.Event()

    def feed(self, data: bytes) -> None:
        """Add a chunk; nothing after the end, and empty ones say nothing."""
        if data and not self._ended:
            self._chunks.append(data)
            self._changed.set()

    def end(self) -> None:
        """No more will come; harmless twice."""
        self._ended = True
        self._changed.set()

    async def read(self) -> bytes:
        """The next chunk; b'' at the end."""
        while not self._chunks:
            if self._ended:
                return b""
            self._changed.clear()
            await self._changed.wait()
        return self._chunks.popleft()
