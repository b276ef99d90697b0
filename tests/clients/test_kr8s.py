"""kr8s: objects, waiting, logs, exec and port-forward."""

from __future__ import annotations

import httpx
import pytest

pytest.importorskip("kr8s")
import kr8s
from kr8s._async_utils import as_sync_func
from kr8s.objects import ConfigMap, CustomResourceDefinition, Deployment, Pod, new_class

from tests.clients.conftest import running
from tests.clients.widgets import GROUP, VERSION, definition, widget

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """kr8s warns of versions that it does not know yet."""
    with running(tmp_path_factory.mktemp("computer"), "--kubernetes-version 1.34") as server:
        made = kr8s.api(kubeconfig=str(server.kubeconfig))
        yield made
        as_sync_func(made._session.aclose)()


@pytest.fixture(scope="module")
def pod(api):
    made = Pod({"metadata": {"name": "web", "namespace": "default"},
                "spec": {"containers": [{"name": "web", "image": "nginx:1.27",
                                         "ports": [{"containerPort": 80}]}]}}, api=api)
    made.create()
    made.wait("condition=Ready", timeout=20)
    return made


def test_objects_live_and_die(api):
    made = ConfigMap({"metadata": {"name": "a", "namespace": "default"}, "data": {"k": "1"}},
                     api=api)
    made.create()
    made.patch({"data": {"k": "2"}})
    assert ConfigMap.get("a", namespace="default", api=api).data["k"] == "2"
    made.label({"colour": "blue"})
    assert [one.name for one in api.get("configmaps", label_selector={"colour": "blue"})] == ["a"]
    made.delete()
    assert not made.exists()


def test_the_version_and_kinds_are_found(api):
    assert api.version()["major"] == "1"
    assert {"pods", "deployments"} <= {kind["name"] for kind in api.api_resources()}


def test_a_deployment_is_scaled(api):
    labels = {"app": "many"}
    made = Deployment({"metadata": {"name": "many", "namespace": "default"}, "spec": {
        "replicas": 1, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "c", "image": "nginx"}]}}}}, api=api)
    made.create()
    made.wait("condition=Available", timeout=20)
    made.scale(2)
    made.wait("jsonpath='{.status.readyReplicas}'=2", timeout=20)
    assert len(made.pods()) == 2


def test_exec_gives_output_and_exit_code(pod):
    done = pod.exec(["sh", "-c", "echo out; exit 3"], check=False)
    assert (done.stdout, done.returncode) == (b"out\n", 3)


def test_port_forward_carries_http(pod):
    with pod.portforward(80) as port:
        answer = httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
    assert "Welcome to nginx" in answer.text
    assert any("GET / HTTP/1.1" in line for line in pod.logs())


def test_kinds_of_one_s_own(api):
    made = CustomResourceDefinition(definition(), api=api)
    made.create()
    made.wait("condition=Established", timeout=20)
    kind = new_class("Widget", f"{GROUP}/{VERSION}", namespaced=True, asyncio=False,
                     plural="widgets")
    one = kind(widget("a", 1), api=api)
    one.create()
    one.patch({"status": {"phase": "Ready"}}, subresource="status")
    assert kind.get("a", namespace="default", api=api).status.phase == "Ready"
    made.delete()


def test_a_watch_hears_of_changes(api):
    made = ConfigMap({"metadata": {"name": "w", "namespace": "default"}}, api=api)
    made.create()
    for event, found in api.watch("configmaps", namespace="default"):
        if found.name == "w":
            assert event == "ADDED"
            break
    made.delete()
