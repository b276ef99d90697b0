"""Custom resources in a whole cluster: controllers see them, and a restart keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from minikube_sim import Cluster
from tests.apiserver.customresources.crds import GROUP, crd, crontab, version

if TYPE_CHECKING:
    from pathlib import Path

    from apiserver.machinery.types import Object

CRD = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
       **crd(version())}


def names(cluster: Cluster, kind: str, namespace: str | None = "default") -> set[str]:
    return {obj["metadata"]["name"] for obj in cluster.list(kind, namespace)}


def owned(kind: Object, owner: Object) -> Object:
    """An object that belongs to another one."""
    reference: dict[str, Any] = {key: owner[key] for key in ("apiVersion", "kind")}
    reference |= {key: owner["metadata"][key] for key in ("name", "uid")}
    return {**kind, "metadata": {**kind["metadata"], "ownerReferences": [reference]}}


@pytest.fixture
def with_crd(cluster: Cluster) -> Cluster:
    cluster.apply(CRD)
    cluster.advance(40)
    return cluster


def test_the_garbage_collector_follows_owners_that_are_custom_resources(with_crd: Cluster) -> None:
    with_crd.apply(crontab("owner"))
    owner = with_crd.get("crontab", "owner")
    child = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "child"}}
    with_crd.apply(owned(child, owner), owned(crontab("grandchild"), owner))
    with_crd.delete("crontab", "owner")
    with_crd.advance(40)
    assert names(with_crd, "crontabs") == set()
    assert "child" not in names(with_crd, "configmaps")


def test_a_namespace_takes_its_custom_resources_along(with_crd: Cluster) -> None:
    there = crontab("a")
    there["metadata"]["namespace"] = "team"
    with_crd.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}}, there)
    with_crd.delete("namespace", "team")
    with_crd.advance(40)
    assert names(with_crd, "crontabs", None) == set()
    assert "team" not in names(with_crd, "namespaces", None)


def test_controllers_survive_that_a_crd_goes(with_crd: Cluster) -> None:
    with_crd.apply(crontab("a"))
    with_crd.delete("crd", f"crontabs.{GROUP}")
    with_crd.advance(120)
    with_crd.apply(CRD, crontab("b"))
    with_crd.advance(120)
    assert names(with_crd, "crontabs") == {"b"}


def test_a_restart_keeps_kinds_and_objects(tmp_path: Path) -> None:
    database = tmp_path / "state.db"
    with Cluster(database=database) as before:
        before.apply(CRD, crontab("kept"))
    with Cluster(database=database) as after:
        assert names(after, "crontabs") == {"kept"}
        after.apply(crontab("new"))
        assert names(after, "ct") == {"kept", "new"}
