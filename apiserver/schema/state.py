"""What happens while a body is decoded: where we are, what was wrong. Models sigs.k8s.io/json's decodeState."""

from __future__ import annotations

from typing import Any, Final

from apiserver.machinery.validation import go_quote

_STRICT_LIMIT: Final = 100


class DecodeError(ValueError):
    """The body does not fit the type; the text is what Go's decoder says."""


class Mismatch(Exception):
    """A JSON value of the wrong type: noted, and decoding goes on (json.UnmarshalTypeError)."""

    def __init__(self, value: Any, go_type: str) -> None:
        super().__init__()
        self.value = describe(value, go_type)
        self.go_type = go_type


class NumberText(float):
    """A JSON number that keeps how it was written, for error messages (`1.50`)."""

    text: str

    def __new__(cls, text: str) -> NumberText:
        """The number written as `text`."""
        number = super().__new__(cls, text)
        number.text = text
        return number


class Duplicated(dict[str, Any]):
    """A JSON object in which some keys were given more than once."""

    repeated: tuple[str, ...] = ()


class State:
    """One decoding: the path down to the current value, and what was found.

    A step of the path is a field's name (str), a list index (int) or a map key (a tuple of one).
    """

    __slots__ = ("mismatch", "path", "problems")

    def __init__(self) -> None:
        self.path: list[Any] = []
        self.mismatch = ""
        self.problems: list[str] = []

    def unknown(self, name: str) -> None:
        """Note a field that the type does not have."""
        self._problem("unknown", name)

    def duplicate(self, name: str) -> None:
        """Note a field or map key that was given more than once."""
        self._problem("duplicate", name)

    def save(self, struct: str, field: str, error: Mismatch) -> None:
        """Keep the first wrong type, as json does."""
        if not self.mismatch:
            names = [*(step for step in self.path if type(step) is str), field]
            self.mismatch = (f"json: cannot unmarshal {error.value} into Go struct field "
                             f"{struct}.{'.'.join(names)} of type {error.go_type}")

    def _problem(self, what: str, name: str) -> None:
        text = f"{what} field {go_quote(self._strict_path(name))}"
        if text not in self.problems and len(self.problems) < _STRICT_LIMIT:
            self.problems.append(text)

    def _strict_path(self, name: str) -> str:
        path = "".join(_step(step) for step in self.path)
        return f"{path}.{name}".removeprefix(".")


def _step(step: Any) -> str:
    if type(step) is int:
        return f"[{step}]"
    return f".{step if type(step) is str else step[0]}"


def describe(value: Any, go_type: str = "") -> str:
    """How json's errors call a value: `string`, `number`, `number 1.5` (for Go's integers), ..."""
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        text = value.text if isinstance(value, NumberText) else str(value)
        return f"number {text}" if go_type.startswith(("int", "uint", "float")) else "number"
    return "array" if isinstance(value, list) else "object"
