"""Bindings of pods to nodes, created once and never kept. Models pods/binding of core/v1."""

from __future__ import annotations

from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME
from apiserver.strategy import Strategy

BINDINGS = Resource(
    group="", version="v1", kind="Binding", plural="bindings", verbs=("create",),
    strategy=Strategy(), columns=(NAME, AGE))
