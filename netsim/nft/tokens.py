"""nft text cut into words, strings, brackets and ends of statements."""

from __future__ import annotations

import re
from typing import Final

from netsim.nft.errors import NftSyntaxError

__all__ = ["Tokens"]

_TOKEN: Final = re.compile(
    r'"[^"]*"\*?|#[^\n]*|\\\n|\n|;|!=|==|\[[0-9a-fA-F:.]+\](?::\d+)?|[{}(),=&|^]|\d+(?=:\s)|[^\s{}(),;=&|^"#!]+'
)
_BREAKS: Final = frozenset(("\n", ";"))


class Tokens:
    """A reader over the tokens of a text; a line's end and `;` end a statement."""

    def __init__(self, text: str | list[str]) -> None:
        self._tokens = _split(text) if isinstance(text, str) else text
        self._at = 0

    def peek(self) -> str:
        """The next token; '' at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def next(self) -> str:
        """Take the next token. Raises NftSyntaxError at the end."""
        token = self.peek()
        if not token:
            raise NftSyntaxError("syntax error, unexpected end of file")
        self._at += 1
        return token

    def accept(self, word: str) -> bool:
        """Take the next token if it is this one."""
        if self.peek() != word:
            return False
        self._at += 1
        return True

    def expect(self, word: str) -> None:
        """Take the next token, which must be this one. Raises NftSyntaxError."""
        found = self.next()
        if found != word:
            raise NftSyntaxError(f"syntax error, unexpected {found}, expecting {word}")

    def string(self) -> str:
        """Take a string, with or without quotes."""
        return self.next().strip('"')

    def comma_list(self) -> list[str]:
        """Take words with commas between."""
        words = [self.next()]
        while self.accept(","):
            words.append(self.next())
        return words

    def at_break(self) -> bool:
        """Whether a statement ends here."""
        return self.peek() in _BREAKS or self.peek() in ("", "}")

    def skip_breaks(self) -> bool:
        """Pass over ends of statements; whether anything is left."""
        while self.peek() in _BREAKS:
            self._at += 1
        return bool(self.peek())

    def end_of_block(self) -> bool:
        """Take the brace that ends a block, if it is next. Raises NftSyntaxError at the end."""
        self.skip_breaks()
        if not self.peek():
            self.next()
        return self.accept("}")

    def block(self) -> Tokens:
        """Take a block in braces, and give a reader over what is in it."""
        self.expect("{")
        start, depth = self._at, 1
        while depth:
            depth += {"{": 1, "}": -1}.get(self.next(), 0)
        return Tokens(self._tokens[start : self._at - 1])


def _split(text: str) -> list[str]:
    return [t for t in _TOKEN.findall(text) if not t.startswith(("#", "\\"))]
