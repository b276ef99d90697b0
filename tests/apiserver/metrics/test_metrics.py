"""/metrics: names, labels and buckets of a real server."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.apiserver.handlers.asgi import Http

POD = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture
def http() -> Http:
    return Http()


def samples(http, name, /, **labels):
    """The values of the samples of that name and (at least) these labels."""
    text = http("GET", "/metrics").body.decode()
    return [sample.value for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()]


@pytest.mark.parametrize(("method", "target", "labels"), [
    ("POST", PODS, {"verb": "POST", "scope": "resource", "code": "201"}),
    ("POST", f"{PODS}?dryRun=All", {"verb": "POST", "dry_run": "All"}),
    ("GET", PODS, {"verb": "LIST", "scope": "namespace", "code": "200"}),
    ("GET", "/api/v1/pods", {"verb": "LIST", "scope": "cluster"}),
    ("GET", f"{PODS}/none", {"verb": "GET", "scope": "resource", "code": "404"}),
    ("PUT", f"{PODS}/other/status", {"verb": "PUT", "subresource": "status", "code": "400"}),
    ("DELETE", PODS, {"verb": "DELETECOLLECTION", "scope": "namespace"}),
    ("GET", "/apis/apps/v1/deployments", {"group": "apps", "version": "v1",
                                          "resource": "deployments"}),
    ("GET", "/livez", {"verb": "GET", "subresource": "/livez", "component": "", "resource": ""})])
def test_a_request_is_counted_by_what_it_asked_for(http, method, target, labels):
    http(method, target, POD if method in ("POST", "PUT") else None)
    assert samples(http, "apiserver_request_total", **labels) == [1]
    found = {key: value for key, value in labels.items() if key != "code"}
    assert samples(http, "apiserver_request_duration_seconds_count", **found) == [1]


def test_an_apply_is_no_patch(http):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    target = "/api/v1/namespaces/default/configmaps/a?fieldManager=me"
    assert http("PATCH", target, body, content_type="application/apply-patch+yaml").status == 201
    assert samples(http, "apiserver_request_total", verb="APPLY") == [1]
    assert samples(http, "apiserver_request_total", verb="PATCH") == []


@pytest.mark.verified(source="/metrics of a real server")
def test_buckets_are_the_real_ones(http):
    http("GET", PODS)
    text = http("GET", "/metrics").body.decode()

    def bounds(name):
        return [sample.labels["le"] for family in text_string_to_metric_families(text)
                for sample in family.samples if sample.name == f"{name}_bucket"]

    assert bounds("apiserver_request_duration_seconds") == [
        "0.005", "0.025", "0.05", "0.1", "0.2", "0.4", "0.6", "0.8", "1", "1.25", "1.5", "2", "3",
        "4", "5", "6", "8", "10", "15", "20", "30", "45", "60", "+Inf"]
    assert bounds("apiserver_response_sizes") == [
        "1000", "10000", "100000", "1e+06", "1e+07", "1e+08", "1e+09", "+Inf"]


def test_stored_objects_are_counted_by_kind(http):
    http("POST", PODS, POD)
    assert samples(http, "apiserver_storage_objects", resource="pods") == [1]
    assert samples(http, "apiserver_storage_objects", resource="deployments.apps") == [0]
    assert samples(http, "apiserver_resource_objects", group="apps", resource="deployments") == [0]


def test_a_deprecated_api_is_named_once_it_was_asked_for(http):
    assert samples(http, "apiserver_requested_deprecated_apis") == []
    http("GET", "/api/v1/componentstatuses")
    assert samples(http, "apiserver_requested_deprecated_apis",
                   resource="componentstatuses") == [1]


def test_watches_are_long_running(http):
    http.stream(f"{PODS}?watch=1&timeoutSeconds=1")
    assert samples(http, "apiserver_longrunning_requests", verb="WATCH", resource="pods") == [0]
    assert samples(http, "apiserver_request_total", verb="WATCH", code="200") == [1]


def test_open_metrics_are_written_for_who_asks(http):
    reply = http("GET", "/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    assert reply.body.endswith(b"# EOF\n")


def test_checks_are_indicators(http):
    http("GET", "/readyz")
    text = http("GET", "/metrics/slis").body.decode()
    assert 'kubernetes_healthcheck{name="etcd",type="livez"} 1.0' in text
    assert 'kubernetes_healthchecks_total{name="ping",status="success",type="readyz"} 1.0' in text
    assert "apiserver_request_total" not in text


def test_every_family_has_help_and_a_stability_level(http):
    http("GET", PODS)
    helps = [line for line in http("GET", "/metrics").body.decode().splitlines()
             if line.startswith("# HELP") and not line.startswith("# HELP process_")]
    assert helps
    assert all(line.split(" ", 3)[3].startswith(("[STABLE]", "[BETA]", "[ALPHA]"))
               for line in helps)


def test_admission_is_timed_by_plugin_and_operation(http):
    http("POST", PODS, POD)
    http("PATCH", f"{PODS}/web", {"metadata": {"labels": {"a": "b"}}},
         content_type="application/merge-patch+json")
    http("DELETE", f"{PODS}/web")
    plugin = "apiserver_admission_controller_admission_duration_seconds_count"
    assert samples(http, plugin, name="PodSecurity", type="validate", operation="UPDATE",
                   rejected="false") == [1]
    assert samples(http, plugin, name="NamespaceLifecycle", type="admit",
                   operation="DELETE") == [1]
    assert samples(http, plugin, name="LimitRanger", operation="DELETE") == []
    assert samples(http, plugin, name="") == []
    step = "apiserver_admission_step_admission_duration_seconds_count"
    assert samples(http, step, type="admit", operation="UPDATE", rejected="false") == [1]


def test_a_refusal_is_timed_as_one(http):
    http("POST", PODS, {**POD, "spec": {**POD["spec"], "serviceAccountName": "none"}})
    found = {"type": "admit", "operation": "CREATE", "rejected": "true"}
    assert samples(http, "apiserver_admission_controller_admission_duration_seconds_count",
                   name="ServiceAccount", **found) == [1]
    assert samples(http, "apiserver_admission_step_admission_duration_seconds_count",
                   **found) == [1]


def test_reading_passes_no_admission(http):
    name = "apiserver_admission_step_admission_duration_seconds_count"
    before = samples(http, name)
    http("GET", PODS)
    assert samples(http, name) == before


def test_what_a_watch_sends_is_counted_and_measured(http):
    http("POST", PODS, POD)
    lines = http.stream(f"{PODS}?watch=1&timeoutSeconds=1&resourceVersion=0")
    of_pods = {"group": "", "version": "v1", "resource": "pods"}
    assert samples(http, "apiserver_watch_events_total", **of_pods) == [len(lines)] == [1]
    assert samples(http, "apiserver_watch_events_sizes_bucket", le="1024", **of_pods) == [0]
    assert samples(http, "apiserver_watch_events_sizes_bucket", le="2048", **of_pods) == [1]


@pytest.mark.verified(source="/metrics of a real server")
def test_counters_have_upstreams_names_in_text_and_total_in_open_metrics(http):
    text = http("GET", "/metrics").body.decode()
    assert "# TYPE authentication_attempts counter\nauthentication_attempts{" in text
    assert "authentication_attempts_total" not in text
    assert "# TYPE apiserver_request_total counter\n" in text
    openly = http("GET", "/metrics", accept="application/openmetrics-text; version=1.0.0").body
    assert b"authentication_attempts_total{" in openly
