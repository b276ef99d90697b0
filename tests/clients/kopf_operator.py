"""The operator that test_kopf.py runs: a Widget gets a ConfigMap, a status and events."""

from __future__ import annotations

import kopf
from kubernetes import client


@kopf.on.create("example.com", "v1", "widgets")
def created(name, namespace, spec, body, patch, **_):
    """A ConfigMap that belongs to the Widget."""
    child = {"metadata": {"name": f"{name}-data"}, "data": {"size": str(spec["size"])}}
    kopf.adopt(child, owner=body)
    client.CoreV1Api().create_namespaced_config_map(namespace, child)
    kopf.info(body, reason="Made", message="the ConfigMap is there")
    patch.status["phase"] = "Ready"
    return {"size": spec["size"]}


@kopf.on.update("example.com", "v1", "widgets", field="spec.size")
def resized(name, namespace, old, new, patch, **_):
    """The ConfigMap follows the Widget."""
    client.CoreV1Api().patch_namespaced_config_map(
        f"{name}-data", namespace, {"data": {"size": str(new)}})
    patch.status["resized"] = f"{old} -> {new}"


@kopf.on.delete("example.com", "v1", "widgets")
def deleted(name, namespace, **_):
    """Something is left that tells of the Widget."""
    client.CoreV1Api().create_namespaced_config_map(
        namespace, {"metadata": {"name": f"{name}-was-here"}})


@kopf.on.startup()
def configure(settings, **_):
    """Connect the second client, too."""
    from kubernetes import config

    config.load_kube_config()
    settings.posting.level = 20
    settings.networking.request_timeout = 10
