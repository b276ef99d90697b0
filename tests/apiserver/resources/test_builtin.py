"""What holds for every built-in kind."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from apiserver.context import RequestContext
from apiserver.machinery.validation import FieldError
from apiserver.resources import BUILTIN
from apiserver.schema.schema import Schema

if TYPE_CHECKING:
    from apiserver.resource import Resource

SCHEMA = Schema(37)
EVERY = pytest.mark.parametrize("resource", BUILTIN, ids=lambda r: f"{r.api_version}/{r.kind}")


def smallest(resource: Resource) -> dict[str, Any]:
    """An object that says nothing, as the decoder hands it on."""
    meta: dict[str, Any] = {"name": "a", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"}
    if resource.namespaced:
        meta["namespace"] = "default"
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta}


def test_names_are_unique() -> None:
    assert len({resource.gvr for resource in BUILTIN}) == len(BUILTIN)
    assert len({resource.gvk for resource in BUILTIN}) == len(BUILTIN)


@EVERY
def test_its_type_is_known(resource: Resource) -> None:
    assert SCHEMA.struct(resource.gvk) is not None


@EVERY
def test_defaults_settle(resource: Resource) -> None:
    once = smallest(resource)
    resource.strategy.default(once)
    twice = copy.deepcopy(once)
    resource.strategy.default(twice)
    assert twice == once


@EVERY
def test_an_empty_object_goes_through_create_and_update(resource: Resource) -> None:
    ctx = RequestContext(resource=resource, verb="create", namespace="default", name="a")
    strategy, obj = resource.strategy, smallest(resource)
    strategy.default(obj)
    strategy.prepare_create(ctx, obj)
    errors = strategy.validate(ctx, obj)
    assert all(isinstance(error, FieldError) and error.body() for error in errors)
    strategy.warnings(ctx, obj, None)
    new = copy.deepcopy(obj)
    strategy.prepare_update(ctx, new, obj)
    strategy.validate_update(ctx, new, obj)
    strategy.validate_status_update(ctx, new, obj)
    strategy.warnings(ctx, new, obj)
    assert all(isinstance(value, str) for value in strategy.fields(obj).values())
    strategy.default(obj)
    assert strategy.generation_changed(obj, obj) is False


@EVERY
def test_every_cell_is_of_its_column(resource: Resource) -> None:
    obj = smallest(resource)
    resource.strategy.default(obj)
    names = [column.name for column in resource.columns]
    assert len(set(names)) == len(names)
    for column in resource.columns:
        value = column.cell(obj, 1767225660.0)
        assert isinstance(value, str | int | bool), (column.name, value)
        assert column.description


def test_some_kinds_are_replaced_only_in_the_version_that_was_read() -> None:
    careful = {r.plural for r in BUILTIN if not r.strategy.unconditional_update}
    assert careful == {
        "apiservices", "clustertrustbundles", "csidrivers", "csinodes", "csistoragecapacities",
        "customresourcedefinitions", "devicetaintrules", "leases", "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings", "mutatingwebhookconfigurations",
        "podcertificaterequests", "poddisruptionbudgets", "runtimeclasses",
        "storageversionmigrations", "validatingadmissionpolicies",
        "validatingadmissionpolicybindings", "validatingwebhookconfigurations",
        "volumeattachments"}
