"""Custom resources with a real kubectl."""

from __future__ import annotations

import json

import pytest

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.stable.example.com}
spec:
  group: stable.example.com
  scope: Namespaced
  names: {plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        description: A table of jobs.
        properties:
          spec:
            type: object
            required: [cronSpec]
            x-kubernetes-validations:
            - {rule: "self.replicas <= 10 || has(self.image)", message: many replicas need an image}
            properties:
              cronSpec: {type: string, pattern: '^(\\S+\\s+){4}\\S+$', description: When to run.}
              image: {type: string}
              replicas: {type: integer, minimum: 1, default: 1}
          status:
            type: object
            properties:
              replicas: {type: integer}
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
    additionalPrinterColumns:
    - {name: Spec, type: string, jsonPath: .spec.cronSpec}
    - {name: Replicas, type: integer, jsonPath: .spec.replicas}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
"""
CRONTAB = """
apiVersion: stable.example.com/v1
kind: CronTab
metadata: {name: night}
spec: {cronSpec: "0 2 * * *"}
"""


@pytest.fixture(scope="module")
def crontabs(cluster):
    cluster.kubectl("apply -f -", stdin=CRD)
    cluster.kubectl("wait --for condition=established crd/crontabs.stable.example.com")
    return cluster


def test_the_kind_can_be_used_at_once(crontabs):
    crontabs.kubectl("apply -f -", stdin=CRONTAB)
    lines = crontabs.kubectl("get ct night").splitlines()
    assert lines[0].split() == ["NAME", "SPEC", "REPLICAS", "AGE"]
    assert lines[1].split()[:7] == ["night", "0", "2", "*", "*", "*", "1"]
    assert "crontab.stable.example.com/night" in crontabs.kubectl("get all -o name")
    assert "unchanged" in crontabs.kubectl("apply -f -", stdin=CRONTAB)


def test_api_resources_and_explain_know_it(crontabs):
    listed = crontabs.kubectl("api-resources --api-group stable.example.com --no-headers")
    assert listed.split() == ["crontabs", "ct", "stable.example.com/v1", "true", "CronTab"]
    text = crontabs.kubectl("explain crontab.spec")
    assert "cronSpec\t<string> -required-" in text
    assert "When to run." in text
    assert "replicas\t<integer>" in crontabs.kubectl("explain ct --recursive")


def test_what_the_schema_forbids_is_an_error(crontabs):
    bad = crontabs.run("kubectl", "apply", "-f", "-", stdin=CRONTAB.replace("0 2 * * *", "often"))
    assert bad.returncode == 1
    assert "spec.cronSpec in body should match" in bad.stderr
    many = CRONTAB.replace("spec: {", "spec: {replicas: 11, ").replace("night", "many")
    refused = crontabs.run("kubectl", "create", "-f", "-", stdin=many)
    assert "spec: Invalid value: many replicas need an image" in refused.stderr
    unknown = crontabs.run("kubectl", "create", "-f", "-",
                           stdin=many.replace("replicas: 11", "nope: 1"))
    assert 'unknown field "spec.nope"' in unknown.stderr


def test_scale_edit_patch_and_status(crontabs):
    crontabs.kubectl("apply -f -", stdin=CRONTAB)
    crontabs.kubectl("scale crontab night --replicas 3")
    crontabs.kubectl("patch ct night --type merge -p {\"spec\":{\"image\":\"cron:1\"}}")
    crontabs.kubectl("patch ct night --subresource status --type merge "
                     "-p {\"status\":{\"replicas\":3}}")
    obj = json.loads(crontabs.kubectl("get ct night -o json"))
    assert obj["spec"] == {"cronSpec": "0 2 * * *", "image": "cron:1", "replicas": 3}
    assert obj["status"] == {"replicas": 3}
    done = crontabs.kubectl("apply --server-side --force-conflicts -f -", stdin=CRONTAB)
    assert "serverside-applied" in done


def test_a_deleted_crd_is_forgotten(crontabs):
    crontabs.kubectl("apply -f -", stdin=CRONTAB)
    crontabs.kubectl("delete crd crontabs.stable.example.com")
    gone = crontabs.run("kubectl", "get", "--raw", "/apis/stable.example.com/v1")
    assert "NotFound" in gone.stderr or "not find" in gone.stderr
    crontabs.kubectl("apply -f -", stdin=CRD)
    crontabs.kubectl("wait --for condition=established crd/crontabs.stable.example.com")
    assert crontabs.kubectl("get ct -o name") == ""
