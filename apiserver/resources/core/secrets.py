"""Secrets. Models pkg/registry/core/secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, count, field, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.machinery.types import Object


class SecretStrategy(Strategy):
    """Data of a certain type."""

    has_generation = False

    def fields(self, obj: Object) -> dict[str, str]:
        return {"type": obj.get("type", "")}


SECRETS = Resource(
    group="", version="v1", kind="Secret", plural="secrets", strategy=SecretStrategy(),
    columns=(NAME, named("Type", field("type"), "What kind of secret it is."),
             named("Data", count("data"), "How many entries it has."), AGE))
