"""A CRD's schema as messages show it: the internal JSONSchemaProps with all their fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.validation import internal_struct

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_X: Final = "x-kubernetes-"
_FIELDS: Final[tuple[str | tuple[str, Any], ...]] = (
    ("ID:id", ""), ("Schema:$schema", ""), "Ref:$ref", ("Description", ""), ("Type", ""),
    ("Nullable", False), ("Format", ""), ("Title", ""), "Default", "Maximum",
    ("ExclusiveMaximum", False), "Minimum", ("ExclusiveMinimum", False), "MaxLength", "MinLength",
    ("Pattern", ""), "MaxItems", "MinItems", ("UniqueItems", False), "MultipleOf", "Enum",
    "MaxProperties", "MinProperties", "Required", "Items", "AllOf", "OneOf", "AnyOf", "Not",
    "Properties", "AdditionalProperties", "PatternProperties", "Dependencies", "AdditionalItems",
    "Definitions", "ExternalDocs", "Example", f"XPreserveUnknownFields:{_X}preserve-unknown-fields",
    (f"XEmbeddedResource:{_X}embedded-resource", False),
    (f"XIntOrString:{_X}int-or-string", False), f"XListMapKeys:{_X}list-map-keys",
    f"XListType:{_X}list-type", f"XMapType:{_X}map-type", f"XValidations:{_X}validations")


def shown_schema(node: Object) -> Any:
    """The struct, by its Go names."""
    shown = internal_struct(node, *_FIELDS)
    for name in ("AllOf", "OneOf", "AnyOf"):
        if shown[name] is not None:
            shown[name] = [shown_schema(part) for part in shown[name]]
    if isinstance(shown["Not"], dict):
        shown["Not"] = shown_schema(shown["Not"])
    if shown["Properties"] is not None:
        shown["Properties"] = {name: shown_schema(shown["Properties"][name])
                               for name in sorted(shown["Properties"])}
    if isinstance(shown["Items"], dict):
        shown["Items"] = {"Schema": shown_schema(shown["Items"]), "JSONSchemas": None}
    more = shown["AdditionalProperties"]
    if more is not None:
        shown["AdditionalProperties"] = {
            "Allows": more is not False,
            "Schema": shown_schema(more) if isinstance(more, dict) else None}
    return shown
