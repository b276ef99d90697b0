"""What kube-apiserver itself makes at its start, and how it keeps it."""

from __future__ import annotations

import json

import pytest

from apiserver.authentication.authenticator import Authenticator
from apiserver.context import User
from apiserver.machinery.errors import NotFound
from minikube_sim.cluster import Cluster
from tests.apiserver.customresources.crds import crd, version
from tests.apiserver.handlers.asgi import Http

JANE = User(name="jane", groups=("system:authenticated",))
ROOT = User(name="root", groups=("system:masters", "system:authenticated"))


@pytest.fixture
def cluster():
    with Cluster() as made:
        yield made


@pytest.fixture
def http(cluster):
    return Http(cluster.http_app(Authenticator({"jane": JANE, "root": ROOT})))


def condition(obj):
    return {key: value for key, value in obj["status"]["conditions"][0].items()
            if key != "lastTransitionTime"}


def test_a_fresh_server_has_its_own_objects(cluster):
    names = {kind: [each["metadata"]["name"] for each in cluster.list(kind)]
             for kind in ("flowschema", "prioritylevelconfiguration", "pc", "servicecidr")}
    assert len(names["flowschema"]) == 13
    assert len(names["prioritylevelconfiguration"]) == 8
    assert names["pc"] == ["system-cluster-critical", "system-node-critical"]
    assert names["servicecidr"] == ["kubernetes"]


def test_what_is_there_already_stays(tmp_path):
    with Cluster(database=tmp_path / "state") as first:
        uid = first.get("pc", "system-node-critical")["metadata"]["uid"]
        first.delete("flowschema", "probes")
    with Cluster(database=tmp_path / "state") as second:
        assert second.get("pc", "system-node-critical")["metadata"]["uid"] == uid
        assert second.get("flowschema", "probes")["spec"]["matchingPrecedence"] == 2


def test_every_object_passes_the_server_s_own_validation(cluster):
    for kind in ("flowschema", "prioritylevelconfiguration", "pc", "servicecidr", "apiservice"):
        for obj in cluster.list(kind):
            api = cluster._resource(kind)
            named = {**obj, "kind": api.kind, "apiVersion": api.api_version}
            body = {key: value for key, value in named.items() if key != "status"}
            body["metadata"] = {key: value for key, value in obj["metadata"].items()
                                if key != "managedFields"}
            applied = cluster.apply(body)[0]
            assert applied["metadata"].get("generation") == obj["metadata"].get("generation")


def test_the_server_s_lease_is_renewed(cluster):
    def lease():
        return next(each for each in cluster.list("lease", "kube-system")
                    if each["metadata"]["name"].startswith("apiserver-"))

    before = lease()
    cluster.advance(1200)
    assert lease()["spec"]["renewTime"] > before["spec"]["renewTime"]
    assert before["metadata"]["labels"]["apiserver.kubernetes.io/identity"] == "kube-apiserver"


def test_api_services_name_what_is_served(cluster):
    names = {each["metadata"]["name"] for each in cluster.list("apiservice")}
    assert {"v1.", "v1.apps", "v2.autoscaling"} <= names
    assert "v1.apiregistration.k8s.io" not in names
    assert condition(cluster.get("apiservice", "v1.")) == {
        "type": "Available", "status": "True", "reason": "Local",
        "message": "Local APIServices are always available"}


def test_api_services_come_and_go_with_a_crd(cluster):
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                  **crd(version())}
    name = f"v1.{definition['spec']['group']}"
    cluster.apply(definition)
    assert cluster.get("apiservice", name)["spec"]["groupPriorityMinimum"] == 1000
    cluster.delete("crd", definition["metadata"]["name"])
    with pytest.raises(NotFound):
        cluster.get("apiservice", name)


def test_a_deleted_api_service_of_the_server_comes_back(cluster):
    cluster.delete("apiservice", "v1.apps")
    assert cluster.get("apiservice", "v1.apps")["spec"]["groupPriorityMinimum"] == 17800


