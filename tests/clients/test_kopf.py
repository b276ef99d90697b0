"""A kopf operator over a kind of its own: create, update and delete handlers, finalizers, status
patches, events.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

kubernetes = pytest.importorskip("kubernetes", reason="pip install kubernetes")
pytest.importorskip("kopf", reason="pip install kopf")

ROOT = Path(__file__).resolve().parents[2]
OPERATOR = Path(__file__).with_name("kopf_operator.py")
PATIENCE = 60
FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {"group": "example.com", "scope": "Namespaced",
             "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
             "versions": [{"name": "v1", "served": True, "storage": True,
                           "subresources": {"status": {}},
                           "schema": {"openAPIV3Schema": {
                               "type": "object", "properties": {
                                   "spec": {"type": "object",
                                            "properties": {"size": {"type": "integer"}}},
                                   "status": FREE}}}}]}}
KIND = ("example.com", "v1", "default", "widgets")


def sim(folder, *words):
    """Run minikube-sim with a home of its own."""
    subprocess.run([sys.executable, "-m", "minikube_sim", *words], cwd=ROOT, check=True,
                   env=environment(folder), capture_output=True, timeout=PATIENCE)


def environment(folder):
    """Where the programs find their files."""
    return os.environ | {"MINIKUBE_SIM_HOME": str(folder / "home"), "HOME": str(folder),
                         "KUBECONFIG": str(folder / "kubeconfig"), "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A running cluster, by the folder of its files."""
    made = tmp_path_factory.mktemp("kopf")
    sim(made, "start", "--storage", "memory")
    yield made
    sim(made, "delete", "--all")


@pytest.fixture(scope="module")
def api(folder):
    """A connection to it, and the CRD."""
    with kubernetes.config.new_client_from_config(str(folder / "kubeconfig")) as connection:
        kubernetes.client.ApiextensionsV1Api(connection).create_custom_resource_definition(CRD)
        yield connection


@pytest.fixture(scope="module")
def widgets(folder, api):
    """The API of Widgets, with an operator that works on them."""
    log = (folder / "operator.log").open("w")
    operator = subprocess.Popen(
        [sys.executable, "-m", "kopf", "run", "--standalone", "-n", "default", str(OPERATOR)],
        cwd=ROOT, env=environment(folder), stdout=log, stderr=subprocess.STDOUT)
    yield kubernetes.client.CustomObjectsApi(api)
    operator.terminate()
    operator.wait(PATIENCE)
    log.close()


def awaited(widgets, condition):
    """The first state of a Widget that fulfils a condition."""
    watch = kubernetes.watch.Watch()
    for event in watch.stream(widgets.list_namespaced_custom_object, *KIND,
                              timeout_seconds=PATIENCE):
        if condition(event["type"], event["object"]):
            watch.stop()
            return event["object"]
    raise AssertionError("it did not happen")


def test_an_operator_lives_with_its_widgets(widgets, api, folder):
    core = kubernetes.client.CoreV1Api(api)
    widgets.create_namespaced_custom_object(*KIND, {
        "apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"},
        "spec": {"size": 1}})
    ready = awaited(widgets, lambda _, obj: obj.get("status", {}).get("phase") == "Ready")
    assert ready["metadata"]["finalizers"] == ["kopf.zalando.org/KopfFinalizerMarker"]
    child = core.read_namespaced_config_map("w-data", "default")
    assert child.data == {"size": "1"}
    assert child.metadata.owner_references[0].uid == ready["metadata"]["uid"]

    widgets.patch_namespaced_custom_object(*KIND, "w", {"spec": {"size": 2}})
    awaited(widgets, lambda _, obj: obj["status"].get("resized") == "1 -> 2")
    assert core.read_namespaced_config_map("w-data", "default").data == {"size": "2"}

    widgets.delete_namespaced_custom_object(*KIND, "w")
    if widgets.list_namespaced_custom_object(*KIND)["items"]:
        awaited(widgets, lambda type_, _: type_ == "DELETED")
    assert core.read_namespaced_config_map("w-was-here", "default")
    reasons = {event.reason for event in core.list_namespaced_event("default").items
               if event.involved_object.name == "w"}
    assert "Made" in reasons
