"""What a pod's author is warned about (the cases of pkg/api/pod/warnings_test.go)."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.resources.apps.deployments import DEPLOYMENTS
from apiserver.resources.core.pods import PODS
from tests.apiserver.resources.kinds import context, made, warnings

INVALID = ("a valid label must be an empty string or consist of alphanumeric characters, '-', '_' "
           "or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
           "'my_value',  or '12345', regex used for validation is "
           "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')")
NULL = "a null labelSelector results in matching no pod"
AFFINITY = "spec.affinity.nodeAffinity"
ALL = "requiredDuringSchedulingIgnoredDuringExecution"
SOME = "preferredDuringSchedulingIgnoredDuringExecution"


def container(name: str = "c", **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "i:1", **more}


def spec(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"containers": list(containers) or [container()], **more}


def ports(*several: dict[str, Any]) -> dict[str, Any]:
    return container(ports=[{"containerPort": 80, "protocol": "UDP", **port} for port in several])


def term(key: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": "In", "values": list(values)}]}


def volume(**source: Any) -> dict[str, Any]:
    return {"name": "v", **source}


def items(*paths: str) -> list[dict[str, str]]:
    return [{"key": "k", "path": path} for path in paths]


@pytest.mark.parametrize(("body", "expected"), [
    (spec(affinity={"nodeAffinity": {ALL: {"nodeSelectorTerms": [
        term("beta.kubernetes.io/os", "-1")]}}}),
     [f"{AFFINITY}.{ALL}.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/os is "
      'deprecated since v1.14; use "kubernetes.io/os" instead']),
    (spec(affinity={"nodeAffinity": {SOME: [{"weight": 1, "preference": term("foo", "-1")}]}}),
     [f"{AFFINITY}.{SOME}[0].preference.matchExpressions[0].values[0]: -1 is invalid, {INVALID}"]),
    (spec(nodeSelector={"node-role.kubernetes.io/master": ""}),
     ["spec.nodeSelector[node-role.kubernetes.io/master]: use "
      '"node-role.kubernetes.io/control-plane" instead']),
    (spec(affinity={"podAffinity": {ALL: [{"topologyKey": "a"}]}, "podAntiAffinity": {SOME: [
        {"weight": 1, "podAffinityTerm": {"topologyKey": "a"}}]}}),
     [f"spec.affinity.podAffinity.{ALL}[0].labelSelector: {NULL}",
      f"spec.affinity.podAntiAffinity.{SOME}[0].podAffinityTerm.labelSelector: {NULL}"]),
    (spec(volumes=[volume(storageos={"volumeName": "a"})]),
     ["spec.volumes[0].storageOS: deprecated in v1.22, non-functional in v1.25+"]),
    (spec(overhead={"memory": "4m"}),
     ['spec.overhead[memory]: fractional byte value "4m" is invalid, must be an integer']),
    (spec(volumes=[volume(ephemeral={"volumeClaimTemplate": {"spec": {"resources": {
        "requests": {"storage": "200Mi", "x": "1m"}, "limits": {"storage": "4m"}}}}})]),
     ["spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources.limits[storage]: fractional "
      'byte value "4m" is invalid, must be an integer']),
    (spec(dnsConfig={"nameservers": ["1.2.3.4", "05.06.07.08"]},
          hostAliases=[{"ip": "::ffff:1.2.3.4"}]),
     ['spec.dnsConfig.nameservers[1]: non-standard IP address "05.06.07.08" will be considered '
      'invalid in a future Kubernetes release: use "5.6.7.8"',
      'spec.hostAliases[0].ip: non-standard IP address "::ffff:1.2.3.4" will be considered '
      'invalid in a future Kubernetes release: use "1.2.3.4"']),
    (spec(hostAliases=[{"ip": "2001:DB8::0"}]),
     ['spec.hostAliases[0].ip: IPv6 address "2001:DB8::0" should be in RFC 5952 canonical format '
      '("2001:db8::")']),
])
def test_doubtful_fields(body: dict[str, Any], expected: list[str]) -> None:
    assert warnings(PODS, spec=body) == expected


@pytest.mark.parametrize(("several", "expected"), [
    ([{}, {}], ["duplicate port definition with spec.containers[0].ports[0]"]),
    ([{"hostPort": 80}, {"hostPort": 81}], []),
    ([{"hostPort": 80, "hostIP": "10.0.0.1"}, {"hostPort": 80, "hostIP": "10.0.0.2"}], []),
    ([{"hostPort": 80, "hostIP": "10.0.0.1"}, {"hostPort": 80}],
     ["dangerously ambiguous port definition with spec.containers[0].ports[0]"]),
    ([{"hostPort": 80, "hostIP": "10.0.0.1"}, {"hostIP": "10.0.0.1"}],
     ["hostIP set without hostPort: {Name: HostPort:0 ContainerPort:80 Protocol:UDP "
      "HostIP:10.0.0.1}",
      "overlapping port definition with spec.containers[0].ports[0]"]),
])
def test_ports_in_each_others_way(several: list[dict[str, Any]], expected: list[str]) -> None:
    assert warnings(PODS, spec=spec(ports(*several))) == [
        f"spec.containers[0].ports[1]: {text}" for text in expected]


def test_every_pair_of_equal_ports_is_named() -> None:
    texts = warnings(PODS, spec=spec(ports({}, {}), container("d", ports=[
        {"containerPort": 80, "protocol": "UDP"}])))
    assert texts[1:] == [f"spec.containers[1].ports[0]: duplicate port definition with "
                         f"spec.containers[0].ports[{i}]" for i in (0, 1)]


def test_a_port_name_is_of_one_port_among_those_that_last() -> None:
    named = {"name": "web", "containerPort": 1}
    sidecar = container("s", ports=[named], restartPolicy="Always")
    step = container("s", ports=[named])
    main = container(ports=[named | {"containerPort": 2}])
    assert warnings(PODS, spec=spec(main, initContainers=[step])) == []
    assert warnings(PODS, spec=spec(main, initContainers=[sidecar])) == [
        'spec.containers[0].ports[0]: duplicate port name "web" with '
        "spec.initContainers[0].ports[0], services and probes that select ports by name will use "
        "spec.initContainers[0].ports[0]"]


@pytest.mark.parametrize(("source", "expected"), [
    ({"configMap": {"name": "foo", "items": items("test", "test/app")}},
     ['volume "v" (ConfigMap "foo"): overlapping paths: "test/app" with "test"']),
    ({"secret": {"secretName": "foo", "items": items("test", "tested")}}, []),
    ({"downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.name"}}] * 2}},
     ['volume "v" (DownwardAPI): overlapping paths: "a" with "a"']),
    ({"projected": {"sources": [{"configMap": {"name": "m", "items": items("test/file")}},
                                {"serviceAccountToken": {"path": "test"}}]}},
     ['volume "v" (Projected): overlapping paths: "test" (ServiceAccountToken) with "test/file" '
      '(ConfigMap "m")']),
])
def test_files_that_cover_each_other(source: dict[str, Any], expected: list[str]) -> None:
    assert warnings(PODS, spec=spec(volumes=[volume(**source)])) == expected


@pytest.mark.parametrize(("value", "warned"), [
    ("$(A)b", False), ("$(A)", True), ("b", True)])
def test_a_variable_that_hides_another(value: str, warned: bool) -> None:
    env = [{"name": "A", "value": "a"}, {"name": "A", "value": value}]
    assert bool(warnings(PODS, spec=spec(container(env=env)))) is warned


def test_a_name_with_dots_is_no_good_hostname() -> None:
    assert warnings(PODS, metadata={"name": "a.b"}, spec=spec()) == [
        "metadata.name: this is used in the Pod's hostname, which can result in surprising "
        "behavior; a DNS label is recommended: [must not contain dots]"]


def test_updates_of_pods_do_not_warn_but_odd_addresses_in_their_status_do() -> None:
    pod = made(PODS, spec=spec(nodeSelector={"beta.kubernetes.io/os": "linux"}))
    changed = pod | {"status": {"podIPs": [{"ip": "fd00::0"}]}}
    update = context(PODS, "update")
    assert PODS.strategy.warnings(update, changed, pod) == []
    update.subresource = "status"
    assert PODS.strategy.warnings(update, changed, pod) == [
        'status.podIPs[0].ip: IPv6 address "fd00::0" should be in RFC 5952 canonical format '
        '("fd00::")']


APPARMOR = "container.apparmor.security.beta.kubernetes.io/c"


def test_an_apparmor_annotation_becomes_the_field_of_a_pod() -> None:
    pod = made(PODS, metadata={"annotations": {APPARMOR: "localhost/mine"}}, spec=spec())
    assert pod["spec"]["containers"][0]["securityContext"] == {
        "appArmorProfile": {"type": "Localhost", "localhostProfile": "mine"}}
    confined = spec(securityContext={"appArmorProfile": {"type": "Unconfined"}})
    pod = made(PODS, metadata={"annotations": {APPARMOR: "unconfined"}}, spec=confined)
    assert "securityContext" not in pod["spec"]["containers"][0]


def test_a_template_is_warned_about_the_apparmor_annotation() -> None:
    template = {"metadata": {"labels": {"a": "b"}, "annotations": {APPARMOR: "unconfined"}},
                "spec": spec()}
    assert warnings(DEPLOYMENTS, spec={"selector": {"matchLabels": {"a": "b"}},
                                       "template": template}) == [
        f'spec.template.metadata.annotations[{APPARMOR}]: deprecated since v1.30; use the '
        '"appArmorProfile" field instead']