def test_a_flow_schema_says_whether_its_level_is_there(cluster):
    made, = cluster.apply({
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema",
        "metadata": {"name": "mine"}, "spec": {
            "priorityLevelConfiguration": {"name": "slow"}, "matchingPrecedence": 50, "rules": [{
                "subjects": [{"kind": "User", "user": {"name": "jane"}}],
                "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}]}]}})
    assert condition(cluster.get("flowschema", "mine"))["reason"] == "NotFound"
    cluster.apply({
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "PriorityLevelConfiguration",
        "metadata": {"name": "slow"}, "spec": {"type": "Limited", "limited": {
            "nominalConcurrencyShares": 1, "limitResponse": {"type": "Reject"}}}})
    assert condition(cluster.get("flowschema", "mine")) == {
        "type": "Dangling", "status": "False", "reason": "Found", "message":
        'This FlowSchema references the PriorityLevelConfiguration object named "slow" and it'
        " exists"}
    assert made["metadata"]["name"] == "mine"


def test_answers_say_which_flow_they_are_of(cluster, http):
    def uids(token, target):
        headers = http("GET", target, authorization=f"Bearer {token}").headers
        return headers["x-kubernetes-pf-flowschema-uid"], headers[
            "x-kubernetes-pf-prioritylevel-uid"]

    def uid(kind, name):
        return cluster.get(kind, name)["metadata"]["uid"]

    assert uids("root", "/api/v1/nodes") == (
        uid("flowschema", "exempt"), uid("prioritylevelconfiguration", "exempt"))
    assert uids("jane", "/api/v1/nodes") == (  # which is forbidden
        uid("flowschema", "global-default"), uid("prioritylevelconfiguration", "global-default"))
    assert uids("jane", "/livez")[0] == uid("flowschema", "probes")


def test_a_level_without_places_answers_429(cluster, http):
    for name in ("global-default", "catch-all"):
        cluster.delete("flowschema", name)
    cluster.apply(json.loads(json.dumps({
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema",
        "metadata": {"name": "none"}, "spec": {
            "priorityLevelConfiguration": {"name": "catch-all"}, "matchingPrecedence": 50,
            "rules": [{"subjects": [{"kind": "User", "user": {"name": "jane"}}], "resourceRules": [{
                "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True,
                "namespaces": ["*"]}]}]}})))
    level = cluster.flow.levels["catch-all"]
    level.taken = 10_000
    refused = http("GET", "/api/v1/nodes", authorization="Bearer jane")
    assert (refused.status, refused.headers["retry-after"], refused.body) == (
        429, "1", b"Too many requests, please try again later.\n")
    assert level.rejected == {("none", "concurrency-limit"): 1}


def test_the_range_of_services_has_both_families_where_the_cluster_has():
    with Cluster(node_ip="10.211.55.120,fd00:10:211::78", pod_cidr="172.17.0.0/16,fd00:10:244::/56",
                 service_cluster_ip_range="10.96.0.0/12,fd00:10:96::/112") as both:
        assert both.get("servicecidr", "kubernetes")["spec"] == {
            "cidrs": ["10.96.0.0/12", "fd00:10:96::/112"]}


def test_the_parts_of_the_control_plane_say_how_they_are(http):
    listed = http("GET", "/api/v1/componentstatuses", authorization="Bearer root").json["items"]
    assert [(each["metadata"]["name"], each["conditions"][0]["message"]) for each in listed] == [
        ("controller-manager", "ok"), ("etcd-0", "ok"), ("scheduler", "ok")]
    one = http("GET", "/api/v1/componentstatuses/etcd-0", authorization="Bearer root").json
    assert one["conditions"] == [{"type": "Healthy", "status": "True", "message": "ok"}]


def test_a_part_that_is_switched_off_refuses_connections():
    with Cluster(controllers="*,-kube-scheduler") as cluster:
        scheduler = cluster.get("componentstatus", "scheduler")
    assert scheduler["conditions"][0]["status"] == "False"
    assert "127.0.0.1:10259: connect: connection refused" in scheduler["conditions"][0]["message"]


def test_the_metrics_server_is_registered(cluster):
    assert condition(cluster.get("apiservice", "v1beta1.metrics.k8s.io"))["reason"] == "Passed"


def service(name, **spec):
    return {"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"ports": [{"port": 80}], **spec}}


def addresses(cluster):
    return {each["metadata"]["name"]: each["spec"]["parentRef"]["name"]
            for each in cluster.list("ipaddress")}


def test_the_addresses_of_services_are_objects(cluster):
    assert addresses(cluster)["10.96.0.1"] == "kubernetes"
    made, = cluster.apply(service("web"))
    address = made["spec"]["clusterIP"]
    found = cluster.get("ipaddress", address)
    assert found["spec"]["parentRef"] == {"resource": "services", "namespace": "default",
                                          "name": "web"}
    assert found["metadata"]["labels"] == {"ipaddress.kubernetes.io/ip-family": "IPv4",
                                           "ipaddress.kubernetes.io/managed-by": "ipallocator"}
    cluster.apply(service("headless", clusterIP="None"))
    assert "headless" not in addresses(cluster).values()
    cluster.apply(service("web", type="ExternalName", externalName="a.example.com"))
    assert address not in addresses(cluster)


def test_a_deleted_service_releases_its_address(cluster):
    made, = cluster.apply(service("web"))
    cluster.delete("service", "web")
    assert made["spec"]["clusterIP"] not in addresses(cluster)


def test_a_restarted_server_makes_the_addresses_that_are_missing(tmp_path):
    with Cluster(database=tmp_path / "state", kubernetes_version="1.32") as old:
        assert old.get("service", "kubernetes")["spec"]["clusterIP"] == "10.96.0.1"
    with Cluster(database=tmp_path / "state", kubernetes_version="1.33") as new:
        assert addresses(new)["10.96.0.1"] == "kubernetes"
