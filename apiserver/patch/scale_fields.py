"""Ownership of `replicas` as the subresource `scale` sees it. Models managedfields.ScaleHandler."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from apiserver.patch import fieldset
from apiserver.patch.managed_fields import Entry, Manager, Managers

VERSION: Final = "autoscaling/v1"
_REPLICAS: Final = fieldset.of("spec.replicas")


def to_scale(managers: Managers, path: str) -> Managers:
    """The managers of a Scale: those of the object that own its replicas (`path` in the object)."""
    own = fieldset.of(path)
    return {_in_version(manager, VERSION): replace(entry, fields=_REPLICAS, api_version=VERSION)
            for manager, entry in managers.items() if entry.fields.intersection(own)}


def to_parent(managers: Managers, scale: Managers, path: str, api_version: str) -> Managers:
    """The object's managers after a write to its Scale left the Scale with `scale`."""
    own, waiting = fieldset.of(path), dict(scale)
    result: Managers = {}
    for manager, entry in managers.items():
        kept = waiting.pop(_in_version(manager, VERSION), None) is not None
        if kept or not entry.fields.intersection(own):
            result[manager] = entry
        elif rest := entry.fields.difference(own):
            result[manager] = replace(entry, fields=rest)
    for manager, entry in waiting.items():
        key = _in_version(manager, api_version)
        fields = own.union(result[key].fields) if key in result else own
        result[key] = Entry(fields=fields, api_version=api_version, time=entry.time)
    return result


def _in_version(manager: Manager, api_version: str) -> Manager:
    """An updater's entry is told apart by its version too, an applier's is not."""
    return manager._replace(api_version=api_version) if manager.api_version else manager
