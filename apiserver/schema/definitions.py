"""Kubernetes' OpenAPI definitions by version, from the PyPI package kubernetes-validate.

The definitions of one version are 1.6 MB of JSON, loaded at first use and shared between
clusters (they are never changed).
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import orjson

_FOLDER: Final = re.compile(r"v1\.(\d+)\.0-local")
Definitions = dict[str, dict[str, Any]]
"""Name (io.k8s.api.core.v1.Pod) to JSON schema."""


@cache
def available_minors() -> tuple[int, ...]:
    """The minor versions whose definitions are installed, oldest first."""
    found = (_FOLDER.fullmatch(path.name) for path in _root().iterdir())
    return tuple(sorted(int(match.group(1)) for match in found if match))


def minor_of(version: str) -> int:
    """The minor version named by `1.36`, `v1.36.2` or '' (the newest). Raises ValueError."""
    if not version:
        return available_minors()[-1]
    match = re.fullmatch(r"v?1\.(\d+)(\.\d+)?([-+].*)?", version)
    if match is None or int(match.group(1)) not in available_minors():
        oldest, newest = available_minors()[0], available_minors()[-1]
        raise ValueError(f"unknown Kubernetes version {version!r}: this installation has "
                         f"1.{oldest} to 1.{newest}")
    return int(match.group(1))


@cache
def load(minor: int) -> Definitions:
    """All definitions of Kubernetes 1.`minor`."""
    path = _root() / f"v1.{minor}.0-local" / "_definitions.json"
    definitions: Definitions = orjson.loads(path.read_bytes())["$defs"]
    return definitions


def _root() -> Path:
    spec = find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("kubernetes-validate is not installed")
    return Path(spec.origin).parent / "kubernetes-json-schema"
