"""Request bodies in YAML, as sigs.k8s.io/yaml reads them: YAML 1.1 words, JSON's values."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from apiserver.machinery.validation import go_quote

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TRUE: Final = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_FALSE: Final = frozenset(
    ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
_DEPTH: Final = 250
_NESTING: Final = (b"[", b"{", b"-", b"?", b":")
"""What every level of nesting has in the text."""
_ALIASING: Final = 10
"""How many values a byte of text may stand for."""
_SMALL: Final = 1000


class YAMLSyntaxError(ValueError):
    """The text is not YAML; the message is go-yaml's."""


class _Loader(_Base):  # type: ignore[misc]
    """Scalars resolved as go-yaml v2 does; times stay text."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


def _resolver(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"(?:{pattern})\\Z"),
                                  list(first))


_resolver("bool", "|".join(sorted(_TRUE | _FALSE, key=len, reverse=True)), "yYnNtTfFoO")
_resolver("int", r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|[1-9][0-9_]*|0)", "-+0123456789")
_resolver("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
                   r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+0123456789.")
_resolver("null", "~|null|Null|NULL|", "~nN")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"\Z"), [""])
_resolver("merge", "<<", "<")


def _bool(loader: Any, node: yaml.ScalarNode) -> bool:
    return str(loader.construct_scalar(node)) in _TRUE


def _int(loader: Any, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "").lower()
    sign, digits = (-1, text[1:]) if text[:1] == "-" else (1, text.removeprefix("+"))
    if digits.startswith(("0b", "0x", "0o")):
        return sign * int(digits, 0)
    return sign * int(digits, 8 if len(digits) > 1 and digits[0] == "0" else 10)


_Loader.add_constructor("tag:yaml.org,2002:bool", _bool)
_Loader.add_constructor("tag:yaml.org,2002:int", _int)


def parse_yaml(body: bytes) -> Any:
    """The JSON value of a YAML body. Raises YAMLSyntaxError with go-yaml's message."""
    try:
        if sum(map(body.count, _NESTING)) > _DEPTH:
            _check_depth(body)
        return _Values(body).of(yaml.load(body, _Loader))
    except yaml.MarkedYAMLError as error:
        raise YAMLSyntaxError(_message(error)) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise YAMLSyntaxError(f"yaml: {error}") from None


def repeated_keys(body: bytes) -> str:
    """What go-yaml says, strictly read, of keys that a mapping has twice; '' when none has.

    The text is JSON or YAML that was read before (JSON that is no YAML repeats nothing).
    """
    lines: list[str] = []
    try:
        root = yaml.compose(body, _Loader)
    except yaml.YAMLError:
        return ""
    if root is not None:
        _note_repeated(root, lines, set())
    return "\n  ".join(("yaml: unmarshal errors:", *lines)) if lines else ""


def yaml_lines(problem: str) -> list[str]:
    """A strict problem as warnings: go-yaml's complaints one by one (parseYAMLWarnings)."""
    head, *lines = problem.split("\n")
    return [line.strip() for line in lines] if head.startswith("yaml: ") else [problem]


def _note_repeated(node: yaml.Node, lines: list[str], seen: set[int]) -> None:
    """Inner mappings first, as they are decoded; an alias is looked at once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _note_repeated(item, lines, seen)
    elif isinstance(node, yaml.MappingNode):
        keys = set()
        for key, item in node.value:
            _note_repeated(item, lines, seen)
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if (key.tag, key.value) in keys:
                    lines.append(f"line {item.start_mark.line + 1}: key {go_quote(key.value)} "
                                 "already set in map")
                keys.add((key.tag, key.value))


def _check_depth(body: bytes) -> None:
    """The composer of libyaml's binding recurses in C: what is too deep would end the process."""
    depth = 0
    for event in yaml.parse(body, _Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEPTH:
            raise ValueError(f"exceeded max depth of {_DEPTH}")


class _Values:
    """Keys as text, aliases spelt out up to a limit: what yaml.YAMLToJSON leaves."""

    def __init__(self, body: bytes) -> None:
        self._left = _ALIASING * len(body) + _SMALL

    def of(self, value: Any) -> Any:
        """The value. Raises ValueError for what aliases blow up."""
        self._left -= 1
        if self._left < 0:
            raise ValueError("document contains excessive aliasing")
        if isinstance(value, dict):
            return {_key(key): self.of(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.of(item) for item in value]
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        return value


def _message(error: yaml.MarkedYAMLError) -> str:
    mark = error.context_mark
    if not mark or not mark.line:
        mark = error.problem_mark
    line = mark.line if mark else 0
    if line and isinstance(error, yaml.scanner.ScannerError):
        line += 1
    where = f"line {line}: " if line else ""
    return f"yaml: {where}{error.problem or 'unknown problem parsing YAML content'}"


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)
