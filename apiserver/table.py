"""Objects as rows of a table, what `kubectl get` prints. Models metav1.Table.

Which columns there are is the kind's declaration; here they become a Table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from apiserver.resources.printing import SCALE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object
    from apiserver.resource import Column, Resource
    from apiserver.storage.store import Version

IncludeObject = Literal["Metadata", "Object", "None"]


def table_of(resource: Resource, versions: Sequence[Version], now: float,
             include: IncludeObject = "Metadata", version: str = "v1") -> Object:
    """A Table of objects, still without metadata."""
    objects = [each.object for each in versions]
    if resource.row_order is not None:
        objects.sort(key=resource.row_order)
    rows = [row_of(resource, obj, now, include, version) for obj in objects]
    return _table(resource.columns, rows, version)


def scale_table(scale: Object, now: float, include: IncludeObject, version: str) -> Object:
    """A Table of one Scale, whatever it scales."""
    row = _row(SCALE_COLUMNS, scale, now) | {"object": _included(scale, include, version)}
    table = _table(SCALE_COLUMNS, [row], version)
    table["metadata"] = {"resourceVersion": scale["metadata"]["resourceVersion"]}
    return table


def _table(columns: Sequence[Column], rows: list[Object], version: str) -> Object:
    return {"kind": "Table", "apiVersion": f"meta.k8s.io/{version}", "metadata": {},
            "columnDefinitions": _definitions(columns), "rows": rows}


def columns_of(resource: Resource) -> list[Object]:
    """The columnDefinitions of a kind."""
    return _definitions(resource.columns)


def _definitions(columns: Sequence[Column]) -> list[Object]:
    return [{"name": column.name, "type": column.type, "format": column.format,
             "description": column.description, "priority": column.priority}
            for column in columns]


def row_of(resource: Resource, obj: Object, now: float, include: IncludeObject,
           version: str) -> Object:
    """One row: cells, conditions, and as much of the object as was asked for."""
    row = _row(resource.columns, obj, now)
    if conditions := resource.strategy.row_conditions(obj):
        row["conditions"] = conditions
    row["object"] = _included(obj, include, version)
    return row


def _row(columns: Sequence[Column], obj: Object, now: float) -> dict[str, Any]:
    return {"cells": [column.cell(obj, now) for column in columns]}


def _included(obj: Object, include: IncludeObject, version: str) -> Object | None:
    if include == "None":
        return None
    return obj if include == "Object" else partial_metadata(obj, version)


def partial_metadata(obj: Object, version: str = "v1") -> Object:
    """An object's metadata alone."""
    return {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}",
            "metadata": obj["metadata"]}
