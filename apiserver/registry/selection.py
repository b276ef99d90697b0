"""Which objects a list or watch wants: label and field selectors, as a kind knows them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from apiserver.machinery import meta
from apiserver.machinery.errors import BadRequest
from apiserver.machinery.fields import FieldSelector, parse_field_selector
from apiserver.machinery.selectors import Selector, SelectorError, parse_selector
from apiserver.machinery.validation import go_quote

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.resource import Resource
    from apiserver.strategy import Strategy

_NAME, _NAMESPACE = _COMMON = ("metadata.name", "metadata.namespace")


@dataclass(frozen=True, slots=True)
class Selection:
    """What to select from a kind's objects."""

    labels: Selector
    fields: FieldSelector
    strategy: Strategy

    @property
    def everything(self) -> bool:
        """Whether no object is left out."""
        return self.labels.empty and self.fields.empty

    def matches(self, obj: Object) -> bool:
        """Whether the object is selected."""
        if not self.labels.matches(meta.labels(obj)):
            return False
        return self.fields.empty or self.fields.matches(self._values(obj))

    def _values(self, obj: Object) -> dict[str, str]:
        return {"metadata.name": meta.name(obj), "metadata.namespace": meta.namespace(obj),
                **self.strategy.fields(obj)}


def select(ctx: RequestContext, label_selector: str, field_selector: str) -> Selection:
    """The selection that a request's texts spell. Raises BadRequest."""
    strategy = ctx.resource.strategy
    try:
        labels = parse_selector(label_selector)
        fields = parse_field_selector(field_selector)
    except SelectorError as error:
        raise BadRequest(str(error)) from None
    for requirement in fields.requirements:
        _check_known(requirement.field, ctx.resource)
    return Selection(labels, fields, strategy)


def _check_known(field: str, resource: Resource) -> None:
    known = _known_fields(resource.strategy)
    plain = not known and not resource.custom
    if field == _NAME or field in known or (
            field == _NAMESPACE and (resource.namespaced or plain)):
        return
    if plain:
        common = ", ".join(go_quote(name) for name in _COMMON)
        raise BadRequest(f"{go_quote(field)} is not a known field selector: only {common}")
    raise BadRequest(resource.strategy.unknown_field.format(field))


@lru_cache(maxsize=256)
def _known_fields(strategy: Strategy) -> frozenset[str]:
    return frozenset(strategy.fields({"metadata": {}}))
