"""Cells that many kinds share. Models pkg/printers/internalversion/printers.go.

A cell gets (object, now) and gives what `kubectl get` prints: text, a number or a bool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.clock import parse_time
from apiserver.resource import Column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apiserver.machinery.types import JSON, Object
    from apiserver.resource import Cell

NONE: Final = "<none>"
UNSET: Final = "<unset>"
UNKNOWN: Final = "<unknown>"
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400


def human_duration(seconds: float) -> str:
    """A span in at most two units (`5m10s`, `3h`, `2d4h`). Models duration.HumanDuration."""
    whole = int(seconds)
    if whole < 0:
        return "0s" if whole == -1 else "<invalid>"
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    if whole < 3 * _HOUR:
        return _minutes(whole)
    if whole < 8 * _DAY:
        return _hours(whole)
    return _days(whole // _DAY)


def _minutes(whole: int) -> str:
    minutes = whole // _MINUTE
    return _two(minutes, "m", whole % _MINUTE, "s") if minutes < 10 else f"{minutes}m"


def _hours(whole: int) -> str:
    hours = whole // _HOUR
    if hours < 8:
        return _two(hours, "h", whole // _MINUTE % 60, "m")
    return f"{hours}h" if hours < 48 else _two(hours // 24, "d", hours % 24, "h")


def _days(days: int) -> str:
    if days < 2 * 365:
        return f"{days}d"
    return _two(days // 365, "y", days % 365, "d") if days < 8 * 365 else f"{days // 365}y"


def _two(big: int, big_unit: str, small: int, small_unit: str) -> str:
    return f"{big}{big_unit}{small}{small_unit}" if small else f"{big}{big_unit}"


def since(time: str | None, now: float) -> str:
    """The age of an RFC 3339 time; `<unknown>` without one."""
    return human_duration(now - parse_time(time)) if time else UNKNOWN


def until(time: str | None, now: float) -> str:
    """How far an RFC 3339 time lies ahead; `<unknown>` without one."""
    return human_duration(parse_time(time) - now) if time else UNKNOWN


def labels_text(labels: Mapping[str, str] | None) -> str:
    """`a=b,c=d` in order of the keys; `<none>` when empty. Models labels.FormatLabels."""
    if not labels:
        return NONE
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels))


def selector_text(selector: Object | None) -> str:
    """A LabelSelector in one line. Models metav1.FormatLabelSelector."""
    if selector is None:
        return NONE
    parts = [(k, f"{k}={v}") for k, v in (selector.get("matchLabels") or {}).items()]
    parts += [(e["key"], _requirement(e)) for e in selector.get("matchExpressions") or ()]
    return ",".join(text for _, text in sorted(parts, key=lambda part: part[0])) or NONE


def _requirement(expression: Object) -> str:
    key, operator = expression["key"], expression["operator"]
    values = ",".join(sorted(expression.get("values") or ()))
    text: dict[str, str] = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})",
                            "Exists": key, "DoesNotExist": f"!{key}"}
    return text[operator]


def dig(obj: JSON, *path: str) -> Any:
    """The value at a path of keys; None where there is nothing."""
    for key in path:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(key)
    return obj


def field(*path: str, default: JSON = "") -> Cell:
    """A cell that shows a field; `default` when it is absent or null."""
    def cell(obj: Object, now: float) -> Any:
        value = dig(obj, *path)
        return default if value is None else value
    return cell


def age(*path: str) -> Cell:
    """A cell that shows how long ago the time at `path` was."""
    return lambda obj, now: since(dig(obj, *path), now)


def selector(*path: str) -> Cell:
    """A cell that shows the LabelSelector at `path`."""
    return lambda obj, now: selector_text(dig(obj, *path))


def labels(*path: str) -> Cell:
    """A cell that shows the map at `path` as `a=b,c=d`."""
    return lambda obj, now: labels_text(dig(obj, *path))


def container_names(*path: str) -> Cell:
    """A cell that shows the containers' names of the pod spec at `path`."""
    return lambda obj, now: ",".join(c["name"] for c in dig(obj, *path, "containers") or ())


def container_images(*path: str) -> Cell:
    """A cell that shows the containers' images of the pod spec at `path`."""
    return lambda obj, now: ",".join(
        c.get("image", "") for c in dig(obj, *path, "containers") or ())


def count(*paths: str) -> Cell:
    """A cell that shows how many entries the lists or maps have together."""
    return lambda obj, now: sum(len(obj.get(path) or ()) for path in paths)


def joined(values: Sequence[str]) -> str:
    """Comma-separated, `<none>` when empty."""
    return ",".join(values) or NONE


def named(name: str, cell: Cell, description: str, *, priority: int = 0) -> Column:
    """A text column."""
    return Column(name, cell, description=description, priority=priority)


def number(name: str, cell: Cell, description: str) -> Column:
    """An integer column."""
    return Column(name, cell, type="integer", description=description)


NAME: Final = Column("Name", field("metadata", "name"), format="name",
                     description="The name, unique among its kind in a namespace.")
AGE: Final = Column("Age", age("metadata", "creationTimestamp"),
                    description="How long ago the object was created.")
SCALE_COLUMNS: Final = (
    Column("Name", field("metadata", "name"), description=NAME.description),
    number("Desired", field("spec", "replicas", default=0), "How many pods are wanted."),
    number("Available", field("status", "replicas", default=0), "How many pods there are."),
    AGE)
"""The columns of an autoscaling/v1 Scale."""
CREATED_AT: Final = Column("Created At", field("metadata", "creationTimestamp"), type="date",
                           description="When the object was created.")


def pod_columns(*path: str, selector_cell: Cell | None = None) -> tuple[Column, ...]:
    """The wide columns of what makes pods: Containers, Images, and Selector when given."""
    columns = (
        named("Containers", container_names(*path), "Names of the template's containers.",
              priority=1),
        named("Images", container_images(*path), "Images of the template's containers.",
              priority=1))
    if selector_cell is None:
        return columns
    return (*columns, named("Selector", selector_cell, "Which pods belong to it.", priority=1))
