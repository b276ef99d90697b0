"""What happens while a body is decoded: where we are, what was wrong. Models sigs.k8s.io/json's
decodeState.
"""

from __future__ import annotations

from typing import Any, Final

from apiserver.machinery.validation import go_quote

_STRICT_LIMIT: Final = 100


class DecodeError(ValueError):
    """The body does not fit the type; the text is what Go's decoder says."""

    def __init__(self, text: str, conversion: str = "") -> None:
        super().__init__(text)
        self.conversion = conversion
        """The same in the words of runtime.UnstructuredConverter, which strategic merge uses."""


class Mismatch(Exception):
    """A JSON value of the wrong type: noted, and decoding goes on (json.UnmarshalTypeError)."""

    def __init__(self, value: Any, go_type: str) -> None:
        super().__init__()
        self.value = describe(value, go_type)
        self.go_type = go_type
        self.conversion = _conversion(value, go_type)


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

    __slots__ = ("conversion", "mismatch", "path", "problems")

    def __init__(self) -> None:
        self.path: list[Any] = []
        self.mismatch = ""
        self.conversion = ""
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
            self.conversion = error.conversion

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


_GO_KINDS: Final = ((dict, "map", "map[string]interface {}"), (list, "slice", "[]interface {}"),
                    (bool, "bool", "bool"), (str, "string", "string"), (int, "int64", "int64"),
                    (float, "float64", "float64"))
_SCALARS: Final = ("string", "int32", "int64", "bool", "float64", "types.UID")


def _conversion(value: Any, go_type: str) -> str:
    kind, name = next((kind, name) for type_, kind, name in _GO_KINDS if isinstance(value, type_))
    if go_type.startswith("[]"):
        return f"cannot restore slice from {kind}"
    if go_type.startswith("map[") or go_type == "v1.ResourceList":
        return f"cannot restore map from {kind}"
    if go_type in _SCALARS or isinstance(value, dict | list):
        return f"cannot convert {name} to {go_type}"
    return f"cannot restore struct from: {kind}"


def duplicates_in(value: Any) -> list[str]:
    """`duplicate field "a.b"` for every repeated key below a parsed value."""
    state = State()
    _walk_duplicates(value, state)
    return state.problems


def _walk_duplicates(value: Any, state: State) -> None:
    if isinstance(value, Duplicated):
        for key in value.repeated:
            state.duplicate(key)
    items = value.items() if isinstance(value, dict) else enumerate(
        value if isinstance(value, list) else ())
    for step, item in items:
        if isinstance(item, dict | list):
            state.path.append(step)
            _walk_duplicates(item, state)
            state.path.pop()
