"""The recordings of the real kernel and kube-proxy, and the kit that compares with them."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.truth import NETFILTER as FOLDER
from tests.truth import needs_truth

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["FOLDER", "kit", "names", "needs_truth", "same_lines", "scenarios"]


@cache
def kit() -> ModuleType:
    """kubeproxy_truth.py, the recordings' own tool."""
    spec = importlib.util.spec_from_file_location("kubeproxy_truth", FOLDER / "kubeproxy_truth.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def scenarios(kind: str) -> dict[str, dict[str, Any]]:
    """The scenarios of a folder by name."""
    if not FOLDER.is_dir():
        return {}
    return {s["name"]: s for s in kit().load(str(FOLDER), kind)}


def names(kind: str) -> list[str]:
    """Names of the scenarios of a folder; empty where there are no recordings."""
    return sorted(path.stem for path in (FOLDER / kind).glob("*.yaml"))


def same_lines(expected: list[str], got: list[str]) -> bool:
    """Whether lists of lines agree; `*` in an expected word stands for anything."""
    match = kit().star_match
    return len(expected) == len(got) and all(
        match(line, other) for line, other in zip(expected, got, strict=True)
    )
