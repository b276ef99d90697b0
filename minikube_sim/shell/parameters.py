"""What `$name`, `${name...}` and arrays stand for. Models bash's parameter expansion."""

from __future__ import annotations

import fnmatch
import re
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from minikube_sim.shell.arithmetic import evaluate
from minikube_sim.shell.state import Abandoned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from minikube_sim.shell.context import Machine
    from minikube_sim.shell.state import State

_NAME: Final = re.compile(r"[A-Za-z_]\w*|\d+|[?#@*$!-]")
_PID: Final = "4242"
_UNBOUND: Final = 127


class Values(NamedTuple):
    """What a parameter stands for: one value, or those of `@` and `*`."""

    values: list[str]
    many: bool = False
    joined: bool = False
    """`*`: one text within double quotes."""


def lookup(state: State, machine: Machine, name: str, subscript: str | None = None) -> Values:
    """The values of a parameter; [] when it is not set."""
    if name in ("@", "*"):
        return Values(list(state.arguments), many=True, joined=name == "*")
    if subscript in ("@", "*"):
        array = state.arrays.get(name)
        found = list(array.values()) if array is not None else _one(state, machine, name)
        return Values(found, many=True, joined=subscript == "*")
    if name in state.arrays:
        key = subscript if subscript is not None else "0"
        value = state.arrays[name].get(_key(state, name, key))
        return Values([] if value is None else [value])
    return Values(_one(state, machine, name) if subscript in (None, "0") else [])


def _one(state: State, machine: Machine, name: str) -> list[str]:
    special = {"?": str(state.status), "#": str(len(state.arguments)), "0": state.name,
               "$": _PID, "!": state.variables.get("!", ""), "-": "himBH",
               "PWD": state.directory, "HOSTNAME": machine.hostname}
    if name in special:
        return [special[name]]
    if name == "RANDOM":
        return [str(machine.chance.randrange(32768))]
    if name.isdigit():
        index = int(name) - 1
        return [state.arguments[index]] if index < len(state.arguments) else []
    return [state.variables[name]] if name in state.variables else []


def _key(state: State, name: str, subscript: str) -> str:
    """An index: a number, from the end when negative, or an associative array's key."""
    if name in state.associative:
        return subscript
    index = evaluate(subscript, state.variables)
    if index < 0:
        index += 1 + max(map(int, state.arrays.get(name, {})), default=-1)
    return str(index)


def assign(state: State, name: str, value: str, subscript: str | None = None, *,
           adds: bool = False) -> None:
    """`name=value`, `name[subscript]=value`, and `+=`. Raises Abandoned for readonly ones."""
    if name in state.readonly:
        raise Abandoned(f"{name}: readonly variable", 1)
    if subscript is None and name not in state.arrays:
        state.variables[name] = (state.variables.get(name, "") if adds else "") + value
        return
    array = state.arrays.setdefault(name, _begun(state, name))
    key = _key(state, name, subscript if subscript is not None else "0")
    array[key] = (array.get(key, "") if adds else "") + value
    if name not in state.associative:
        state.arrays[name] = dict(sorted(array.items(), key=lambda item: int(item[0])))


def _begun(state: State, name: str) -> dict[str, str]:
    value = state.variables.pop(name, None)
    return {} if value is None else {"0": value}


def assign_array(state: State, name: str, elements: Iterable[tuple[str | None, str]], *,
                 adds: bool = False) -> None:
    """`name=(a b [5]=c)`."""
    if name in state.readonly:
        raise Abandoned(f"{name}: readonly variable", 1)
    array = dict(state.arrays.get(name) or _begun(state, name)) if adds else {}
    state.variables.pop(name, None)
    index = 1 + max(map(int, array), default=-1) if name not in state.associative else 0
    for key, value in elements:
        if key is not None and name in state.associative:
            array[key] = value
            continue
        index = evaluate(key, state.variables) if key is not None else index
        array[str(index)] = value
        index += 1
    state.arrays[name] = array


