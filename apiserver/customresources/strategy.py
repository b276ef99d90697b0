"""What is special about a custom resource. Models apiextensions' registry/customresource/strategy.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final

from apiserver.customresources.defaulting import compile_defaults
from apiserver.customresources.invariants import compile_embedded, compile_list_types
from apiserver.customresources.jsonpath import find, parse_path
from apiserver.customresources.validation import NO_PATH, compile_validator
from apiserver.machinery.errors import MethodNotAllowed
from apiserver.machinery.validation import FieldError, invalid
from apiserver.patch.typed import MISSING
from apiserver.strategy import RESETS_WITH_METADATA, Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.customresources.invariants import Check
    from apiserver.machinery.types import Object

_MAX_REPLICAS: Final = 2**31 - 1
_NOT_SPEC: Final = frozenset({"metadata", "status"})
_BLOCKING: Final = frozenset({"FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany",
                              "FieldValueTypeInvalid"})
"""After these complaints rules are not evaluated: they could not trust the types."""
_NOT_CHECKED: Final = ("some validation rules were not checked because the object was invalid; "
                       "correct the existing errors to complete validation")


class CustomResourceStrategy(Strategy):
    """One version of one CRD."""

    resets = RESETS_WITH_METADATA

    unconditional_update: ClassVar[bool] = False
    any_finalizer: ClassVar[bool] = True

    def __init__(self, version: Object, *, terminating: bool = False) -> None:
        """`version`: an element of spec.versions."""
        self.schema: Object = (version.get("schema") or {}).get("openAPIV3Schema") or {}
        self._scale = (version.get("subresources") or {}).get("scale")
        self._has_status = (version.get("subresources") or {}).get("status") is not None
        self._selectable = tuple(
            (each["jsonPath"].lstrip("."), parse_path(each["jsonPath"]))
            for each in version.get("selectableFields") or ())
        self._terminating = terminating
        self._defaults = compile_defaults(self.schema)

    @cached_property
    def _validate_schema(self) -> Check:
        return compile_validator(self.schema)

    @cached_property
    def _validate_status(self) -> Check:
        return compile_validator((self.schema.get("properties") or {}).get("status") or {})

    @cached_property
    def _invariants(self) -> list[Check]:
        made = (compile_embedded(self.schema), compile_list_types(self.schema))
        return [check for check in made if check is not None]

    @cached_property
    def _rules(self) -> Check | None:
        from apiserver.customresources.cel.rules import compile_rules, has_rules

        return compile_rules(self.schema, resource=True) if has_rules(self.schema) else None

    # --- writes ----------------------------------------------------------------------------------

    def default(self, obj: Object) -> None:
        if self._defaults is not None:
            self._defaults(obj)

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        if self._terminating:
            raise MethodNotAllowed(
                "create not allowed while custom resource definition is terminating",
                details={"group": ctx.resource.group, "kind": ctx.resource.plural})

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return self._errors(obj, MISSING, self._validate_schema(obj, MISSING, ""))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return self._errors(obj, old, self._validate_schema(obj, old, ""))

    def generation_changed(self, obj: Object, old: Object) -> bool:
        apart = _NOT_SPEC if self._has_status else frozenset({"metadata"})
        return {key: value for key, value in obj.items() if key not in apart} != {
            key: value for key, value in old.items() if key not in apart}

    def prepare_status_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        metadata = obj["metadata"]
        kept = {**old["metadata"], "resourceVersion": metadata["resourceVersion"]}
        kept.pop("managedFields", None)
        if "managedFields" in metadata:
            kept["managedFields"] = metadata["managedFields"]
        obj["metadata"] = kept

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        if "status" not in obj:
            return self._errors(obj, old, [])
        errors = self._validate_status(obj["status"], old.get("status", MISSING), "status")
        return self._errors(obj, old, errors)

    def _errors(self, obj: Object, old: Any, errors: list[FieldError]) -> list[FieldError]:
        errors = errors + self._scale_errors(obj)
        for check in self._invariants:
            errors += check(obj, old, "")
        if self._rules is None:
            return errors
        if any(error.reason in _BLOCKING for error in errors):
            return [*errors, invalid(NO_PATH, None, _NOT_CHECKED)]
        return errors + self._rules(obj, old, "")

    def _scale_errors(self, obj: Object) -> list[FieldError]:
        errors = []
        paths = (self._scale["specReplicasPath"],
                 self._scale["statusReplicasPath"]) if self._scale else ()
        for path in paths:
            value = next(iter(find(obj, parse_path(path))), 0)
            if not isinstance(value, int):
                continue
            if value < 0:
                errors.append(invalid(path, value, "should be a non-negative integer"))
            elif value > _MAX_REPLICAS:
                errors.append(invalid(path, value, "should be less than or equal to "
                                      f"{_MAX_REPLICAS}"))
        return errors

    # --- reads -----------------------------------------------------------------------------------

    def fields(self, obj: Object) -> dict[str, str]:
        return {name: _field_text(next(iter(find(obj, steps)), None))
                for name, steps in self._selectable}


def _field_text(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
