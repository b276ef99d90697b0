"""Field selectors: `status.phase=Running,metadata.name!=web`. Models apimachinery/pkg/fields.

Which fields a kind knows is the kind's business: the registry gives `matches` their values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from apiserver.machinery.selectors import SelectorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    """One term: the field must, or must not, have the value."""

    field: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.field}{'!=' if self.negated else '='}{_escape(self.value)}"


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Terms that all must hold; none match everything."""

    requirements: tuple[FieldRequirement, ...] = ()

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Whether an object with these values is selected; a field that is missing reads ''."""
        return all((fields.get(term.field, "") == term.value) is not term.negated
                   for term in self.requirements)

    def exact(self, field: str) -> str | None:
        """The value that `field` must have, when the selector says so."""
        return next((term.value for term in self.requirements
                     if term.field == field and not term.negated), None)

    @property
    def empty(self) -> bool:
        """Whether it selects everything."""
        return not self.requirements

    def __str__(self) -> str:
        return ",".join(str(term) for term in self.requirements)


_TERM: Final = re.compile(r"((?:[^\\=!]|\\.|!(?!=))*?)(!=|==|=)(.*)", re.DOTALL)


@lru_cache(maxsize=1024)
def parse_field_selector(text: str) -> FieldSelector:
    """The selector that `text` spells; '' selects everything. Raises SelectorError."""
    terms = []
    for term in _split_terms(text):
        if not term:
            continue
        match = _TERM.fullmatch(term)
        if match is None:
            raise SelectorError(f"invalid selector: '{text}'; can't understand '{term}'")
        field, sign, value = match.groups()
        terms.append(FieldRequirement(field, _unescape(value), sign == "!="))
    return FieldSelector(tuple(terms))


def _split_terms(text: str) -> Iterator[str]:
    """Split at commas that no backslash escapes."""
    start, escaped = 0, False
    for at, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == ",":
            yield text[start:at]
            start = at + 1
    yield text[start:]


def _unescape(value: str) -> str:
    """Undo `\\\\`, `\\,` and `\\=`. Raises SelectorError at any other use of these characters."""
    out, escaped = [], False
    for character in value:
        if escaped and character not in "\\,=":
            raise SelectorError(f"invalid field selector: invalid escape sequence: \\{character}")
        if not escaped and character == "\\":
            escaped = True
            continue
        if not escaped and character in ",=":
            raise SelectorError(f"invalid field selector: unescaped character in field selector "
                                f"value: {character}")
        out.append(character)
        escaped = False
    if escaped:
        raise SelectorError("invalid field selector: ending with an unescaped backslash")
    return "".join(out)


def _escape(value: str) -> str:
    return re.sub(r"([\\,=])", r"\\\1", value)
