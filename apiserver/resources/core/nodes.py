"""Nodes. Models pkg/registry/core/node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.validation import Path
from apiserver.resource import Resource
from apiserver.resources.core.ips import cidr_warnings
from apiserver.resources.core.node_validation import node_errors, node_update_errors
from apiserver.resources.core.pod_defaults import round_amounts
from apiserver.resources.printing import AGE, NAME, NONE, UNKNOWN, field, joined, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.machinery.validation import FieldError
    from apiserver.resource import Cell

_ROLE_PREFIX: Final = "node-role.kubernetes.io/"


class NodeStrategy(Strategy):
    """A machine that runs pods; kubelets create it with its status."""

    has_generation = False
    keeps_status_on_create = True

    def default(self, obj: Object) -> None:
        spec, status = obj.setdefault("spec", {}), obj.setdefault("status", {})
        single, several = spec.get("podCIDR"), spec.get("podCIDRs")
        if single and (not several or several[0] != single):
            spec["podCIDRs"] = [single]
        elif several and not single:
            spec["podCIDR"] = several[0]
        for amounts in ("capacity", "allocatable"):
            round_amounts(status.get(amounts))
        if status.get("allocatable") is None and status.get("capacity") is not None:
            status["allocatable"] = dict(status["capacity"])

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return node_errors(obj)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return node_update_errors(obj, old)

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        return node_update_errors(obj, old)

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        spec = obj.get("spec") or {}
        texts = []
        if spec.get("configSource") is not None:
            texts.append("spec.configSource: the feature is no longer available")
        if spec.get("externalID"):
            texts.append("spec.externalID: this field is deprecated, and is unused by Kubernetes")
        return texts + [text for i, cidr in enumerate(spec.get("podCIDRs") or ())
                        for text in cidr_warnings(Path("spec.podCIDRs").at(i), cidr)]

    def fields(self, obj: Object) -> dict[str, str]:
        unschedulable = (obj.get("spec") or {}).get("unschedulable", False)
        return {"spec.unschedulable": "true" if unschedulable else "false"}


def _status(obj: Object, now: float) -> str:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    ready = [c for c in conditions if c.get("type") == "Ready"]
    words = ["Unknown"]
    if ready:
        words = ["Ready" if ready[-1].get("status") == "True" else "NotReady"]
    if (obj.get("spec") or {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(obj: Object, now: float) -> str:
    labels = obj["metadata"].get("labels") or {}
    roles = {key.removeprefix(_ROLE_PREFIX) for key in labels if key.startswith(_ROLE_PREFIX)}
    roles.add(labels.get("kubernetes.io/role", ""))
    return joined(sorted(roles - {""}))


def _address(kind: str) -> Cell:
    def cell(obj: Object, now: float) -> str:
        addresses = (obj.get("status") or {}).get("addresses") or ()
        return next((str(a["address"]) for a in addresses if a.get("type") == kind), NONE)
    return cell


def _info(name: str) -> Cell:
    show = field("status", "nodeInfo", name)
    return lambda obj, now: show(obj, now) or UNKNOWN


NODES = Resource(
    group="", version="v1", kind="Node", plural="nodes", short_names=("no",), namespaced=False,
    strategy=NodeStrategy(), status=True, subresources=("proxy",),
    columns=(
        NAME,
        named("Status", _status, "Whether the node is ready and takes pods."),
        named("Roles", _roles, "The roles that its labels give it."),
        AGE,
        named("Version", field("status", "nodeInfo", "kubeletVersion"), "The kubelet's version."),
        named("Internal-IP", _address("InternalIP"), "Its address inside the cluster.",
              priority=1),
        named("External-IP", _address("ExternalIP"), "Its address outside.", priority=1),
        named("OS-Image", _info("osImage"), "Its operating system.", priority=1),
        named("Kernel-Version", _info("kernelVersion"), "Its kernel.", priority=1),
        named("Container-Runtime", _info("containerRuntimeVersion"), "What runs containers.",
              priority=1)))
