"""nft text cut into words, strings, brackets and ends of statements, each with its place."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from netsim.nft.errors import NftSyntaxError

__all__ = ["Token", "Tokens"]

_TOKEN: Final = re.compile(
    r'"[^"]*"\*?'  # a string
    r"|#[^\n]*|\\\n|\n|;"
    r"|!=|=="
    r"|\[[0-9a-fA-F:.]+\](?::\d+)?"  # an IPv6 address, perhaps with a port
    r"|[{}(),=&|^]"
    r"|\d+(?=:\s)"  # a key in front of a colon
    r'|[^\s{}(),;=&|^"#!]+'
)
_BREAKS: Final = frozenset(("\n", ";"))


class Token(NamedTuple):
    """A piece of text and where it begins."""

    text: str
    start: int


class Tokens:
    """A reader over the tokens of a text; a line's end and `;` end a statement."""

    def __init__(self, text: str | list[Token], end: int = 0) -> None:
        """`end`: where the text ends, when it comes as tokens."""
        self._tokens = _split(text) if isinstance(text, str) else text
        self._end = len(text) if isinstance(text, str) else end
        self._at = 0

    def peek(self) -> str:
        """The next token; '' at the end."""
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def next(self) -> str:
        """Take the next token. Raises NftSyntaxError at the end."""
        if self._at >= len(self._tokens):
            where = (self._end, self._end + 1)
            raise NftSyntaxError("syntax error, unexpected newline", where)
        self._at += 1
        return self._tokens[self._at - 1].text

    def span(self) -> tuple[int, int]:
        """Where the token that was taken last begins and ends."""
        if not self._at:
            return 0, 1
        text, start = self._tokens[self._at - 1]
        return start, start + len(text)

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
            message = f"syntax error, unexpected {found}, expecting {word}"
            raise NftSyntaxError(message, self.span())

    def name(self) -> str:
        """Take the name of something. Raises NftSyntaxError where a statement ends."""
        if self.at_break():
            start = self._tokens[self._at].start if self.peek() else self._end
            message = "syntax error, unexpected newline, expecting string"
            raise NftSyntaxError(message, (start, start + 1))
        return self.next()

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
        return Tokens(self._tokens[start : self._at - 1], self.span()[0])


def _split(text: str) -> list[Token]:
    found = (Token(m[0], m.start()) for m in _TOKEN.finditer(text))
    return [token for token in found if not token.text.startswith(("#", "\\"))]
