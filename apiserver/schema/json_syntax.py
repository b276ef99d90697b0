"""What is wrong with a text that is not JSON, in the words of Go's encoding/json scanner."""

from __future__ import annotations

from typing import Final

_SPACE: Final = b" \t\r\n"
_LITERALS: Final = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}
_HEX: Final = b"0123456789abcdefABCDEF"
_DIGITS: Final = b"0123456789"
_ESCAPES: Final = b'bfnrt\\/"'
_END: Final = "unexpected end of JSON input"
_MAX_DEPTH: Final = 10000


class JSONSyntaxError(ValueError):
    """The text is not JSON; the message is Go's."""


def explain(data: bytes) -> str:
    """Go's error for `data`; '' when Go would accept it."""
    try:
        scanner = _Scanner(data)
        scanner.value("looking for beginning of value")
        scanner.space()
        if scanner.at < len(data):
            scanner.fail("after top-level value")
    except JSONSyntaxError as error:
        return str(error)
    return ""


class _Scanner:
    """A validating reader without values; containers are kept on a stack, not on Python's."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def peek(self) -> int:
        """The current byte. Raises JSONSyntaxError at the end."""
        if self.at >= len(self.data):
            raise JSONSyntaxError(_END)
        return self.data[self.at]

    def space(self) -> None:
        """Skip white space."""
        while self.at < len(self.data) and self.data[self.at] in _SPACE:
            self.at += 1

    def fail(self, context: str) -> None:
        """Complain about the current byte."""
        raise JSONSyntaxError(f"invalid character {_quoted(self.peek())} {context}")

    def value(self, context: str) -> None:
        """Read one value, nested ones included."""
        stack: list[int] = []
        self._begin(stack, context)
        while stack:
            self._step(stack)

    def _step(self, stack: list[int]) -> None:
        """After a value inside a container: the next one, or the container's end."""
        in_object = stack[-1] == ord("{")
        self.space()
        char = self.peek()
        if char == ord(","):
            self.at += 1
            if in_object:
                self._key()
            self._begin(stack, "looking for beginning of value")
        elif char == (ord("}") if in_object else ord("]")):
            self.at += 1
            stack.pop()
        else:
            self.fail("after object key:value pair" if in_object else "after array element")

    def _begin(self, stack: list[int], context: str) -> None:
        """Read a scalar, or open containers down to the first scalar or empty container."""
        while True:
            self.space()
            char = self.peek()
            if char not in b"{[":
                return self._scalar(char, context)
            self.at += 1
            if self._empty(char):
                return None
            stack.append(char)
            if len(stack) > _MAX_DEPTH:
                raise JSONSyntaxError("exceeded max depth")
            if char == ord("{"):
                self._key()

    def _empty(self, opened: int) -> bool:
        self.space()
        if self.peek() != (ord("}") if opened == ord("{") else ord("]")):
            return False
        self.at += 1
        return True

    def _key(self) -> None:
        self.space()
        if self.peek() != ord('"'):
            self.fail("looking for beginning of object key string")
        self._string()
        self.space()
        if self.peek() != ord(":"):
            self.fail("after object key")
        self.at += 1

    def _scalar(self, char: int, context: str) -> None:
        if char == ord('"'):
            self._string()
        elif char in _LITERALS:
            self._literal(_LITERALS[char])
        elif char in b"-0123456789":
            self._number()
        else:
            self.fail(context)

    def _literal(self, word: bytes) -> None:
        for expected in word:
            if self.peek() != expected:
                self.fail(f"in literal {word.decode()} (expecting {_quoted(expected)})")
            self.at += 1

    def _string(self) -> None:
        self.at += 1
        while (char := self.peek()) != ord('"'):
            if char < 0x20:
                self.fail("in string literal")
            self.at += 1
            if char == ord("\\"):
                self._escape()
        self.at += 1

    def _escape(self) -> None:
        char = self.peek()
        if char == ord("u"):
            self.at += 1
            for _ in range(4):
                if self.peek() not in _HEX:
                    self.fail("in \\u hexadecimal character escape")
                self.at += 1
            return
        if char not in _ESCAPES:
            self.fail("in string escape code")
        self.at += 1

    def _number(self) -> None:
        if self.peek() == ord("-"):
            self.at += 1
            if self.peek() not in _DIGITS:
                self.fail("in numeric literal")
        if self.peek() == ord("0"):
            self.at += 1
        else:
            self._digits()
        if self._follows(b"."):
            self._required_digits("after decimal point in numeric literal")
        if self._follows(b"eE"):
            self._follows(b"+-")
            self._required_digits("in exponent of numeric literal")

    def _required_digits(self, context: str) -> None:
        if self.peek() not in _DIGITS:
            self.fail(context)
        self._digits()

    def _digits(self) -> None:
        while self.at < len(self.data) and self.data[self.at] in _DIGITS:
            self.at += 1

    def _follows(self, chars: bytes) -> bool:
        found = self.at < len(self.data) and self.data[self.at] in chars
        self.at += found
        return found


def _quoted(char: int) -> str:
    """scanner.quoteChar: the byte as Go quotes it."""
    if char == ord("'"):
        return r"'\''"
    if char == ord('"'):
        return "'\"'"
    text = {7: r"\a", 8: r"\b", 9: r"\t", 10: r"\n", 11: r"\v", 12: r"\f", 13: r"\r",
            92: r"\\"}.get(char)
    if text is None:
        printable = 0x20 <= char < 0x7F or (char > 0xA0 and char != 0xAD)
        text = chr(char) if printable else f"\\x{char:02x}"
    if 0x80 <= char <= 0xA0 or char == 0xAD:
        text = f"\\u{char:04x}"
    return f"'{text}'"
