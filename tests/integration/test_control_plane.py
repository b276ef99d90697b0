"""What kube-controller-manager, kube-scheduler, kube-proxy and kubelet ask of a server.

The same requests, with the headers that client-go sends with the JSON content type; our own
controllers are switched off.
"""

from __future__ import annotations

import json

import httpx
import pytest

from tests.clients.conftest import running

pytestmark = pytest.mark.slow
_CLIENT_GO = "kube-controller-manager/v1.36.0 (linux/amd64) kubernetes/abcdef0"
_METADATA = ("application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,"
             "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json")
INFORMERS = """
api/v1/configmaps api/v1/endpoints api/v1/events api/v1/limitranges api/v1/namespaces api/v1/nodes
api/v1/persistentvolumeclaims api/v1/persistentvolumes api/v1/pods api/v1/podtemplates
api/v1/replicationcontrollers api/v1/resourcequotas api/v1/secrets api/v1/serviceaccounts
api/v1/services
apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations
apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies
apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings
apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations
apis/apiextensions.k8s.io/v1/customresourcedefinitions apis/apiregistration.k8s.io/v1/apiservices
apis/apps/v1/controllerrevisions apis/apps/v1/daemonsets apis/apps/v1/deployments
apis/apps/v1/replicasets apis/apps/v1/statefulsets
apis/autoscaling/v2/horizontalpodautoscalers apis/batch/v1/cronjobs apis/batch/v1/jobs
apis/certificates.k8s.io/v1/certificatesigningrequests apis/coordination.k8s.io/v1/leases
apis/discovery.k8s.io/v1/endpointslices apis/flowcontrol.apiserver.k8s.io/v1/flowschemas
apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations
apis/networking.k8s.io/v1/ingressclasses apis/networking.k8s.io/v1/ingresses
apis/networking.k8s.io/v1/ipaddresses apis/networking.k8s.io/v1/networkpolicies
apis/networking.k8s.io/v1/servicecidrs apis/node.k8s.io/v1/runtimeclasses
apis/policy/v1/poddisruptionbudgets apis/rbac.authorization.k8s.io/v1/clusterrolebindings
apis/rbac.authorization.k8s.io/v1/clusterroles apis/rbac.authorization.k8s.io/v1/rolebindings
apis/rbac.authorization.k8s.io/v1/roles apis/resource.k8s.io/v1/deviceclasses
apis/resource.k8s.io/v1/resourceclaims apis/resource.k8s.io/v1/resourceclaimtemplates
apis/resource.k8s.io/v1/resourceslices apis/scheduling.k8s.io/v1/priorityclasses
apis/storage.k8s.io/v1/csidrivers apis/storage.k8s.io/v1/csinodes
apis/storage.k8s.io/v1/csistoragecapacities apis/storage.k8s.io/v1/storageclasses
apis/storage.k8s.io/v1/volumeattachments
""".split()  # noqa: SIM905


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    options = "--token secret --controllers serviceaccount-controller,kubelet,service-ip-allocator"
    with running(tmp_path_factory.mktemp("computer"), options) as made:
        made.url = json.loads(made.sim("status -o json"))["url"]
        yield made


@pytest.fixture(scope="module")
def http(server):
    with httpx.Client(base_url=server.url, verify=False, trust_env=False, timeout=10, headers={
            "Authorization": "Bearer secret", "User-Agent": _CLIENT_GO,
            "Accept": "application/vnd.kubernetes.protobuf,application/json",
            "Content-Type": "application/json"}) as client:
        yield client


def ok(answer, code=200):
    assert answer.status_code == code, answer.text
    return answer.json()


@pytest.mark.parametrize("path", INFORMERS)
def test_every_informer_lists_from_the_cache_and_watches_with_bookmarks(http, path):
    listed = ok(http.get(path, params={"limit": 500, "resourceVersion": "0"}))
    version = listed["metadata"]["resourceVersion"]
    with http.stream("GET", path, params={
            "allowWatchBookmarks": "true", "resourceVersion": version, "timeout": "9m18s",
            "timeoutSeconds": 1, "watch": "true"}) as stream:
        assert stream.status_code == 200
        assert stream.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", INFORMERS)
def test_every_informer_can_stream_its_list(http, path):
    with http.stream("GET", path, params={
            "allowWatchBookmarks": "true", "resourceVersionMatch": "NotOlderThan",
            "sendInitialEvents": "true", "timeout": "9m18s", "timeoutSeconds": 558,
            "watch": "true"}) as stream:
        for line in stream.iter_lines():
            event = json.loads(line)
            if event["type"] == "BOOKMARK":
                break
            assert event["type"] == "ADDED"
    metadata = event["object"]["metadata"]
    assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(metadata["resourceVersion"]) > 0


