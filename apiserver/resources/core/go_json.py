"""What Go's encoding/json says of a broken document, word for word (scanner.go)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_VALUE: Final = "looking for beginning of value"
_LITERALS: Final = {"t": "true", "f": "false", "n": "null"}
_KINDS: Final = {'"': "string", "[": "array", "t": "bool", "f": "bool"}
_WHITE: Final = " \t\r\n"


class _Broken(Exception):
    """The document ends in a complaint."""


def object_complaint(document: bytes) -> str:
    """Why `document` cannot be read into a Go map; '' when it can."""
    text = document.decode("utf-8", "replace")
    scanner = _Scanner(text)
    try:
        scanner.document()
    except _Broken as broken:
        return str(broken)
    first = text.lstrip(_WHITE)[0]
    if first in "{n":
        return ""
    kind = _KINDS.get(first, "number")
    return f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def document(self) -> None:
        self._value(_VALUE)
        if self._peek():
            raise self._unexpected("after top-level value")

    def _peek(self) -> str:
        """The next character that is no white space, '' at the end."""
        while self._at < len(self._text) and self._text[self._at] in _WHITE:
            self._at += 1
        return self._text[self._at:self._at + 1]

    def _next(self, context: str, wanted: str) -> None:
        if self._peek() not in (*wanted,):
            raise self._unexpected(context)
        self._at += 1

    def _unexpected(self, context: str) -> _Broken:
        character = self._text[self._at:self._at + 1]
        if not character:
            return _Broken("unexpected end of JSON input")
        shown = {"'": r"'\''", '"': "'\"'"}.get(character, f"'{character}'")
        return _Broken(f"invalid character {shown} {context}")

    def _value(self, context: str) -> None:
        first = self._peek()
        if first == "{":
            self._members()
        elif first == "[":
            self._elements()
        elif first == '"':
            self._string()
        elif first in _LITERALS:
            self._literal(_LITERALS[first])
        elif first and first in "-0123456789":
            self._number()
        else:
            raise self._unexpected(context)

    def _members(self) -> None:
        self._at += 1
        if self._peek() == "}":
            self._at += 1
            return
        while True:
            if self._peek() != '"':
                raise self._unexpected("looking for beginning of object key string")
            self._string()
            self._next("after object key", ":")
            self._value(_VALUE)
            self._next("after object key:value pair", ",}")
            if self._text[self._at - 1] == "}":
                return

    def _elements(self) -> None:
        self._at += 1
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            self._value(_VALUE)
            self._next("after array element", ",]")
            if self._text[self._at - 1] == "]":
                return

    def _string(self) -> None:
        self._at += 1
        for character in self._characters():
            if character == '"':
                return
            if character == "\\":
                self._escape()
            elif character < " ":
                self._at -= 1
                raise self._unexpected("in string literal")
        raise self._unexpected("in string literal")

    def _characters(self) -> Iterator[str]:
        while self._at < len(self._text):
            self._at += 1
            yield self._text[self._at - 1]

    def _escape(self) -> None:
        character = self._text[self._at:self._at + 1]
        if character == "u":
            for _ in range(4):
                self._at += 1
                digit = self._text[self._at:self._at + 1]
                if not digit or digit not in "0123456789abcdefABCDEF":
                    raise self._unexpected(r"in \u hexadecimal character escape")
        elif not character or character not in 'bfnrt\\/"':
            raise self._unexpected("in string escape code")
        self._at += 1

    def _literal(self, word: str) -> None:
        for i, wanted in enumerate(word):
            if self._text[self._at:self._at + 1] != wanted:
                raise self._unexpected(f"in literal {word} (expecting '{wanted}')") if i else \
                    self._unexpected(_VALUE)
            self._at += 1

    def _number(self) -> None:
        if self._text[self._at] == "-":
            self._at += 1
            if self._text[self._at:self._at + 1] not in (*"0123456789",):
                raise self._unexpected("in numeric literal")
        if self._text[self._at] == "0":
            self._at += 1
        else:
            self._digits()
        if self._text[self._at:self._at + 1] == ".":
            self._at += 1
            self._some_digits("after decimal point in numeric literal")
        if self._text[self._at:self._at + 1] in ("e", "E"):
            self._at += 1
            if self._text[self._at:self._at + 1] in ("+", "-"):
                self._at += 1
            self._some_digits("in exponent of numeric literal")

    def _some_digits(self, context: str) -> None:
        if self._text[self._at:self._at + 1] not in (*"0123456789",):
            raise self._unexpected(context)
        self._digits()

    def _digits(self) -> None:
        while self._text[self._at:self._at + 1] in (*"0123456789",):
            self._at += 1
