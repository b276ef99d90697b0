"""What a patch of the status leaves alone.

Nothing that runs on a write to `status` changes the spec, and a strategic merge patch changes only
what it names. So only that is merged and decoded, and the new object shares the rest with the
stored one: a Pod's spec and managedFields are most of it. (The other kinds of patches show the
whole document in their complaints.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.options import Patch

_REACHED: Final = frozenset({"kind", "apiVersion", "metadata", "status"})
_PARTS: Final = ("metadata", "status")


def is_partial(ctx: RequestContext, patch: Patch) -> bool:
    """Whether the patch is of a kind that reaches only what it names."""
    return (ctx.subresource == "status" and patch.type == "strategic"
            and not patch.body.keys() - _REACHED)


def reached(old: Object, body: Object) -> Object:
    """The parts of the stored object that a patch can change."""
    return {field: _named(value, body, field) if field in _PARTS else value
            for field, value in old.items() if field in _REACHED}


def joined(old: Object, new: Object, body: Object) -> Object:
    """The new object: what `reached` has become, and the rest of the stored one."""
    result: Object = {}
    for field in {**old, **new}:
        if field in old and field not in _REACHED:
            result[field] = old[field]
        elif field in old and field in _PARTS and _is_plain(body, field):
            result[field] = _joined(old[field], new.get(field) or {}, body.get(field) or {})
        elif field in new:
            result[field] = new[field]
    return result


def _is_plain(body: Object, field: str) -> bool:
    """Whether the patch says nothing of a part, or names fields of it (no directives)."""
    part = body.get(field, {})
    return isinstance(part, dict) and not any(name.startswith("$") for name in part)


def _named(value: Any, body: Object, field: str) -> Any:
    if not _is_plain(body, field):
        return value
    names = body.get(field) or {}
    return {name: item for name, item in value.items() if name in names}


def _joined(old: Object, new: Object, names: Object) -> Object:
    return {name: new[name] if name in names or name not in old else old[name]
            for name in {**old, **new} if name in new or name not in names}