@pytest.mark.parametrize("path", ["api/v1/pods", "apis/apps/v1/replicasets", "api/v1/nodes"])
def test_the_garbage_collector_lists_and_watches_metadata_only(http, path):
    listed = ok(http.get(path, params={"limit": 500, "resourceVersion": "0"},
                         headers={"Accept": _METADATA}))
    assert listed["kind"] == "PartialObjectMetadataList"
    assert all(item.keys() <= {"metadata", "kind", "apiVersion"} for item in listed["items"])


@pytest.mark.parametrize(("path", "query"), [
    ("api/v1/pods", {"fieldSelector": "status.phase!=Succeeded,status.phase!=Failed"}),
    ("api/v1/pods", {"fieldSelector": "spec.nodeName=minikube"}),
    ("api/v1/nodes", {"fieldSelector": "metadata.name=minikube"}),
    ("api/v1/services", {"labelSelector": "!service.kubernetes.io/headless,"
                                          "!service.kubernetes.io/service-proxy-name"}),
    ("apis/discovery.k8s.io/v1/endpointslices", {
        "labelSelector": "!service.kubernetes.io/headless,"
                         "!service.kubernetes.io/service-proxy-name"}),
    ("api/v1/secrets", {"fieldSelector": "type=kubernetes.io/service-account-token"}),
    ("api/v1/namespaces/kube-system/configmaps", {
        "fieldSelector": "metadata.name=extension-apiserver-authentication"}),
    ("apis/certificates.k8s.io/v1/certificatesigningrequests", {
        "fieldSelector": "spec.signerName=kubernetes.io/kubelet-serving"})])
def test_the_selectors_of_kubernetes_own_informers(http, path, query):
    assert "items" in ok(http.get(path, params={**query, "limit": 500, "resourceVersion": "0"}))


def test_delegated_authentication_finds_its_config_map(http):
    found = ok(http.get("api/v1/namespaces/kube-system/configmaps/"
                        "extension-apiserver-authentication"))
    assert "BEGIN CERTIFICATE" in found["data"]["client-ca-file"]


def test_a_leader_takes_renews_and_gives_up_its_lease(http):
    path = "apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
    assert http.get(f"{path}/kube-controller-manager").status_code == 404
    lease = ok(http.post(path, json={
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "kube-controller-manager", "namespace": "kube-system"},
        "spec": {"holderIdentity": "a_1", "leaseDurationSeconds": 15, "leaseTransitions": 0,
                 "acquireTime": "2026-01-01T00:00:00.000000Z",
                 "renewTime": "2026-01-01T00:00:00.123456Z"}}), 201)
    lease["spec"]["renewTime"] = "2026-01-01T00:00:02.000001Z"
    renewed = ok(http.put(f"{path}/kube-controller-manager", json=lease))
    assert renewed["spec"]["renewTime"] == "2026-01-01T00:00:02.000001Z"
    lease["spec"]["holderIdentity"] = "b_2"
    assert http.put(f"{path}/kube-controller-manager", json=lease).status_code == 409
    renewed["spec"] = {"holderIdentity": "", "leaseDurationSeconds": 1, "leaseTransitions": 0,
                       "acquireTime": "2026-01-01T00:00:03.000000Z",
                       "renewTime": "2026-01-01T00:00:03.000000Z"}
    assert ok(http.put(f"{path}/kube-controller-manager", json=renewed))["spec"][
        "holderIdentity"] == ""


def test_controllers_get_accounts_and_tokens_of_their_own(http):
    path = "api/v1/namespaces/kube-system/serviceaccounts"
    made = http.post(path, json={"metadata": {"name": "replicaset-controller",
                                              "namespace": "kube-system"}})
    assert made.status_code in (201, 409)
    token = ok(http.post(f"{path}/replicaset-controller/token", json={
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"creationTimestamp": None},
        "spec": {"audiences": None, "expirationSeconds": 3600, "boundObjectRef": None},
        "status": {"token": "", "expirationTimestamp": None}}), 201)["status"]["token"]
    as_account = {"Authorization": f"Bearer {token}"}
    assert http.get("apis/apps/v1/replicasets", headers=as_account).status_code == 200
    assert http.get("api/v1/secrets", headers=as_account).status_code == 403
    review = ok(http.post("apis/authentication.k8s.io/v1/tokenreviews", json={
        "kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1",
        "spec": {"token": token}}), 201)
    assert review["status"]["user"]["username"] == (
        "system:serviceaccount:kube-system:replicaset-controller")


