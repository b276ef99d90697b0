"""Volumes, claims and their classes."""

from __future__ import annotations

from typing import Any

from apiserver.resources.core.persistentvolumeclaims import PERSISTENTVOLUMECLAIMS as CLAIMS
from apiserver.resources.core.persistentvolumes import PERSISTENTVOLUMES as VOLUMES
from apiserver.resources.storage.csi import CSIDRIVERS
from apiserver.resources.storage.storageclasses import STORAGECLASSES
from tests.apiserver.resources.kinds import cells, create_errors, made, update_errors


def volume(**more: Any) -> dict[str, Any]:
    return {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/x"}, **more}


def claim(**more: Any) -> dict[str, Any]:
    return {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
            **more}


def test_an_empty_volume() -> None:
    assert create_errors(VOLUMES, spec={}) == [
        "spec.accessModes: Required value", "spec.capacity: Required value",
        'spec.capacity: Unsupported value: null: supported values: "storage"',
        "spec: Required value: must specify a volume type"]


def test_volume_sources() -> None:
    assert create_errors(VOLUMES, spec=volume()) == []
    assert create_errors(VOLUMES, spec=volume(nfs={"server": "s", "path": "/"})) == [
        "spec.nfs: Forbidden: may not specify more than 1 volume type"]
    local = volume(local={"path": "/x"})
    del local["hostPath"]
    assert create_errors(VOLUMES, spec=local) == [
        "metadata.annotations: Required value: Local volume requires node affinity"]
    assert create_errors(VOLUMES, spec=volume(persistentVolumeReclaimPolicy="Recycle",
                                              hostPath={"path": "/"})) == [
        "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount "
        "of '/'"]


def test_a_volume_keeps_its_source() -> None:
    old = made(VOLUMES, spec=volume())
    assert old["status"]["phase"] == "Pending"
    errors = update_errors(VOLUMES, old, lambda new: new["spec"]["hostPath"].update(path="/y"))
    assert len(errors) == 1
    assert errors[0].startswith("spec.persistentvolumesource: Forbidden: "
                                "spec.persistentvolumesource is immutable after creation")


def test_claims() -> None:
    assert create_errors(CLAIMS, spec=claim()) == []
    assert create_errors(CLAIMS, spec={}) == [
        "spec.accessModes: Required value: at least 1 access mode is required",
        "spec.resources[storage]: Required value"]
    old = made(CLAIMS, spec=claim())
    assert update_errors(CLAIMS, old, lambda new: new["spec"].update(volumeName="v")) == []
    errors = update_errors(CLAIMS, old, lambda new: new["spec"].update(
        accessModes=["ReadOnlyMany"]))
    assert errors[0].startswith("spec: Forbidden: spec is immutable after creation except "
                                "resources.requests and volumeAttributesClassName for bound claims")


def test_a_bound_claim_may_grow() -> None:
    old = made(CLAIMS, spec=claim(volumeName="v"))
    old["status"] = {"phase": "Bound", "capacity": {"storage": "1Gi"}}
    resources = old["spec"]["resources"]
    assert resources == {"requests": {"storage": "1Gi"}}
    assert update_errors(CLAIMS, old, lambda new: new["spec"].update(
        resources={"requests": {"storage": "2Gi"}})) == []
    assert update_errors(CLAIMS, old, lambda new: new["spec"].update(
        resources={"requests": {"storage": "1Mi"}})) == [
        "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"]


def test_rows() -> None:
    obj = made(CLAIMS, spec=claim(volumeName="v", storageClassName="s"))
    obj["status"] = {"phase": "Bound", "capacity": {"storage": "2Gi"},
                     "accessModes": ["ReadOnlyMany", "ReadWriteOnce"]}
    row = cells(CLAIMS, obj)
    assert (row["Status"], row["Volume"], row["Capacity"], row["Access Modes"],
            row["StorageClass"]) == ("Bound", "v", "2Gi", "RWO,ROX", "s")
    default = made(STORAGECLASSES, provisioner="p", metadata={
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}})
    assert cells(STORAGECLASSES, default)["Name"] == "a (default)"


def test_classes_stay_as_they_are() -> None:
    old = made(STORAGECLASSES, provisioner="x.io/p")
    assert (old["reclaimPolicy"], old["volumeBindingMode"]) == ("Delete", "Immediate")
    assert update_errors(STORAGECLASSES, old, lambda new: new.update(provisioner="y.io/p")) == [
        "provisioner: Forbidden: updates to provisioner are forbidden."]


def test_driver_defaults() -> None:
    spec = made(CSIDRIVERS, spec={})["spec"]
    assert spec == {"attachRequired": True, "podInfoOnMount": False, "storageCapacity": False,
                    "fsGroupPolicy": "ReadWriteOnceWithFSType", "requiresRepublish": False,
                    "seLinuxMount": False, "volumeLifecycleModes": ["Persistent"]}
