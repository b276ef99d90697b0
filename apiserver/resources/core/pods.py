"""Pods. Models pkg/registry/core/pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.resource import Resource
from apiserver.resources.core import pod_printing
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.machinery.types import Object


class PodStrategy(Strategy):
    """What is special about Pods."""

    delete_returns_object = True

    def fields(self, obj: Object) -> dict[str, str]:
        spec, status = obj.get("spec") or {}, obj.get("status") or {}
        ips = status.get("podIPs") or ()
        return {
            "spec.nodeName": spec.get("nodeName", ""),
            "spec.restartPolicy": spec.get("restartPolicy", ""),
            "spec.schedulerName": spec.get("schedulerName", ""),
            "spec.serviceAccountName": spec.get("serviceAccountName", ""),
            "spec.hostNetwork": "true" if spec.get("hostNetwork") else "false",
            "status.phase": status.get("phase", ""),
            "status.podIP": ips[0].get("ip", "") if ips else "",
            "status.podIPs": ips[0].get("ip", "") if ips else "",
            "status.nominatedNodeName": status.get("nominatedNodeName", ""),
        }

    def row_conditions(self, obj: Object) -> list[Object]:
        return pod_printing.row_conditions(obj)


PODS = Resource(
    group="", version="v1", kind="Pod", plural="pods", short_names=("po",), categories=("all",),
    strategy=PodStrategy(), status=True, columns=pod_printing.POD_COLUMNS,
    subresources=("attach", "binding", "ephemeralcontainers", "eviction", "exec", "log",
                  "portforward", "proxy", "resize"))
