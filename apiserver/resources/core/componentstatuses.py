"""ComponentStatuses, which nobody keeps any more. Models pkg/registry/core/componentstatus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apiserver.resource import Resource
from apiserver.resources.printing import NAME, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.machinery.types import Object
    from apiserver.resource import Cell


def _healthy(obj: Object) -> Object:
    for condition in obj.get("conditions") or ():
        if condition.get("type") == "Healthy":
            return dict(condition)
    return {}


def _status(obj: Object, now: float) -> str:
    return {"True": "Healthy", "False": "Unhealthy"}.get(
        _healthy(obj).get("status", ""), "Unknown")


def _text(name: str) -> Cell:
    def cell(obj: Object, now: float) -> Any:
        return _healthy(obj).get(name, "")
    return cell


COMPONENTSTATUSES = Resource(
    group="", version="v1", kind="ComponentStatus", plural="componentstatuses",
    short_names=("cs",), namespaced=False, verbs=("get", "list"), strategy=Strategy(),
    deprecation="v1 ComponentStatus is deprecated in v1.19+",
    columns=(NAME, named("Status", _status, "Whether it is healthy."),
             named("Message", _text("message"), "What it says."),
             named("Error", _text("error"), "What is wrong with it.")))
