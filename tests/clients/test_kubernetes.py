"""The official Python client: typed and dynamic API, watches, patches, exec and port-forward."""

from __future__ import annotations

import contextlib
import http.client
import time

import pytest

pytest.importorskip("kubernetes")
from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import portforward, stream

pytestmark = [pytest.mark.slow,  # the client leaves the sockets of its streams open
              pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]


@pytest.fixture(scope="module")
def api(server):
    made = config.new_client_from_config(str(server.kubeconfig))
    with made:
        yield made


@pytest.fixture(scope="module")
def core(api):
    return client.CoreV1Api(api)


@pytest.fixture(scope="module")
def pod(core):
    """A running Pod with a web server and a shell."""
    body = client.V1Pod(
        metadata=client.V1ObjectMeta(name="web", labels={"app": "web"}),
        spec=client.V1PodSpec(containers=[client.V1Container(
            name="web", image="nginx:1.27", ports=[client.V1ContainerPort(container_port=80)])]))
    core.create_namespaced_pod("default", body)
    for event in watch.Watch().stream(core.list_namespaced_pod, "default", timeout_seconds=20):
        conditions = event["object"].status.conditions or []
        if any(c.type == "Ready" and c.status == "True" for c in conditions):
            return event["object"]
    raise AssertionError("the Pod does not get ready")


def config_map(name, **data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name), data=data)


def test_objects_are_created_read_replaced_and_deleted(core):
    made = core.create_namespaced_config_map("default", config_map("a", k="1"))
    made.data["k"] = "2"
    replaced = core.replace_namespaced_config_map("a", "default", made)
    assert replaced.metadata.resource_version > made.metadata.resource_version
    with pytest.raises(ApiException) as conflict:
        core.replace_namespaced_config_map("a", "default", made)
    assert conflict.value.status == 409
    core.delete_namespaced_config_map("a", "default")
    with pytest.raises(ApiException) as missing:
        core.read_namespaced_config_map("a", "default")
    assert missing.value.reason == "Not Found"


@pytest.mark.parametrize("body", [{"data": {"k": "2"}},
                                  [{"op": "replace", "path": "/data/k", "value": "2"}]])
def test_patches_of_both_kinds(core, body):
    core.create_namespaced_config_map("default", config_map("p", k="1", other="x"))
    try:
        assert core.patch_namespaced_config_map("p", "default", body).data == {
            "k": "2", "other": "x"}
    finally:
        core.delete_namespaced_config_map("p", "default")


def test_lists_come_in_pages(core):
    for number in range(5):
        core.create_namespaced_config_map("kube-public", config_map(f"page-{number}"))
    first = core.list_namespaced_config_map("kube-public", limit=2)
    second = core.list_namespaced_config_map("kube-public", limit=2,
                                             _continue=first.metadata._continue)
    assert len(first.items) == len(second.items) == 2
    assert first.items[0].metadata.name != second.items[0].metadata.name
    assert first.metadata.remaining_item_count >= 3


def test_a_watch_sees_every_change(core):
    seen = []
    start = core.list_namespaced_config_map("default").metadata.resource_version
    core.create_namespaced_config_map("default", config_map("w", k="1"))
    core.patch_namespaced_config_map("w", "default", {"data": {"k": "2"}})
    core.delete_namespaced_config_map("w", "default")
    for event in watch.Watch().stream(core.list_namespaced_config_map, "default",
                                      resource_version=start, timeout_seconds=10):
        seen.append((event["type"], event["object"].data["k"]))
        if len(seen) == 3:
            break
    assert seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]


def test_a_watch_that_times_out_just_ends(core):
    assert not list(watch.Watch().stream(core.list_namespaced_secret, "kube-public",
                                         timeout_seconds=1))


def test_exec_gives_output_errors_and_exit_code(core, pod):
    connect = core.connect_get_namespaced_pod_exec
    answer = stream(connect, "web", "default", command=["sh", "-c", "echo out; echo err >&2"],
                    stderr=True, stdin=False, stdout=True, tty=False)
    assert sorted(answer.split()) == ["err", "out"]
    shell = stream(connect, "web", "default", command=["sh", "-c", "exit 7"], stderr=True,
                   stdin=False, stdout=True, tty=False, _preload_content=False)
    shell.run_forever(timeout=10)
    assert shell.returncode == 7


def test_a_shell_over_a_web_socket_answers_line_by_line(core, pod):
    shell = stream(core.connect_get_namespaced_pod_exec, "web", "default", command=["/bin/sh"],
                   stderr=True, stdin=True, stdout=True, tty=False, _preload_content=False)
    try:
        shell.write_stdin("date > /tmp/when\n")
        shell.write_stdin("echo $USER-$((6*7))\n")
        assert shell.readline_stdout(timeout=10) == "-42"
        shell.write_stdin("hostname\n")
        assert shell.readline_stdout(timeout=10) == "web"
        shell.write_stdin("exit 3\n")
        shell.run_forever(timeout=10)
        assert shell.returncode == 3
    finally:
        shell.close()


def test_exec_in_a_pod_that_is_not_there(core):
    with pytest.raises(ApiException) as failed:
        stream(core.connect_get_namespaced_pod_exec, "nopod", "default", command=["ls"],
               stdout=True)
    assert "404" in str(failed.value)


def test_port_forward_carries_http(core, pod):
    forward = portforward(core.connect_get_namespaced_pod_portforward, "web", "default",
                          ports="80")
    connection = http.client.HTTPConnection("web")
    connection.sock = forward.socket(80)
    connection.sock.setblocking(True)
    connection.request("GET", "/", headers={"Connection": "close"})
    answer = connection.getresponse()
    assert (answer.status, b"Welcome to nginx" in answer.read()) == (200, True)
    connection.close()
    assert forward.error(80) is None


def test_logs_and_proxies(core, pod):
    page = core.connect_get_namespaced_pod_proxy_with_path("web", "default", "index.html",
                                                           _preload_content=False)
    assert b"Welcome to nginx" in page.data
    assert "GET /index.html" in core.read_namespaced_pod_log("web", "default")


def test_the_dynamic_client_finds_every_kind(api):
    with dynamic_client(api) as found:
        deployments = found.resources.get(api_version="apps/v1", kind="Deployment")
        assert found.get(deployments, namespace="kube-system").kind == "DeploymentList"
        maps = found.resources.get(api_version="v1", kind="ConfigMap")
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"},
                "data": {"a": "b"}}
        applied = maps.server_side_apply(body=body, namespace="default", field_manager="me")
        assert applied.metadata.managedFields[0].manager == "me"
        maps.delete(name="d", namespace="default")


def test_manifests_are_created_and_scaled(api):
    apps = client.AppsV1Api(api)
    utils.create_from_dict(api, {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "many"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "many"}},
                 "template": {"metadata": {"labels": {"app": "many"}},
                              "spec": {"containers": [{"name": "c", "image": "nginx"}]}}}})
    apps.patch_namespaced_deployment_scale("many", "default", {"spec": {"replicas": 3}})
    end = time.monotonic() + 20  # noqa: TID251
    while time.monotonic() < end:  # noqa: TID251
        if apps.read_namespaced_deployment_status("many", "default").status.ready_replicas == 3:
            return
        time.sleep(0.05)  # noqa: TID251
    raise AssertionError("three replicas do not get ready")


@contextlib.contextmanager
def dynamic_client(api):
    """A dynamic client whose cache of discovery stays in the test."""
    yield dynamic.DynamicClient(api)
