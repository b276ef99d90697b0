"""ConfigMaps. Models pkg/registry/core/configmap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_config_map_key
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    forbidden,
    invalid,
    same,
    too_long,
)
from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, count, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

MAX_DATA_BYTES: Final = 1024 * 1024
"""All values of a ConfigMap or Secret together (MaxSecretSize)."""
_IMMUTABLE: Final = "field is immutable when `immutable` is set"


class ConfigMapStrategy(Strategy):
    """Plain data."""

    has_generation = False
    revalidates_metadata = True

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        binary = obj.get("binaryData") or {}
        errors: list[FieldError] = []
        size = 0
        for key, value in (obj.get("data") or {}).items():
            path = Path("data").key(key)
            errors += all_invalid(path, key, is_config_map_key(key))
            if key in binary:
                errors.append(invalid(path, key, "duplicate of key present in binaryData"))
            size += len(value.encode())
        for key, value in binary.items():
            errors += all_invalid(Path("binaryData").key(key), key, is_config_map_key(key))
            size += decoded_size(value)
        return [*errors, too_long("[]", MAX_DATA_BYTES)] if size > MAX_DATA_BYTES else errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return frozen_errors(obj, old, ("data", "binaryData")) + self.validate(ctx, obj)


def decoded_size(text: str | None) -> int:
    """How many bytes a base64 text stands for; None is a nil slice."""
    return len(text) * 3 // 4 - text.count("=", -2) if text else 0


def frozen_errors(obj: Object, old: Object, names: Sequence[str]) -> list[FieldError]:
    """Complain about changes of what is marked `immutable`."""
    if not old.get("immutable"):
        return []
    errors = [] if obj.get("immutable") else [forbidden("immutable", _IMMUTABLE)]
    return errors + [forbidden(name, _IMMUTABLE) for name in names
                     if not same(obj.get(name), old.get(name))]


CONFIGMAPS = Resource(
    group="", version="v1", kind="ConfigMap", plural="configmaps", short_names=("cm",),
    strategy=ConfigMapStrategy(),
    columns=(NAME, named("Data", count("data", "binaryData"), "How many entries it has."), AGE))
