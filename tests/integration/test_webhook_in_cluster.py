"""A webhook that runs as a Pod behind a Service, and one that does not."""

from __future__ import annotations

import json

import pytest

from apiserver.machinery.errors import InternalError
from minikube_sim.cluster import Cluster
from minikube_sim.http import Request, Response
from minikube_sim.images.program import Container, WebServer

MANIFESTS = """
apiVersion: v1
kind: Pod
metadata: {name: hook, labels: {app: hook}}
spec: {containers: [{name: c, image: "hook:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: hook}
spec: {selector: {app: hook}, ports: [{port: 443, targetPort: 8443}]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: hook}
webhooks:
- name: hook.example.com
  clientConfig: {service: {namespace: default, name: hook, path: /check}}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
  sideEffects: None
  admissionReviewVersions: [v1]
"""
CONFIGMAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}


class Hook(WebServer):
    """Refuses what is called `a`."""

    ports = (8443,)

    def handle(self, request: Request, container: Container) -> Response:
        asked = json.loads(request.body)["request"]
        return Response.json({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                              "response": {"uid": asked["uid"], "allowed": asked["name"] != "a"}})


def test_a_webhook_in_the_cluster_is_asked_through_its_service() -> None:
    with Cluster(strict=True) as cluster:
        cluster.images["hook:1"] = Hook
        cluster.apply(MANIFESTS)
        cluster.advance(30)
        with pytest.raises(Exception, match=r"hook\.example\.com\" denied the request"):
            cluster.apply(CONFIGMAP)
        cluster.apply({**CONFIGMAP, "metadata": {"name": "b"}})
        assert cluster.get("configmap", "b")


def test_a_webhook_whose_service_is_gone_stops_the_request() -> None:
    with Cluster(strict=True) as cluster:
        cluster.apply(MANIFESTS)
        cluster.delete("service", "hook")
        with pytest.raises(InternalError) as caught:
            cluster.apply(CONFIGMAP)
    assert caught.value.message.endswith(
        'Post "https://hook.default.svc:443/check?timeout=10s": service "hook" not found')