def expand(state: State, machine: Machine, inner: str, operand: Callable[[int], str]) -> Values:
    """`${inner}`. `operand(at)`: what follows position `at` of `inner`, expanded.

    Raises ValueError for what bash calls a bad substitution, Abandoned for `${name:?word}`.
    """
    length = inner.startswith("#") and len(inner) > 1
    indirect = inner.startswith("!") and len(inner) > 1
    start = 1 if length or indirect else 0
    match = _NAME.match(inner, start)
    if match is None:
        raise ValueError(f"${{{inner}}}: bad substitution")
    name, at, subscript = match.group(), match.end(), None
    if inner[at:at + 1] == "[":
        end = inner.index("]", at)
        subscript, at = operand(at + 1)[:len(operand(at + 1)) - len(operand(end))], end + 1
    found = lookup(state, machine, name, subscript)
    if indirect:
        if subscript in ("@", "*"):
            return found._replace(values=list(state.arrays.get(name, {})))
        found = lookup(state, machine, found.values[0] if found.values else "")
    if length:
        many = found.many
        return Values([str(len(found.values) if many else len("".join(found.values)))])
    rest = inner[at:]
    if not rest:
        return _checked(state, name, found)
    return _operate(state, name, found, rest, operand(at))


def _checked(state: State, name: str, found: Values) -> Values:
    if not found.values and not found.many and "nounset" in state.options:
        raise Abandoned(f"{name}: unbound variable", _UNBOUND)
    return found


def plain(state: State, machine: Machine, name: str) -> Values:
    """`$name`. Raises Abandoned with `set -u`."""
    return _checked(state, name, lookup(state, machine, name))


def _operate(state: State, name: str, found: Values, rest: str, text: str) -> Values:
    colon = rest.startswith(":")
    operator = rest.lstrip(":")[:1]
    if operator and operator in "-=+?":
        missing = not found.values or (colon and not any(found.values))
        return _default(state, name, found, operator, text.lstrip(":")[1:], missing=missing)
    if colon:
        return found._replace(values=_sliced(state, found, text[1:]))
    change = _change(operator, rest, text)
    if change is None:
        raise ValueError(f"${{{name}{rest}}}: bad substitution")
    return found._replace(values=[change(value) for value in found.values])


def _change(operator: str, rest: str, text: str) -> Callable[[str], str] | None:
    """What is done to each value; None for no operator of bash's."""
    if operator in ("#", "%"):
        twice = rest[:2] in ("##", "%%")
        return partial(_trim, pattern=text[2 if twice else 1:], end=operator, longest=twice)
    if operator == "/":
        return partial(_replace, text=text[1:])
    return partial(_case, rest=rest) if operator in ("^", ",") else None


def _default(state: State, name: str, found: Values, operator: str, word: str, *,
             missing: bool) -> Values:
    if operator == "+":
        return Values([]) if missing else Values([word])
    if not missing:
        return found
    if operator == "=":
        assign(state, name, word)
    if operator == "?":
        raise Abandoned(f"{name}: {word or 'parameter null or not set'}", _UNBOUND)
    return Values([word])


def _sliced(state: State, found: Values, text: str) -> list[str]:
    """${name:offset:length}, of a text, or of the values of @."""
    offset_text, colon, length_text = text.partition(":")
    offset = evaluate(offset_text or "0", state.variables)
    length = evaluate(length_text or "0", state.variables) if colon else None
    if found.many:
        values = found.values[max(offset - 1, 0):] if found.values == list(
            state.arguments) else found.values[offset:]
        return values if length is None else values[:length]
    value = "".join(found.values)
    part = value[offset:] if offset >= 0 or -offset <= len(value) else ""
    return [part if length is None else part[:length]]


def _replace(value: str, text: str) -> str:
    """${name/pattern/word}, //, /# and /%."""
    everywhere = text.startswith("/")
    pattern, _, word = text.removeprefix("/").partition("/")
    anchor = pattern[:1] if pattern[:1] in ("#", "%") and not everywhere else ""
    expression = fnmatch.translate(pattern.removeprefix(anchor))[4:-3]  # without (?s: and )\Z
    expression = {"#": rf"\A(?s:{expression})", "%": rf"(?s:{expression})\Z"}.get(
        anchor, f"(?s:{expression})")
    return re.sub(expression, lambda _: word, value, count=0 if everywhere else 1)


def _case(value: str, rest: str) -> str:
    change = str.upper if rest[0] == "^" else str.lower
    return change(value) if rest[:2] in ("^^", ",,") else change(value[:1]) + value[1:]


def _trim(value: str, pattern: str, end: str, *, longest: bool) -> str:
    """${value#pattern} and ${value%pattern}."""
    lengths: Iterable[int] = range(len(value) + 1)
    if longest:
        lengths = reversed(range(len(value) + 1))
    for length in lengths:
        part = value[:length] if end == "#" else value[len(value) - length:]
        if fnmatch.fnmatchcase(part, pattern):
            return value[length:] if end == "#" else value[:len(value) - length]
    return value
