"""A kind of one's own, for every client to work with."""

from __future__ import annotations

from typing import Any

GROUP, VERSION, PLURAL = "clients.example.com", "v1", "widgets"


def definition() -> dict[str, Any]:
    """The CustomResourceDefinition, with a status and a scale."""
    schema = {"type": "object", "properties": {
        "spec": {"type": "object", "properties": {
            "size": {"type": "integer", "minimum": 1}, "replicas": {"type": "integer"}}},
        "status": {"type": "object", "properties": {
            "phase": {"type": "string"}, "replicas": {"type": "integer"}}}}}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{PLURAL}.{GROUP}"}, "spec": {
                "group": GROUP, "scope": "Namespaced",
                "names": {"plural": PLURAL, "singular": "widget", "kind": "Widget"},
                "versions": [{"name": VERSION, "served": True, "storage": True,
                              "schema": {"openAPIV3Schema": schema}, "subresources": {
                                  "status": {}, "scale": {
                                      "specReplicasPath": ".spec.replicas",
                                      "statusReplicasPath": ".status.replicas"}}}]}}


def widget(name: str, size: int) -> dict[str, Any]:
    """One of them."""
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Widget",
            "metadata": {"name": name, "namespace": "default"}, "spec": {"size": size}}
