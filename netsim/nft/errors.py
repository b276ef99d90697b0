"""What goes wrong with nft text and nft rule sets."""

from __future__ import annotations

__all__ = ["NftError", "NftSyntaxError"]


class NftError(Exception):
    """An nft command that cannot be carried out; the message is what nft says after `Error: `."""


class NftSyntaxError(NftError):
    """Text that is not nft's language, or not the part of it that is known here."""
