"""The FlowSchemas and priority levels of every server. Facts of apiserver/pkg/apis/flowcontrol/
bootstrap as of v1.36; the objects without which a server would not work come first and last.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from apiserver.defaults.objects import Default
from apiserver.machinery.gvk import GVR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apiserver.machinery.types import Object

GROUP: Final = "flowcontrol.apiserver.k8s.io"
FLOWSCHEMAS: Final = GVR(GROUP, "v1", "flowschemas")
PRIORITYLEVELS: Final = GVR(GROUP, "v1", "prioritylevelconfigurations")
PRODUCER: Final = "api-priority-and-fairness-config-producer-v1"
CONSUMER: Final = "api-priority-and-fairness-config-consumer-v1"

_LEVELS: Final = (
    # name, shares, per cent to lend, queues, hand size (no queues: what is too much is refused)
    ("system", 30, 33, 64, 6), ("node-high", 40, 25, 64, 6), ("leader-election", 10, 0, 16, 4),
    ("workload-high", 40, 50, 128, 6), ("workload-low", 100, 90, 128, 6),
    ("global-default", 20, 50, 128, 6), ("catch-all", 5, 0, 0, 0))
_QUEUE_LENGTH: Final = 50

_EVERYBODY: Final = ("group:system:unauthenticated", "group:system:authenticated")
_MANAGER: Final = "user:system:kube-controller-manager"
_SCHEDULER: Final = "user:system:kube-scheduler"
_KUBE_SYSTEM: Final = "account:kube-system/*"
_ALL: Final = "* * *"
_ELECT: Final = "get,create,update"
_SCHEMAS: Final = (
    # name, level, precedence, what makes a flow, subjects, rules (ALL: and all other paths)
    ("exempt", "exempt", 1, "", ("group:system:masters",), (_ALL,)),
    ("probes", "exempt", 2, "", _EVERYBODY, ("get url /healthz,/readyz,/livez",)),
    ("system-leader-election", "leader-election", 100, "ByUser",
     (_MANAGER, _SCHEDULER, _KUBE_SYSTEM), (f"{_ELECT} coordination.k8s.io leases",)),
    ("endpoint-controller", "workload-high", 150, "ByUser",
     (_MANAGER, "account:kube-system/endpoint-controller",
      "account:kube-system/endpointslicemirroring-controller"),
     (f"{_ELECT} core endpoints",)),
    ("workload-leader-election", "leader-election", 200, "ByUser", (_KUBE_SYSTEM,),
     (f"{_ELECT} core endpoints,configmaps", f"{_ELECT} coordination.k8s.io leases")),
    ("system-node-high", "node-high", 400, "ByUser", ("group:system:nodes",),
     ("* core nodes,nodes/status cluster", "* coordination.k8s.io leases")),
    ("system-nodes", "system", 500, "ByUser", ("group:system:nodes",), (_ALL,)),
    ("kube-controller-manager", "workload-high", 800, "ByNamespace", (_MANAGER,), (_ALL,)),
    ("kube-scheduler", "workload-high", 800, "ByNamespace", (_SCHEDULER,), (_ALL,)),
    ("kube-system-service-accounts", "workload-high", 900, "ByNamespace", (_KUBE_SYSTEM,),
     (_ALL,)),
    ("service-accounts", "workload-low", 9000, "ByUser", ("group:system:serviceaccounts",),
     (_ALL,)),
    ("global-default", "global-default", 9900, "ByUser", _EVERYBODY, (_ALL,)),
    ("catch-all", "catch-all", 10000, "ByUser", _EVERYBODY, (_ALL,)))


@cache
def flow_control() -> tuple[Default, ...]:
    """Priority levels, then FlowSchemas."""
    return (*(_default(PRIORITYLEVELS, "PriorityLevelConfiguration", name, spec, {})
              for name, spec in _levels()),
            *(_default(FLOWSCHEMAS, "FlowSchema", row[0], _schema(row), found(row[1]))
              for row in _SCHEMAS))


def found(level: str) -> Object:
    """The status of a FlowSchema whose priority level is there."""
    return {"conditions": [{
        "type": "Dangling", "status": "False", "reason": "Found", "message":
        f'This FlowSchema references the PriorityLevelConfiguration object named "{level}" and it'
        " exists"}]}


def lost(level: str) -> Object:
    """The status of a FlowSchema whose priority level is not there."""
    return {"conditions": [{
        "type": "Dangling", "status": "True", "reason": "NotFound", "message":
        f'This FlowSchema references the PriorityLevelConfiguration object named "{level}" but'
        " there is no such object"}]}


def _default(resource: GVR, kind: str, name: str, spec: Object, status: Object) -> Default:
    annotations = {"apf.kubernetes.io/autoupdate-spec": "true"}
    return Default(resource, {
        "kind": kind, "apiVersion": f"{GROUP}/v1",
        "metadata": {"name": name, "annotations": annotations}, "spec": spec, "status": status,
    }, PRODUCER, CONSUMER)


def _levels() -> Iterator[tuple[str, Object]]:
    yield "exempt", {"type": "Exempt",
                     "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}}
    for name, shares, lent, queues, hand in _LEVELS:
        response: Object = {"type": "Reject"}
        if queues:
            response = {"type": "Queue", "queuing": {
                "queues": queues, "handSize": hand, "queueLengthLimit": _QUEUE_LENGTH}}
        yield name, {"type": "Limited", "limited": {
            "nominalConcurrencyShares": shares, "limitResponse": response,
            "lendablePercent": lent}}


def _schema(row: tuple[str, str, int, str, Sequence[str], Sequence[str]]) -> Object:
    _, level, precedence, method, subjects, rules = row
    spec: Object = {"priorityLevelConfiguration": {"name": level},
                    "matchingPrecedence": precedence}
    if method:
        spec["distinguisherMethod"] = {"type": method}
    rule: Object = {"subjects": [_subject(*each.split(":", 1)) for each in subjects]}
    if resources := [_resource_rule(*each.split()) for each in rules if " url " not in each]:
        rule["resourceRules"] = resources
    urls = ["* url *"] if rules == (_ALL,) else [each for each in rules if " url " in each]
    if urls:
        rule["nonResourceRules"] = [_url_rule(each) for each in urls]
    return {**spec, "rules": [rule]}


def _subject(kind: str, name: str) -> Object:
    if kind == "account":
        namespace, _, account = name.partition("/")
        return {"kind": "ServiceAccount",
                "serviceAccount": {"namespace": namespace, "name": account}}
    return {"kind": kind.capitalize(), kind: {"name": name}}


def _resource_rule(verbs: str, group: str, resources: str, scope: str = "") -> Object:
    everything = group == "*"
    rule: Object = {"verbs": verbs.split(","), "apiGroups": ["" if group == "core" else group],
                    "resources": resources.split(",")}
    if scope or everything:
        rule["clusterScope"] = True
    return {**rule, "namespaces": ["*"]}


def _url_rule(line: str) -> Object:
    verbs, _, paths = line.split()
    return {"verbs": verbs.split(","), "nonResourceURLs": paths.split(",")}
