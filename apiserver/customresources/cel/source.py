"""CEL as Kubernetes writes it into CEL as cel-rust reads it.

cel-rust has no optional syntax, no `cel.bind` and no macros of two variables, and some functions of
its own that differ. Since `x.f(y)` is `f(x, y)`, all of them are calls in other words:

    x.?a.b         x.optional_select('a').optional_select('b')
    x[?k]          x.optional_index(k)
    o.optMap(x, e)             o.optional_list().map(x, e).optional_of_list()
    cel.bind(n, v, e)          [v].map(n, e)[0]
    x.all(i, v, e)             x.pairs().all(p, e with p.k for i and p.v for v)
    size(x)                    kube_size(x)
"""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(r"""
    (?P<space>\s+|//[^\n]*)
    |(?P<string>[rRbB]{0,2}(?:\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<number>0[xX][0-9a-fA-F]+[uU]?|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?[uU]?|\.\d+(?:[eE][-+]?\d+)?)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<operator>\.\?|\[\?|&&|\|\||[<>=!]=|.)
    """, re.VERBOSE)
RENAMED: Final = {"size": "kube_size", "string": "kube_string"}
"""Functions of cel-rust that count bytes, or do not know Kubernetes' types."""
_TWO_VARIABLES: Final = {"all": "all", "exists": "exists", "existsOne": "exists_one",
                         "exists_one": "exists_one", "transformList": "map",
                         "transformMap": "map"}
_OPTIONALS: Final = {"optMap": "optional_of_list", "optFlatMap": "optional_in_list"}
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}

Tokens = list[str]


def translate(source: str) -> str:
    """The same expression in cel-rust's syntax."""
    return " ".join(_Translation().run([token for token, _ in tokens_of(source)]))


def tokens_of(source: str) -> list[tuple[str, int]]:
    """The tokens of an expression, each with its place."""
    return [(match.group(), match.start()) for match in _TOKEN.finditer(source)
            if match.lastgroup != "space"]


def place_of(source: str, name: str) -> int:
    """Where cel-go points: at a name, or at the parenthesis of a call."""
    called = re.search(rf"\b{name}\s*(\()", source)
    if called:
        return called.start(1)
    found = re.search(rf"(?<![\w.]){name}\b", source)
    return found.start() if found else max(source.find(name), 0)


def located(source: str, at: int, text: str) -> str:
    """The complaint as cel-go shows it, with the line and a mark below it."""
    line = source.count("\n", 0, max(at, 0))
    column = max(at, 0) - (source.rfind("\n", 0, max(at, 0)) + 1)
    shown = source.split("\n")[line]
    return (f"ERROR: <input>:{line + 1}:{column + 1}: {text}\n"
            f" | {shown}\n | {'.' * column}^")


def is_name(token: str) -> bool:
    """Whether a token is an identifier (or a keyword)."""
    return (token[:1].isalpha() and token.isidentifier()) or token[:1] == "_"


class _Translation:
    def __init__(self) -> None:
        self._pairs = 0

    def run(self, tokens: Tokens) -> Tokens:
        out: Tokens = []
        at = 0
        while at < len(tokens):
            at = self._one(tokens, at, out)
        return out

    def _one(self, tokens: Tokens, at: int, out: Tokens) -> int:
        """Translate what begins at `at`; where the rest begins."""
        token, after = tokens[at], tokens[at + 1:at + 2]
        if token == ".?" and after and is_name(after[0]):
            return self._optional_fields(tokens, at, out)
        if token == "[?":
            end = _closing(tokens, at, "[")
            out += [".", "optional_index", "(", *self.run(tokens[at + 1:end]), ")"]
            return end + 1
        if tokens[at:at + 4] == ["cel", ".", "bind", "("]:
            return self._bind(tokens, at, out)
        if after == ["("] and token in _TWO_VARIABLES and out[-1:] == ["."]:
            return self._macro(tokens, at, out)
        if after == ["("] and token in _OPTIONALS and out[-1:] == ["."]:
            return self._optional_map(tokens, at, out)
        out.append(RENAMED.get(token, token) if after == ["("] else token)
        return at + 1

    def _optional_map(self, tokens: Tokens, at: int, out: Tokens) -> int:
        """An optional as a list of one or none, whose element is mapped."""
        end = _closing(tokens, at + 1, "(")
        out += ["optional_list", "(", ")", ".", "map", "(", *self.run(tokens[at + 2:end]), ")",
                ".", _OPTIONALS[tokens[at]], "(", ")"]
        return end + 1

    def _optional_fields(self, tokens: Tokens, at: int, out: Tokens) -> int:
        while (tokens[at:at + 1] in ([".?"], ["."]) and tokens[at + 2:at + 3] != ["("]
               and at + 1 < len(tokens) and is_name(tokens[at + 1])):
            out += [".", "optional_select", "(", f'"{tokens[at + 1]}"', ")"]
            at += 2
        return at

    def _bind(self, tokens: Tokens, at: int, out: Tokens) -> int:
        end = _closing(tokens, at + 3, "(")
        parts = _split(tokens[at + 4:end])
        if len(parts) != 3:
            out.append(tokens[at])
            return at + 1
        name, value, body = parts
        out += ["[", *self.run(value), "]", ".", "map", "(", *name, ",", *self.run(body), ")",
                "[", "0", "]"]
        return end + 1

    def _macro(self, tokens: Tokens, at: int, out: Tokens) -> int:
        """A macro of two variables; one of a single variable passes as it is."""
        name = tokens[at]
        end = _closing(tokens, at + 1, "(")
        parts = _split(tokens[at + 2:end])
        if len(parts) < 3 or not all(len(p) == 1 and is_name(p[0]) for p in parts[:2]):
            out.append(name)
            return at + 1
        self._pairs += 1
        pair = f"pair_{self._pairs}"
        names = {parts[0][0]: [pair, ".", "k"], parts[1][0]: [pair, ".", "v"]}
        bodies = [_substituted(self.run(part), names) for part in parts[2:]]
        if name == "transformMap":
            bodies[-1] = ["{", '"k"', ":", pair, ".", "k", ",", '"v"', ":", *bodies[-1], "}"]
        out += ["pairs", "(", ")", ".", _TWO_VARIABLES[name], "(", pair]
        for body in bodies:
            out += [",", *body]
        out.append(")")
        if name == "transformMap":
            out += [".", "map_of_pairs", "(", ")"]
        return end + 1


def _closing(tokens: Tokens, at: int, bracket: str) -> int:
    """Where the bracket that opens at `at` closes; the end for broken text."""
    depth = 0
    for i in range(at, len(tokens)):
        token = tokens[i][:1] if tokens[i] == "[?" else tokens[i]
        if token == bracket:
            depth += 1
        elif token == _CLOSING[bracket]:
            depth -= 1
            if not depth:
                return i
    return len(tokens)


def _split(tokens: Tokens) -> list[Tokens]:
    """Arguments at the outermost commas."""
    parts: list[Tokens] = [[]]
    depth = 0
    for token in tokens:
        depth += (token in ("(", "[", "{", "[?")) - (token in (")", "]", "}"))
        if token == "," and not depth:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _substituted(tokens: Tokens, names: dict[str, Tokens]) -> Tokens:
    out: Tokens = []
    for at, token in enumerate(tokens):
        field = tokens[at - 1:at] == ["."]
        out += names[token] if token in names and not field else [token]
    return out
