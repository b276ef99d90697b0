"""Defaults of pods and pod templates. Models SetDefaults_* of pkg/apis/core/v1/defaults.go and
pkg/apis/core/v1/zz_generated.defaults.go.

`default_pod_spec` is what every pod template gets; `default_pod` adds what only a Pod gets.
Defaults are set in place, on the caller's private copy.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.quantity import NANO, Quantity, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from apiserver.machinery.types import Object

_FILE_MODE: Final = 0o644
_MILLI: Final = NANO // 1000
_PART: Final = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE: Final = re.compile(
    rf"(?:(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]+)?/)?{_PART}(?:/{_PART})*"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>[A-Za-z][A-Za-z0-9+._-]*:[0-9a-fA-F]{32,}))?")
"""An image reference (distribution/reference)."""
_VOLUME_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "secret": {"defaultMode": _FILE_MODE},
    "configMap": {"defaultMode": _FILE_MODE},
    "downwardAPI": {"defaultMode": _FILE_MODE},
    "projected": {"defaultMode": _FILE_MODE},
    "hostPath": {"type": ""},
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "azureDisk": {"cachingMode": "ReadWrite", "fsType": "ext4", "readOnly": False,
                  "kind": "Shared"},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}
_EMPTY_DEFAULTS: Final = frozenset({"iscsi", "rbd", "scaleIO"})
"""Sources whose defaults also replace an empty string."""
_PROBE_DEFAULTS: Final = (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1),
                          ("failureThreshold", 3))
_SPEC_DEFAULTS: Final = (("dnsPolicy", "ClusterFirst"), ("restartPolicy", "Always"),
                         ("schedulerName", "default-scheduler"))


def default_pod(pod: Object) -> None:
    """Everything that a Pod's spec and template-like parts get."""
    spec = pod.setdefault("spec", {})
    default_pod_spec(spec)
    for container in _plain_containers(spec):
        _default_requests(container.get("resources") or {})
    default_pod_resources(spec)
    if spec.get("enableServiceLinks") is None:
        spec["enableServiceLinks"] = True
    if spec.get("hostNetwork"):
        _default_host_ports(spec)


def default_template(template: Object) -> None:
    """What a PodTemplateSpec gets."""
    template.setdefault("metadata", {})
    default_pod_spec(template.setdefault("spec", {}))


def default_pod_spec(spec: Object) -> None:
    """What every PodSpec gets."""
    for name, value in _SPEC_DEFAULTS:
        if not spec.get(name):
            spec[name] = value
    mirror_service_account(spec)
    if spec.get("securityContext") is None:
        spec["securityContext"] = {}
    if spec.get("terminationGracePeriodSeconds") is None:
        spec["terminationGracePeriodSeconds"] = 30
    for volume in spec.get("volumes") or ():
        default_volume(volume)
    for container in containers_of(spec):
        _default_container(container)
    for resources in (spec.get("resources"), {"limits": spec.get("overhead")}):
        round_resources(resources)