def test_access_is_reviewed_for_those_who_ask_the_controller_manager(http):
    review = ok(http.post("apis/authorization.k8s.io/v1/subjectaccessreviews", json={
        "kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
        "spec": {"user": "system:kube-scheduler",
                 "resourceAttributes": {"verb": "create", "resource": "pods",
                                        "subresource": "binding", "namespace": "default"}}}), 201)
    assert review["status"]["allowed"] is True


@pytest.mark.parametrize(("path", "event"), [
    ("api/v1/namespaces/kube-system/events", {
        "metadata": {"name": "kcm.1", "namespace": "kube-system"}, "reason": "LeaderElection",
        "involvedObject": {"kind": "Lease", "namespace": "kube-system", "name": "kcm"},
        "message": "a_1 became leader", "type": "Normal", "count": 1,
        "source": {"component": "kube-controller-manager"},
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z",
        "eventTime": None, "reportingComponent": "kube-controller-manager",
        "reportingInstance": ""}),
    ("apis/events.k8s.io/v1/namespaces/default/events", {
        "metadata": {"name": "minikube.1", "namespace": "default"}, "reason": "Starting",
        "action": "StartKubeProxy", "note": "", "type": "Normal",
        "regarding": {"kind": "Node", "name": "minikube", "uid": "minikube"},
        "eventTime": "2026-01-01T00:00:00.000001Z", "reportingController": "kube-proxy",
        "reportingInstance": "kube-proxy-minikube"})])
def test_events_of_both_groups_are_taken(http, path, event):
    assert ok(http.post(path, json=event), 201)["reason"] == event["reason"]


def test_a_kubelet_registers_reports_and_a_scheduler_binds(http):
    ok(http.post("api/v1/nodes", json={
        "kind": "Node", "apiVersion": "v1", "metadata": {
            "name": "far", "labels": {"kubernetes.io/hostname": "far"}},
        "spec": {}, "status": {"capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"}}}), 201)
    patched = ok(http.patch("api/v1/nodes/far/status", json={"status": {
        "$setElementOrder/conditions": [{"type": "Ready"}],
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
                        "message": "", "lastHeartbeatTime": "2026-01-01T00:00:00Z",
                        "lastTransitionTime": "2026-01-01T00:00:00Z"}]}},
        headers={"Content-Type": "application/strategic-merge-patch+json"}))
    assert patched["status"]["conditions"][0]["reason"] == "KubeletReady"
    pods = "api/v1/namespaces/default/pods"
    ok(http.post(pods, json={"metadata": {"name": "p"}, "spec": {
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "c", "image": "nginx"}]}}), 201)
    bound = ok(http.post(f"{pods}/p/binding", json={
        "kind": "Binding", "apiVersion": "v1", "metadata": {"name": "p", "namespace": "default"},
        "target": {"kind": "Node", "name": "far"}}), 201)
    assert bound["status"] == "Success"
    status = ok(http.patch(f"{pods}/p/status", json={
        "status": {"phase": "Running", "podIP": "10.0.0.9", "podIPs": [{"ip": "10.0.0.9"}]}},
        headers={"Content-Type": "application/strategic-merge-patch+json"}))
    assert (status["spec"]["nodeName"], status["status"]["phase"]) == ("far", "Running")


def test_a_replica_set_s_status_is_replaced_without_its_spec(http):
    path = "apis/apps/v1/namespaces/default/replicasets"
    labels = {"app": "x"}
    made = ok(http.post(path, json={"metadata": {"name": "x"}, "spec": {
        "replicas": 3, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "c", "image": "nginx"}]}}}}), 201)
    made["spec"]["replicas"], made["status"] = 9, {"replicas": 3, "observedGeneration": 1}
    replaced = ok(http.put(f"{path}/x/status", json=made))
    assert (replaced["spec"]["replicas"], replaced["status"]["replicas"]) == (3, 3)


def test_discovery_as_the_garbage_collector_reads_it(http):
    accept = ("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
              "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
              "application/json")
    for path in ("api", "apis"):
        assert ok(http.get(path, headers={"Accept": accept}))["kind"] == "APIGroupDiscoveryList"


@pytest.mark.parametrize("path", ["healthz", "livez", "readyz", "version", "metrics"])
def test_pages_that_the_programs_poll(http, path):
    assert http.get(path).status_code == 200
