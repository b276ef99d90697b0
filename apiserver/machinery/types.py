"""The JSON shapes that API objects are made of."""

from __future__ import annotations

from typing import Any, TypeAlias

JSON: TypeAlias = Any
"""Any JSON value: dict, list, str, int, float, bool or None."""

Object: TypeAlias = dict[str, Any]
"""An API object: a JSON dict with apiVersion, kind and metadata. Shared ones are never mutated."""
