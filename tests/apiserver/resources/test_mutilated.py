"""Objects with a part missing, empty or absurd are judged, never a crash."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

import pytest

from apiserver.resources import BUILTIN
from apiserver.schema.state import DecodeError
from tests.apiserver.resources.bodies import BODIES, NEW_EVENT
from tests.apiserver.resources.kinds import (
    cells,
    create_errors,
    made,
    update_errors,
    warnings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.resource import Resource

Place = tuple[Any, ...]
GONE: Final = object()

RICH_POD: Final[dict[str, Any]] = {
    "nodeSelector": {"a": "b"}, "hostNetwork": True, "priority": 3, "hostname": "h",
    "tolerations": [{"key": "a", "operator": "Equal", "value": "b", "effect": "NoExecute",
                     "tolerationSeconds": 3}],
    "affinity": {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
             "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}]}},
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 5, "podAffinityTerm": {"topologyKey": "k", "labelSelector": {
                "matchExpressions": [{"key": "a", "operator": "Exists"}]}}}]}},
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "k", "labelSelector": {},
                                   "whenUnsatisfiable": "DoNotSchedule"}],
    "securityContext": {"runAsUser": 1, "fsGroup": 2, "sysctls": [{"name": "a.b", "value": "c"}],
                        "seccompProfile": {"type": "Localhost", "localhostProfile": "p"}},
    "dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.0.0.1"], "searches": ["a.b"],
                                       "options": [{"name": "o", "value": "1"}]},
    "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a.b"]}],
    "readinessGates": [{"conditionType": "a.b/c"}],
    "volumes": [
        {"name": "e", "emptyDir": {"sizeLimit": "1Gi"}},
        {"name": "s", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}]}},
        {"name": "p", "projected": {"sources": [
            {"configMap": {"name": "c", "items": [{"key": "k", "path": "p", "mode": 1}]}},
            {"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}},
            {"downwardAPI": {"items": [{"path": "d", "fieldRef": {
                "fieldPath": "metadata.labels['a']"}}]}}]}},
        {"name": "h", "hostPath": {"path": "/x", "type": "File"}},
        {"name": "q", "ephemeral": {"volumeClaimTemplate": {"spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1"}}}}}},
        {"name": "i", "iscsi": {"targetPortal": "1.2.3.4", "iqn": "iqn.2001-04.com.x:y",
                                "lun": 0}}],
    "initContainers": [{"name": "i", "image": "i", "restartPolicy": "Always"}],
    "containers": [{
        "name": "c", "image": "i:1", "command": ["a"], "workingDir": "/",
        "ports": [{"name": "http", "containerPort": 80, "hostPort": 80}],
        "env": [{"name": "A", "value": "b"},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                {"name": "C", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu",
                                                                 "divisor": "1m"}}}],
        "envFrom": [{"prefix": "P_", "configMapRef": {"name": "c"}}],
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}},
        "volumeMounts": [{"name": "e", "mountPath": "/e", "subPath": "x"}],
        "livenessProbe": {"exec": {"command": ["a"]}, "initialDelaySeconds": 1},
        "readinessProbe": {"grpc": {"port": 1, "service": "s"}},
        "startupProbe": {"tcpSocket": {"port": "http"}},
        "lifecycle": {"preStop": {"httpGet": {"port": 80, "httpHeaders": [
            {"name": "X", "value": "y"}]}}},
        "securityContext": {"capabilities": {"add": ["A"]}, "privileged": False,
                            "procMount": "Default"}}]}
RICH: Final[dict[str, dict[str, Any]]] = {
    "pods": {"spec": RICH_POD},
    "services": {"spec": {
        "type": "LoadBalancer", "selector": {"a": "b"}, "externalIPs": ["1.2.3.4"],
        "loadBalancerSourceRanges": ["10.0.0.0/8"], "sessionAffinity": "ClientIP",
        "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 3}}, "clusterIP": "10.0.0.1",
        "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
        "externalTrafficPolicy": "Local", "healthCheckNodePort": 30000,
        "ports": [{"name": "a", "port": 80, "targetPort": "http", "nodePort": 30001}]}},
    "networkpolicies": {"spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{
        "ports": [{"port": 80, "endPort": 90}], "from": [{"namespaceSelector": {}}, {"ipBlock": {
            "cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}]}},
    "jobs": {"spec": BODIES["jobs"]["spec"] | {
        "completionMode": "Indexed", "completions": 3, "backoffLimitPerIndex": 1,
        "successPolicy": {"rules": [{"succeededIndexes": "0-1", "succeededCount": 1}]},
        "podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": {
            "operator": "In", "values": [1]}}]}}},
    "horizontalpodautoscalers": {"spec": BODIES["horizontalpodautoscalers"]["spec"] | {
        "behavior": {"scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 1}]}},
        "metrics": [{"type": "Object", "object": {
            "metric": {"name": "m"}, "describedObject": {"kind": "K", "name": "n"},
            "target": {"type": "Value", "value": "1"}}}]}},
    "nodes": {"spec": {"podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.0.0/24"],
                       "taints": [{"key": "a", "effect": "NoSchedule"}]},
              "status": {"capacity": {"cpu": "1"}, "addresses": [{"type": "InternalIP",
                                                                  "address": "10.0.0.1"}]}},
}


def places(value: Any, here: Place = ()) -> Iterator[Place]:
    """Where the parts of a body are."""
    keys: Any = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield (*here, key)
        if isinstance(value[key], dict | list):
            yield from places(value[key], (*here, key))


def mutilated(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The body with one part gone, null, empty, negative or absurd."""
    for *way, last in places(body):
        for wrong in (GONE, None, {}, [], "", "Ä b/\"\\", 0, -1):
            new = copy.deepcopy(body)
            parent: Any = new
            for key in way:
                parent = parent[key]
            if wrong is GONE:
                del parent[last]
            else:
                parent[last] = copy.copy(wrong)
            yield new


@pytest.mark.parametrize("resource", [r for r in BUILTIN if "delete" in r.verbs],
                         ids=lambda r: f"{r.api_version}/{r.kind}")
def test_it_is_judged(resource: Resource) -> None:
    body = copy.deepcopy(RICH.get(resource.plural) or BODIES[resource.plural])
    if resource.group == "events.k8s.io":
        body = copy.deepcopy(NEW_EVENT)
    body.pop("metadata", None)
    old = made(resource, **copy.deepcopy(body))

    for wrong in mutilated(body):
        try:
            obj = made(resource, **wrong)
        except DecodeError:
            continue
        create_errors(resource, **wrong)
        warnings(resource, **wrong)
        cells(resource, obj)
        resource.strategy.fields(obj)

        def replace(new: dict[str, Any], wrong: dict[str, Any] = obj) -> None:
            new.update({key: copy.deepcopy(value) for key, value in wrong.items()
                        if key != "metadata"})

        update_errors(resource, old, replace)
