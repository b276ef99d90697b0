"""Environment, volumes and files of containers."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from apiserver.machinery.gvk import CONFIGMAPS, SECRETS, SERVICES
from tests.controllers.node.world import NodeWorld
from tests.controllers.world import obj

if TYPE_CHECKING:
    from apiserver.machinery.types import Object


@pytest.fixture
def world() -> NodeWorld:
    world = NodeWorld()
    world.create(CONFIGMAPS, {**obj("v1", "ConfigMap", "cfg"), "data": {"color": "blue", "B": "2"}})
    secret = base64.b64encode(b"hush").decode()
    world.create(SECRETS, {**obj("v1", "Secret", "key"), "data": {"word": secret}})
    return world


def env_of(world: NodeWorld) -> dict[str, str]:
    found = world.kubelets[0].container_id("default/p", "c")
    assert found
    return dict(world.runtime.container(found).env)


def files_of(world: NodeWorld) -> dict[str, str]:
    found = world.kubelets[0].container_id("default/p", "c")
    assert found
    return dict(world.runtime.container(found).files)


def test_values_from_everywhere(world: NodeWorld) -> None:
    env = [
        {"name": "PLAIN", "value": "x"},
        {"name": "USES", "value": "$(PLAIN)-$$(PLAIN)-$(NOPE)"},
        {"name": "COLOR", "valueFrom": {"configMapKeyRef": {"name": "cfg", "key": "color"}}},
        {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "key", "key": "word"}}},
        {"name": "MAYBE", "valueFrom": {"secretKeyRef": {"name": "no", "key": "x",
                                                         "optional": True}}},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu",
                                                           "divisor": "1m"}}},
    ]
    world.run("p", labels={"app": "a"}, container={
        "env": env, "envFrom": [{"prefix": "X_", "configMapRef": {"name": "cfg"}}],
        "resources": {"limits": {"cpu": "250m"}}})
    got = env_of(world)
    assert got.items() >= {
        "USES": "x-$(PLAIN)-$(NOPE)", "COLOR": "blue", "WORD": "hush", "POD": "p",
        "IP": "172.17.0.2", "APP": "a", "CPU": "250", "X_B": "2", "HOSTNAME": "p"}.items()
    assert "MAYBE" not in got


def test_service_links(world: NodeWorld) -> None:
    made = world.create(SERVICES, obj("v1", "Service", "my-db", spec={
        "ports": [{"port": 5432, "name": "pg"}]}))
    world.run("p")
    ip = made["spec"]["clusterIP"]
    assert env_of(world).items() >= {
        "MY_DB_SERVICE_HOST": ip, "MY_DB_SERVICE_PORT": "5432", "MY_DB_SERVICE_PORT_PG": "5432",
        "MY_DB_PORT": f"tcp://{ip}:5432", "MY_DB_PORT_5432_TCP_ADDR": ip}.items()


@pytest.mark.parametrize(("source", "message"), [
    ({"configMapKeyRef": {"name": "no", "key": "x"}}, 'configmap "no" not found'),
    ({"secretKeyRef": {"name": "key", "key": "x"}}, "couldn't find key x in Secret default/key"),
])
def test_missing_reference_is_a_config_error(world: NodeWorld, source: Object,
                                             message: str) -> None:
    world.run("p", container={"env": [{"name": "A", "valueFrom": source}]})
    waiting = world.state("p")["waiting"]
    assert waiting == {"reason": "CreateContainerConfigError", "message": message}
    assert f"Failed: Error: {message}" in world.told("p")


def test_config_error_heals_when_the_object_appears(world: NodeWorld) -> None:
    source = {"configMapKeyRef": {"name": "late", "key": "x"}}
    world.run("p", container={"env": [{"name": "A", "valueFrom": source}]})
    world.create(CONFIGMAPS, {**obj("v1", "ConfigMap", "late"), "data": {"x": "1"}})
    world.advance(11)
    assert env_of(world)["A"] == "1"


def test_volumes_are_files(world: NodeWorld) -> None:
    volumes = [{"name": "c", "configMap": {"name": "cfg", "items": [
        {"key": "color", "path": "sub/color.txt"}]}},
        {"name": "s", "secret": {"secretName": "key"}},
        {"name": "d", "downwardAPI": {"items": [
            {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
        {"name": "e", "emptyDir": {}}]
    mounts = [{"name": "c", "mountPath": "/etc/c"}, {"name": "d", "mountPath": "/etc/d/"},
              {"name": "s", "mountPath": "/word", "subPath": "word"},
              {"name": "e", "mountPath": "/data"}]
    world.run("p", labels={"app": "a"}, volumes=volumes, container={"volumeMounts": mounts})
    assert files_of(world).items() >= {
        "/etc/c/sub/color.txt": "blue", "/word": "hush", "/etc/d/labels": 'app="a"'}.items()


def test_missing_volume_keeps_the_pod_from_starting(world: NodeWorld) -> None:
    world.run("p", volumes=[{"name": "v", "configMap": {"name": "late"}}])
    assert world.state("p")["waiting"]["reason"] == "ContainerCreating"
    assert ('FailedMount: MountVolume.SetUp failed for volume "v" : configmap "late" not found'
            in world.told("p"))
    world.create(CONFIGMAPS, {**obj("v1", "ConfigMap", "late"), "data": {"x": "1"}})
    world.advance(2)
    assert world.pod("p")["status"]["phase"] == "Running"


def test_files_that_the_kubelet_writes(world: NodeWorld) -> None:
    world.run("p", hostAliases=[{"ip": "1.2.3.4", "hostnames": ["a", "b"]}])
    files = files_of(world)
    assert files["/etc/resolv.conf"] == (
        "search default.svc.cluster.local svc.cluster.local cluster.local\n"
        "nameserver 10.96.0.10\noptions ndots:5\n")
    assert "172.17.0.2\tp\n" in files["/etc/hosts"]
    assert files["/etc/hosts"].endswith("# Entries added by HostAliases.\n1.2.3.4\ta\tb\n")
    assert files["/etc/hostname"] == "p\n"


def test_host_network_pod_shares_the_nodes_stack(world: NodeWorld) -> None:
    pod = world.run("p", hostNetwork=True)
    assert pod["status"]["podIP"] == "10.211.55.120"
    assert files_of(world)["/etc/resolv.conf"] == "nameserver 10.211.55.1\n"
    assert env_of(world)["HOSTNAME"] == "minikube"


def test_changed_config_map_reaches_running_containers(world: NodeWorld) -> None:
    mounts = [{"name": "c", "mountPath": "/etc/c"},
              {"name": "c", "mountPath": "/fixed", "subPath": "color"}]
    world.run("p", volumes=[{"name": "c", "configMap": {"name": "cfg"}}],
              container={"volumeMounts": mounts})
    world.patch(CONFIGMAPS, "cfg", {"data": {"color": "red", "B": None, "new": "n"}})
    files = files_of(world)
    assert (files["/etc/c/color"], files["/etc/c/new"], files["/fixed"]) == ("red", "n", "blue")
    assert "/etc/c/B" not in files


def test_deleted_config_map_leaves_the_files(world: NodeWorld) -> None:
    world.run("p", volumes=[{"name": "c", "configMap": {"name": "cfg"}}],
              container={"volumeMounts": [{"name": "c", "mountPath": "/etc/c"}]})
    world.delete(CONFIGMAPS, "cfg")
    assert files_of(world)["/etc/c/color"] == "blue"
    assert world.pod("p")["status"]["phase"] == "Running"


def test_missing_volume_that_appears_starts_the_pod_at_once(world: NodeWorld) -> None:
    world.run("p", volumes=[{"name": "v", "secret": {"secretName": "late"}}])
    world.create(SECRETS, {**obj("v1", "Secret", "late"), "data": {}})
    assert world.pod("p")["status"]["phase"] == "Running"


def test_a_service_that_comes_later_is_no_variable_of_what_runs(world: NodeWorld) -> None:
    world.run("p")
    world.create(SERVICES, {**obj("v1", "Service", "late"), "spec": {
        "clusterIP": "10.96.0.77", "ports": [{"port": 80, "protocol": "TCP"}]}})
    world.settle()
    world.run("q")
    found = world.kubelets[0].container_id("default/q", "c")
    assert found
    assert "LATE_SERVICE_HOST" not in env_of(world)
    assert world.runtime.container(found).env["LATE_SERVICE_HOST"] == "10.96.0.77"


def test_files_are_those_of_the_start_whenever_they_are_read(world: NodeWorld) -> None:
    world.run("p", container={"volumeMounts": [
        {"name": "v", "mountPath": "/once", "subPath": "color"}]},
        volumes=[{"name": "v", "configMap": {"name": "cfg"}}])
    world.patch(CONFIGMAPS, "cfg", {"data": {"color": "red"}})
    world.settle()
    assert files_of(world)["/once"] == "blue"
