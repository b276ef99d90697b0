"""Volumes, claims and their classes."""

from __future__ import annotations

from typing import Any

from apiserver.resources.core.persistentvolumeclaims import PERSISTENTVOLUMECLAIMS as CLAIMS
from apiserver.resources.core.persistentvolumes import PERSISTENTVOLUMES as VOLUMES
from apiserver.resources.storage.csi import CSIDRIVERS
from apiserver.resources.storage.storageclasses import STORAGECLASSES
from tests.apiserver.resources.kinds import (
    cells,
    context,
    create_errors,
    made,
    update_errors,
    warnings,
)


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
        "spec.nodeAffinity: Required value: Local volume requires node affinity"]
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


CLASS = "volume.beta.kubernetes.io/storage-class"


def bound(**more: Any) -> dict[str, Any]:
    made_claim = made(CLAIMS, spec=claim(volumeName="v", **more))
    made_claim["status"] = {"phase": "Bound", "capacity": {"storage": "1Gi"}}
    return made_claim


def test_a_class_of_attributes_in_force_is_replaced_but_not_taken_away() -> None:
    old = bound(volumeAttributesClassName="gold")
    assert update_errors(CLAIMS, old, lambda new: new["spec"].pop(
        "volumeAttributesClassName")) == []
    old["status"]["currentVolumeAttributesClassName"] = "gold"
    assert update_errors(CLAIMS, old, lambda new: new["spec"].update(
        volumeAttributesClassName="silver")) == []
    assert update_errors(CLAIMS, old, lambda new: new["spec"].pop(
        "volumeAttributesClassName")) == [
        "spec.volumeAttributesClassName: Forbidden: update to nil is forbidden when "
        "status.currentVolumeAttributesClassName is not nil"]


def test_a_claims_old_class_annotation_becomes_the_field_and_never_another() -> None:
    old = made(CLAIMS, metadata={"annotations": {CLASS: "gold"}}, spec=claim())
    assert update_errors(CLAIMS, old, lambda new: new["spec"].update(
        storageClassName="gold")) == []
    assert update_errors(CLAIMS, old, lambda new: new["metadata"]["annotations"].update(
        {CLASS: "tin"})) == [
        f'metadata.annotations.{CLASS}: Invalid value: "tin": field is immutable']


def test_a_claim_forgets_sources_that_only_a_reference_can_name() -> None:
    backup = {"apiGroup": "x.io", "kind": "Backup", "name": "b"}
    assert "dataSource" not in made(CLAIMS, spec=claim(dataSource=backup))["spec"]
    spec = made(CLAIMS, spec=claim(dataSourceRef=backup))["spec"]
    assert spec["dataSource"] == spec["dataSourceRef"] == backup
    elsewhere = made(CLAIMS, spec=claim(dataSourceRef=backup | {"namespace": "other"}))
    assert "dataSourceRef" not in elsewhere["spec"]


def test_a_wrong_claim_status() -> None:
    status = {"capacity": {"storage": "-1"}, "allocatedResourceStatuses": {"storage": "Soon"},
              "allocatedResources": {"cpu": "1"}}
    errors = CLAIMS.strategy.validate_status_update(
        context(CLAIMS, "update"), bound() | {"status": status}, bound())
    assert [str(e) for e in errors] == [
        "status.capacity[storage]: Invalid value: -1: must be a valid resource quantity",
        'status.allocatedResourceStatus: Unsupported value: "storage": supported values: '
        '"ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", '
        '"NodeResizeInfeasible", "NodeResizePending"',
        'status.allocatedResources: Unsupported value: "cpu": supported values: "storage"']


def test_a_volumes_place_may_only_learn_the_new_names_of_labels() -> None:
    def place(key: str, zone: str) -> dict[str, Any]:
        term = {"matchExpressions": [{"key": key, "operator": "In", "values": [zone]}]}
        return {"required": {"nodeSelectorTerms": [term]}}

    old_key, new_key = "failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"
    old = made(VOLUMES, spec=volume(nodeAffinity=place(old_key, "a")))
    assert update_errors(VOLUMES, old, lambda new: new["spec"].update(
        nodeAffinity=place(new_key, "a"))) == []
    assert update_errors(VOLUMES, old, lambda new: new["spec"].update(
        nodeAffinity=place(new_key, "b")))[0].endswith(
        "field is immutable, except for updating from beta label to GA")


def test_volumes_in_the_old_way_are_warned_about() -> None:
    assert warnings(VOLUMES, metadata={"annotations": {CLASS: "a"}}, spec=volume(
        persistentVolumeReclaimPolicy="Recycle")) == [
        f'metadata.annotations[{CLASS}]: deprecated since v1.8; use "storageClassName" attribute '
        "instead",
        "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, "
        "the recommended approach is to use dynamic provisioning."]


def test_secrets_of_csi_volumes_have_two_names() -> None:
    csi = {"driver": "x.io", "volumeHandle": "h", "nodePublishSecretRef": {"name": "A"}}
    body = volume(csi=csi)
    del body["hostPath"]
    errors = create_errors(VOLUMES, spec=body)
    assert [e.partition(":")[0] for e in errors] == [
        "spec.csi.nodePublishSecretRef.name", "spec.csi.nodePublishSecretRef.namespace"]
