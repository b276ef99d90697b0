"""Objects as rows of a table, what `kubectl get` prints. Models metav1.Table.

Which columns there are is the kind's declaration; here they become a Table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object
    from apiserver.resource import Resource
    from apiserver.storage.store import Version

IncludeObject = Literal["Metadata", "Object", "None"]


def table_of(resource: Resource, versions: Sequence[Version], now: float,
             include: IncludeObject = "Metadata", version: str = "v1") -> Object:
    """A Table of objects, still without metadata."""
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": {},
        "columnDefinitions": columns_of(resource),
        "rows": [row_of(resource, each.object, now, include, version) for each in versions],
    }


def columns_of(resource: Resource) -> list[Object]:
    """The columnDefinitions of a kind."""
    return [{"name": column.name, "type": column.type, "format": column.format,
             "description": column.description, "priority": column.priority}
            for column in resource.columns]


def row_of(resource: Resource, obj: Object, now: float, include: IncludeObject,
           version: str) -> Object:
    """One row: cells, conditions, and as much of the object as was asked for."""
    row: dict[str, Any] = {"cells": [column.cell(obj, now) for column in resource.columns]}
    if conditions := resource.strategy.row_conditions(obj):
        row["conditions"] = conditions
    row["object"] = _included(obj, include, version)
    return row


def _included(obj: Object, include: IncludeObject, version: str) -> Object | None:
    if include == "None":
        return None
    return obj if include == "Object" else partial_metadata(obj, version)


def partial_metadata(obj: Object, version: str = "v1") -> Object:
    """An object's metadata alone."""
    return {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}",
            "metadata": obj["metadata"]}
