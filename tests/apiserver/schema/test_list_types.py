"""How server-side apply sees lists: the same in every version, however its definitions say it."""

from __future__ import annotations

import pytest

from apiserver.machinery.gvk import GVK
from apiserver.schema.definitions import available_minors
from apiserver.schema.schema import schema_for

LISTS = [
    ("spec.containers", "map", ("name",)),
    ("spec.containers[].env", "map", ("name",)),
    ("spec.containers[].ports", "map", ("containerPort", "protocol")),
    ("spec.containers[].volumeMounts", "map", ("mountPath",)),
    ("spec.containers[].command", "atomic", ()),
    ("spec.volumes", "map", ("name",)),
    ("spec.imagePullSecrets", "map", ("name",)),
    ("spec.tolerations", "atomic", ()),
    ("metadata.finalizers", "set", ()),
    ("metadata.ownerReferences", "map", ("uid",)),
    ("status.conditions", "map", ("type",)),
]


def list_at(type_, path):
    """The type of the list at a dotted path; [] goes into a list's elements."""
    for step in path.split("."):
        field = type_.fields[step.removesuffix("[]")]
        type_ = field.type.element if step.endswith("[]") else field.type
    return type_


@pytest.mark.parametrize("minor", [min(available_minors()), 29, max(available_minors())])
@pytest.mark.parametrize(("path", "kind", "keys"), LISTS, ids=[path for path, *_ in LISTS])
def test_lists_of_pods_have_one_kind_and_keys_in_all_versions(minor, path, kind, keys):
    found = list_at(schema_for(f"1.{minor}").struct(GVK("", "v1", "Pod")), path)
    assert (found.kind, found.keys) == (kind, keys)
