"""lightkube: typed models over httpx, watches, server-side apply, logs."""

from __future__ import annotations

import pytest

pytest.importorskip("lightkube")
from lightkube import ALL_NS, ApiError, Client, KubeConfig
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.core_v1 import Container, PodSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Pod
from lightkube.types import PatchType

from tests.clients.widgets import GROUP, PLURAL, VERSION, definition, widget

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(server):
    made = Client(config=KubeConfig.from_file(server.kubeconfig), trust_env=False,
                  field_manager="tests")
    yield made
    made.close()


def config_map(name, **data):
    return ConfigMap(apiVersion="v1", kind="ConfigMap",
                     metadata=ObjectMeta(name=name, namespace="default"), data=data)


def test_objects_live_and_die(client):
    client.create(config_map("a", k="1"))
    client.patch(ConfigMap, "a", {"data": {"k": "2"}}, patch_type=PatchType.MERGE)
    assert client.get(ConfigMap, "a").data == {"k": "2"}
    client.delete(ConfigMap, "a")
    with pytest.raises(ApiError) as missing:
        client.get(ConfigMap, "a")
    assert missing.value.status.code == 404


def test_server_side_apply_owns_fields(client):
    applied = client.apply(config_map("s", k="1"))
    assert applied.metadata.managedFields[0].operation == "Apply"
    with pytest.raises(ApiError) as conflict:
        client.apply(config_map("s", k="2"), field_manager="other")
    assert conflict.value.status.code == 409
    assert client.apply(config_map("s", k="2"), field_manager="other", force=True).data["k"] == "2"


def test_a_watch_begins_with_what_is_there(client):
    client.create(config_map("w"))
    for event, found in client.watch(ConfigMap, fields={"metadata.name": "w"}):
        assert (event, found.metadata.name) == ("ADDED", "w")
        break


def test_waiting_and_logs(client):
    client.create(Pod(metadata=ObjectMeta(name="box", namespace="default"), spec=PodSpec(
        containers=[Container(name="box", image="busybox", command=["sh", "-c"],
                              args=["echo begun; sleep 3600"])])))
    client.wait(Pod, "box", for_conditions=["Ready"])
    assert list(client.log("box")) == ["begun\n"]


def test_scale_is_a_subresource(client):
    labels = {"app": "many"}
    client.create(Deployment.from_dict({
        "metadata": {"name": "many", "namespace": "default"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "c", "image": "nginx"}]}}}}))
    client.patch(Deployment.Scale, "many", {"spec": {"replicas": 0}})
    assert client.get(Deployment, "many").spec.replicas == 0


def test_every_object_of_every_namespace_is_listed_in_pages(client):
    paged = client.list(ConfigMap, namespace=ALL_NS, chunk_size=2)
    assert len(list(paged)) >= 4


def test_kinds_of_one_s_own_have_status_and_scale(client):
    made = client.create(CustomResourceDefinition.from_dict(definition()))
    client.wait(CustomResourceDefinition, made.metadata.name, for_conditions=["Established"])
    widgets = create_namespaced_resource(GROUP, VERSION, "Widget", PLURAL)
    client.create(widgets(widget("a", 1)))
    client.patch(widgets.Status, "a", {"status": {"phase": "Ready"}}, patch_type=PatchType.MERGE)
    assert client.get(widgets, "a").status == {"phase": "Ready"}
    with pytest.raises(ApiError, match="greater than or equal to 1"):
        client.create(widgets(widget("b", 0)))
    client.delete(CustomResourceDefinition, made.metadata.name)
