"""Files that are there in full or not at all, whatever kills who writes them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file in one step, `mode` from its first byte on. Raises OSError, changing nothing."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)  # Windows' newlines
    try:
        with os.fdopen(os.open(temporary, flags, mode), "wb") as file:
            file.write(content)
        temporary.chmod(mode)  # whatever the umask took away
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
