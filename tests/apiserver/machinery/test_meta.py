"""Reading and building metadata."""

from __future__ import annotations

import random
import uuid

from apiserver.machinery import meta

OWNER = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "r", "uid": "u"}}


def test_readers_take_what_is_missing_as_empty() -> None:
    assert (meta.name({}), meta.labels({}), meta.finalizers({"metadata": None})) == ("", {}, ())
    assert meta.controller_ref({}) is None
    assert not meta.is_terminating({"metadata": {}})


def test_controller_ref_finds_its_owner() -> None:
    child = {"metadata": {"ownerReferences": [{"uid": "x"}, meta.new_controller_ref(OWNER)]}}
    assert meta.is_controlled_by(child, OWNER)
    assert not meta.is_controlled_by(child, {"metadata": {"uid": "x"}})


def test_key_splits_into_namespace_and_name() -> None:
    obj = {"metadata": {"namespace": "default", "name": "web"}}
    assert meta.split_key(meta.namespaced_name(obj)) == ("default", "web")
    assert meta.split_key("minikube") == ("", "minikube")


def test_changed_metadata_leaves_the_object_alone() -> None:
    obj = {"metadata": {"name": "a", "labels": {"x": "y"}}}
    assert meta.with_metadata(obj, labels=None)["metadata"] == {"name": "a"}
    assert obj["metadata"]["labels"] == {"x": "y"}


def test_uid_is_a_version_4_uuid_and_follows_the_seed() -> None:
    first = meta.new_uid(random.Random(1))
    assert uuid.UUID(first).version == 4
    assert first == meta.new_uid(random.Random(1)) != meta.new_uid(random.Random(2))


def test_long_generate_name_leaves_room_for_the_suffix() -> None:
    assert len(meta.generate_name("g" * 70, random.Random(1))) == 63
