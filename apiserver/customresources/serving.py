"""From a CRD to the Resources that it declares. Models apiextensions' customresource_handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.customresources.columns import columns_of
from apiserver.customresources.strategy import CustomResourceStrategy
from apiserver.discovery import version_priority
from apiserver.machinery import meta
from apiserver.resource import Resource, Scale

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

VERBS: Final = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
"""In the order in which discovery names them."""


def storage_version(crd: Object) -> str:
    """The version that objects are kept in."""
    return next(str(each["name"]) for each in crd["spec"]["versions"] if each.get("storage"))


def resources_of(crd: Object) -> list[Resource]:
    """A Resource for each served version, with the names that were accepted."""
    return [_resource(crd, version) for version in crd["spec"]["versions"] if version.get("served")]


def _resource(crd: Object, version: Object) -> Resource:
    spec, names = crd["spec"], crd["status"]["acceptedNames"]
    subresources = version.get("subresources") or {}
    strategy = CustomResourceStrategy(version, terminating=meta.is_terminating(crd))
    return Resource(
        group=spec["group"], version=version["name"], kind=names["kind"], plural=names["plural"],
        singular=names.get("singular", ""), list_kind_name=names.get("listKind", ""),
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        namespaced=spec["scope"] == "Namespaced", verbs=VERBS, strategy=strategy,
        columns=columns_of(version.get("additionalPrinterColumns")),
        status=subresources.get("status") is not None, scale=_scale(subresources.get("scale")),
        deprecation=_deprecation(spec, version), custom=True, storage_version=storage_version(crd))


def _scale(declared: Object | None) -> Scale | None:
    if declared is None:
        return None
    return Scale(replicas=declared["specReplicasPath"].lstrip("."),
                 status_replicas=declared["statusReplicasPath"].lstrip("."),
                 selector=(declared.get("labelSelectorPath") or "").lstrip("."))


def _deprecation(spec: Object, version: Object) -> str:
    """The warning of a deprecated version, and what to use instead (defaultDeprecationWarning)."""
    if not version.get("deprecated"):
        return ""
    if version.get("deprecationWarning") is not None:
        return str(version["deprecationWarning"])
    group, kind, rank = spec["group"], spec["names"]["kind"], version_priority(version["name"])
    better = sorted((version_priority(each["name"]), each["name"]) for each in spec["versions"]
                    if each.get("served") and not each.get("deprecated")
                    and version_priority(each["name"]) < rank)
    text = f"{group}/{version['name']} {kind} is deprecated"
    return f"{text}; use {group}/{better[0][1]} {kind}" if better else text
