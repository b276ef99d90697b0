"""Helm v4 (its own Go code, in the wheel of helm-python-sdk) with a small local chart."""

from __future__ import annotations

import json

import pytest

helm = pytest.importorskip("helm_python")
pytestmark = pytest.mark.slow

_FILES = {
    "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
    "values.yaml": "replicas: 1\ntext: one\n",
    "templates/all.yaml": """
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-text"}
data: {text: "{{ .Values.text }}"}
---
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}"}
spec: {selector: {app: shop}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: c, image: "nginx:1.27"}]}
""",
    "templates/hook.yaml": """
apiVersion: batch/v1
kind: Job
metadata:
  name: "{{ .Release.Name }}-before"
  annotations: {helm.sh/hook: pre-install, helm.sh/hook-delete-policy: hook-succeeded}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: c, image: busybox, command: ["true"]}]}
""",
}


@pytest.fixture
def chart(tmp_path):
    for name, text in _FILES.items():
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "shop"


def text_of(server):
    """What the ConfigMap of the release says."""
    return json.loads(server.kubectl("get configmap s-text -o json"))["data"]["text"]


def test_a_release_is_installed_upgraded_rolled_back_and_uninstalled(server, chart):
    config = helm.Config(kubeconfig_path=str(server.kubeconfig), namespace="default")
    config.install(chart, "s", wait="watcher", timeout=30)
    ready = json.loads(server.kubectl("get deployment s -o json"))["status"]
    assert (ready["readyReplicas"], text_of(server)) == (1, "one")
    config.upgrade(chart, "s", {"text": "two", "replicas": 2}, wait="watcher", timeout=30)
    assert text_of(server) == "two"
    assert json.loads(server.kubectl("get deployment s -o json"))["status"]["readyReplicas"] == 2
    config.rollback("s", version=1, wait="watcher", timeout=30)
    assert text_of(server) == "one"
    assert len(config.history("s")) == 3
    config.uninstall("s", wait="watcher", timeout=30)
    assert server.kubectl("get deployments,services -l app=shop -o name") == ""
    assert server.run("kubectl", "get", "service", "s").returncode == 1
    config.close()


def test_a_chart_that_the_server_refuses_says_why(server, chart):
    config = helm.Config(kubeconfig_path=str(server.kubeconfig), namespace="default")
    with pytest.raises(helm.HelmError, match="Invalid value"):
        config.install(chart, "bad", {"replicas": -1}, timeout=10)
    config.close()
