"""Which of the default FlowSchemas a request falls under."""

from __future__ import annotations

import pytest

from apiserver.authorization.attributes import Attributes
from apiserver.context import User
from apiserver.defaults.flowcontrol import FLOWSCHEMAS, flow_control
from apiserver.flowcontrol.matching import in_order, matches

SCHEMAS = in_order(each.object for each in flow_control() if each.resource == FLOWSCHEMAS)
KUBELET = ("system:node:a", "system:nodes", "system:authenticated")
ROBOT = ("system:serviceaccount:shop:robot", "system:serviceaccounts", "system:authenticated")
ENDPOINTS = ("system:serviceaccount:kube-system:endpoint-controller", "system:serviceaccounts",
             "system:authenticated")


def schema_of(user: tuple[str, ...], verb: str, what: str, namespace: str = "") -> str:
    path = what if what.startswith("/") else ""
    group, _, resource = "" if path else what.rpartition(":")[0], ":", what.rpartition(":")[2]
    resource, _, subresource = ("" if path else resource).partition("/")
    asked = Attributes(user=User(name=user[0], groups=user[1:]), verb=verb, group=group,
                       resource=resource, subresource=subresource, namespace=namespace, path=path)
    return next(each["metadata"]["name"] for each in SCHEMAS if matches(each, asked))


@pytest.mark.parametrize(("user", "verb", "what", "namespace", "expected"), [
    (("root", "system:masters"), "delete", "pods", "shop", "exempt"),
    (("jane", "system:authenticated"), "get", "/livez", "", "probes"),
    (("jane", "system:authenticated"), "get", "/livez/etcd", "", "global-default"),
    (("jane", "system:authenticated"), "list", "pods", "shop", "global-default"),
    (KUBELET, "update", "nodes/status", "", "system-node-high"),
    (KUBELET, "update", "coordination.k8s.io:leases", "kube-node-lease", "system-node-high"),
    (KUBELET, "get", "secrets", "shop", "system-nodes"),
    (ROBOT, "update", "coordination.k8s.io:leases", "shop", "service-accounts"),
    (ENDPOINTS, "update", "endpoints", "shop", "endpoint-controller"),
    (ENDPOINTS, "update", "coordination.k8s.io:leases", "shop", "system-leader-election"),
    (ENDPOINTS, "get", "configmaps", "shop", "workload-leader-election"),
    (ENDPOINTS, "list", "services", "", "kube-system-service-accounts"),
    (("system:kube-scheduler", "system:authenticated"), "list", "pods", "", "kube-scheduler"),
    (("nobody", "others"), "get", "pods", "a", "none")])
def test_requests_fall_under_the_first_schema_that_is_about_them(user, verb, what, namespace,
                                                                 expected):
    try:
        found = schema_of(user, verb, what, namespace)
    except StopIteration:
        found = "none"
    assert found == expected


def test_a_rule_about_namespaces_says_nothing_of_the_cluster():
    assert schema_of(KUBELET, "list", "coordination.k8s.io:leases") == "system-nodes"


def test_schemas_of_one_precedence_go_by_name():
    names = [each["metadata"]["name"] for each in SCHEMAS]
    assert names.index("kube-controller-manager") < names.index("kube-scheduler")
