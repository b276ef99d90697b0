"""Pods that are like one that was in order need no second look; others do."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from apiserver.machinery.errors import Invalid
from apiserver.machinery.gvk import PODS
from apiserver.resources.core import pod_memory
from tests.apiserver.server import Server


def made(*volumes: str, name: str = "p", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "containers": [{"name": "c", "image": "i", "volumeMounts": [
            {"name": each, "mountPath": f"/{at}"} for at, each in enumerate(volumes)]}],
        "volumes": [{"name": each, "emptyDir": {}} for each in volumes], **spec}}


def test_pods_that_differ_in_their_names_and_their_tokens_volume_are_alike() -> None:
    pod_memory.note(made("kube-api-access-abcde", name="a"))
    assert pod_memory.knows(made("kube-api-access-vwxyz", name="b"))


@pytest.mark.parametrize("other", [
    made("kube-api-access-abcde", "kube-api-access-abcde"), made("kube-api-access-abcd"),
    made("kube-api-access-#0"), made("kube-api-access-abcde", dnsPolicy="None"),
    made("data"), made(),
])
def test_what_differs_in_more_is_looked_at(other: dict[str, Any]) -> None:
    pod_memory.note(made("kube-api-access-abcde"))
    pod_memory.note(made("kube-api-access-abcde", "kube-api-access-fghij"))
    assert not pod_memory.knows(other)


def test_a_pod_with_an_ephemeral_volume_is_never_known_since_its_name_counts() -> None:
    pod = made("v")
    pod["spec"]["volumes"] = [{"name": "v", "ephemeral": {"volumeClaimTemplate": {}}}]
    pod_memory.note(pod)
    assert not pod_memory.knows(pod)


def test_the_same_mistake_is_told_each_time() -> None:
    server = Server()
    for _ in range(2):
        with pytest.raises(Invalid):
            server.create(PODS, copy.deepcopy(made("v", "v")))
    assert not pod_memory.knows(made("v", "v"))
