"""The semantics of the API, written once for all kinds. Models apiserver/pkg/registry/generic."""

from apiserver.registry.options import DeleteOptions, ListOptions, Patch, WatchOptions
from apiserver.registry.registry import Registry

__all__ = ["DeleteOptions", "ListOptions", "Patch", "Registry", "WatchOptions"]
