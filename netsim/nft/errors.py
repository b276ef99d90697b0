"""What goes wrong with nft text and nft rule sets."""

from __future__ import annotations

__all__ = ["BUSY", "EXISTS", "LOOP", "MISSING", "NOT_FOUND", "NftError", "NftSyntaxError"]

MISSING = "No such file or directory"
"""What nft itself looks up and does not find."""
NOT_FOUND = f"Could not process rule: {MISSING}"
"""What the kernel does not find."""
EXISTS = "Could not process rule: File exists"
BUSY = "Could not process rule: Device or resource busy"
LOOP = "Could not process rule: Too many links"


class NftError(Exception):
    """An nft command that cannot be carried out; the message is what nft says after `Error: `."""

    def __init__(self, message: str, span: tuple[int, int] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        """Where in the text the cause stands: begin and end; None: where it was read last."""


class NftSyntaxError(NftError):
    """Text that is not nft's language, or not the part of it that is known here."""