def mirror_service_account(spec: Object) -> None:
    """`serviceAccount` is the old name of `serviceAccountName`; both are shown."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def containers_of(spec: Object) -> Iterator[Object]:
    """Init containers, containers and ephemeral containers."""
    for name in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(name) or ()


def _plain_containers(spec: Object) -> Iterator[Object]:
    for name in ("containers", "initContainers"):
        yield from spec.get(name) or ()


def default_volume(volume: Object) -> None:
    """A volume without a source is an empty directory; sources get their modes."""
    if not any(value is not None for key, value in volume.items() if key != "name"):
        volume["emptyDir"] = {}
        return
    for source, defaults in _VOLUME_DEFAULTS.items():
        if volume.get(source) is not None:
            _fill(volume[source], defaults, empty=source in _EMPTY_DEFAULTS)
    for item in (volume.get("downwardAPI") or {}).get("items") or ():
        _default_field_ref(item)
    for source in (volume.get("projected") or {}).get("sources") or ():
        _default_projection(source)
    _default_special_volumes(volume)


def _fill(target: Object, defaults: Mapping[str, Any], *, empty: bool) -> None:
    for name, value in defaults.items():
        if target.get(name) is None or (empty and target[name] == ""):
            target[name] = value


def _default_projection(source: Object) -> None:
    token = source.get("serviceAccountToken")
    if token is not None and token.get("expirationSeconds") is None:
        token["expirationSeconds"] = 3600
    for item in (source.get("downwardAPI") or {}).get("items") or ():
        _default_field_ref(item)


def _default_special_volumes(volume: Object) -> None:
    if volume.get("ephemeral") is not None and volume["ephemeral"].get("volumeClaimTemplate"):
        default_claim_spec(volume["ephemeral"]["volumeClaimTemplate"].setdefault("spec", {}))
    image = volume.get("image")
    if image is not None and not image.get("pullPolicy"):
        image["pullPolicy"] = pull_policy(image.get("reference") or "")


def default_claim_spec(spec: Object) -> None:
    """What a PersistentVolumeClaimSpec gets."""
    if spec.get("volumeMode") is None:
        spec["volumeMode"] = "Filesystem"
    round_resources(spec.get("resources"))


def _default_field_ref(item: Object) -> None:
    reference = item.get("fieldRef")
    if reference is not None and not reference.get("apiVersion"):
        reference["apiVersion"] = "v1"


def _default_container(container: Object) -> None:
    if not container.get("imagePullPolicy"):
        container["imagePullPolicy"] = pull_policy(container.get("image") or "")
    if not container.get("terminationMessagePath"):
        container["terminationMessagePath"] = "/dev/termination-log"
    if not container.get("terminationMessagePolicy"):
        container["terminationMessagePolicy"] = "File"
    for port in container.get("ports") or ():
        if not port.get("protocol"):
            port["protocol"] = "TCP"
    for variable in container.get("env") or ():
        if variable.get("valueFrom"):
            _default_field_ref(variable["valueFrom"])
    round_resources(container.get("resources"))
    _default_handlers(container)


def _default_handlers(container: Object) -> None:
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name) is not None:
            _default_probe(container[name])
    lifecycle = container.get("lifecycle") or {}
    for name in ("postStart", "preStop"):
        _default_http_get((lifecycle.get(name) or {}).get("httpGet"))


def _default_probe(probe: Object) -> None:
    for name, value in _PROBE_DEFAULTS:
        if not probe.get(name):
            probe[name] = value
    _default_http_get(probe.get("httpGet"))
    grpc = probe.get("grpc")
    if grpc is not None and grpc.get("service") is None:
        grpc["service"] = ""


def _default_http_get(action: Object | None) -> None:
    if action is None:
        return
    if not action.get("path"):
        action["path"] = "/"
    if not action.get("scheme"):
        action["scheme"] = "HTTP"


def pull_policy(image: str) -> str:
    """Always for `:latest` and images without tag and digest, else IfNotPresent."""
    match = _REFERENCE.fullmatch(image)
    if match is None:
        return "IfNotPresent"
    tag = match["tag"] or ("" if match["digest"] else "latest")
    return "Always" if tag == "latest" else "IfNotPresent"


def round_resources(resources: Object | None) -> None:
    """Round the amounts of a ResourceRequirements."""
    for name in ("limits", "requests"):
        round_amounts((resources or {}).get(name))


def round_amounts(amounts: dict[str, str] | None) -> None:
    """Round what is finer than a thousandth up (SetDefaults_ResourceList)."""
    for key, text in (amounts or {}).items():
        if amounts is not None and (text.endswith(("n", "u")) or "." in text or "e-" in text):
            amounts[key] = _to_milli(text)


def _to_milli(text: str) -> str:
    amount = parse_quantity(text)
    return str(Quantity(-(-amount.nano // _MILLI) * _MILLI, amount.format))


def _default_requests(resources: Object) -> None:
    limits = resources.get("limits")
    if not limits:
        return
    requests = resources.get("requests") or {}
    resources["requests"] = requests | {k: v for k, v in limits.items() if k not in requests}


_POD_LEVEL: Final = ("cpu", "memory")


def _pod_level(name: str) -> bool:
    return name in _POD_LEVEL or name.startswith("hugepages-")


def default_pod_resources(spec: Object) -> None:
    """A pod's limits of huge pages from what its containers may have, then its requests."""
    resources = spec.get("resources")
    if not resources:
        return
    _default_huge_pages(resources, spec)
    if not resources.get("limits"):
        return
    requests = dict(resources.get("requests") or {})
    for name, amount in aggregate(spec, "requests").items():
        if name in _POD_LEVEL:
            requests.setdefault(name, str(amount))
    for name, limit in resources["limits"].items():
        if _pod_level(name):
            requests.setdefault(name, limit)
    if requests:
        resources["requests"] = requests


def _default_huge_pages(resources: Object, spec: Object) -> None:
    requests, limits = (resources.get(side) or {} for side in ("requests", "limits"))
    if not requests and not limits:
        return
    more = {name: str(amount) for name, amount in aggregate(spec, "limits").items()
            if name.startswith("hugepages-") and name not in requests and name not in limits}
    if more:
        resources["limits"] = {**limits, **more}


def aggregate(spec: Object, side: str) -> dict[str, Quantity]:
    """The containers' requests or limits together: of the running ones, or of an init container
    if that is more.
    """
    total: dict[str, Quantity] = {}
    for container in spec.get("containers") or ():
        total = _add(total, _amounts(container, side))
    sidecars: dict[str, Quantity] = {}
    peak: dict[str, Quantity] = {}
    for container in spec.get("initContainers") or ():
        own = _amounts(container, side)
        if container.get("restartPolicy") == "Always":
            sidecars = _add(sidecars, own)
            total = _add(total, own)
            own = sidecars
        else:
            own = _add(own, sidecars)
        peak = {k: _most(peak.get(k), own.get(k)) for k in peak | own}
    return {k: _most(total.get(k), peak.get(k)) for k in total | peak}


def _amounts(container: Object, side: str) -> dict[str, Quantity]:
    amounts = (container.get("resources") or {}).get(side) or {}
    return {name: parse_quantity(text) for name, text in amounts.items()}


def _add(a: Mapping[str, Quantity], b: Mapping[str, Quantity]) -> dict[str, Quantity]:
    return {k: a[k] + b[k] if k in a and k in b else a.get(k) or b[k] for k in {**a, **b}}


def _most(a: Quantity | None, b: Quantity | None) -> Quantity:
    if a is None or b is None:
        return a or b or Quantity(0)
    return max(a, b, key=lambda amount: amount.nano)


def _default_host_ports(spec: Object) -> None:
    for container in _plain_containers(spec):
        for port in container.get("ports") or ():
            if not port.get("hostPort") and port.get("containerPort"):
                port["hostPort"] = port["containerPort"]
