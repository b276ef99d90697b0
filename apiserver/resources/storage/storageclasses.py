"""StorageClasses and VolumeAttributesClasses. Models pkg/apis/storage/validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_qualified_name
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
    immutable,
    invalid,
    not_supported,
    required,
    same,
    too_long,
)
from apiserver.resource import Column, Resource
from apiserver.resources.core.pod_warnings import node_label_warning
from apiserver.resources.printing import AGE, NAME, UNSET, dig, field, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

GROUP: Final = "storage.k8s.io"
_IS_DEFAULT: Final = ("storageclass.kubernetes.io/is-default-class",
                      "storageclass.beta.kubernetes.io/is-default-class")
_IS_DEFAULT_VAC: Final = "volumeattributesclass.alpha.kubernetes.io/is-default-class"
_DEFAULTS: Final = (("reclaimPolicy", "Delete"), ("volumeBindingMode", "Immediate"))
_POLICIES: Final = ("Delete", "Retain")
_MODES: Final = ("Immediate", "WaitForFirstConsumer")
_MOST_PARAMETERS: Final = 512
_MOST_BYTES: Final = 256 * 1024


class StorageClassStrategy(Strategy):
    """A kind of storage that claims can ask for."""

    has_generation = False
    delete_returns_object = True
    revalidates_metadata = True

    def default(self, obj: Object) -> None:
        for name, value in _DEFAULTS:
            if obj.get(name) is None:
                obj[name] = value

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        errors = provisioner_errors(obj.get("provisioner") or "", Path("provisioner"))
        errors += parameters_errors(obj.get("parameters"), Path("parameters"))
        policy, mode = obj.get("reclaimPolicy"), obj.get("volumeBindingMode")
        if policy and policy not in _POLICIES:
            errors.append(not_supported("reclaimPolicy", policy, _POLICIES))
        if mode is None:
            errors.append(required("volumeBindingMode"))
        elif mode not in _MODES:
            errors.append(not_supported("volumeBindingMode", mode, _MODES))
        return errors + _topologies_errors(obj)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        changes = _changes(obj, old, ("parameters", "provisioner", "reclaimPolicy"))
        return self.validate(ctx, obj) + changes + immutable(
            "volumeBindingMode", obj.get("volumeBindingMode"), old.get("volumeBindingMode"))

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        return [f"{path.child('key')}: {text}" for path, key in _keys(obj)
                if (text := node_label_warning(key))]


class VolumeAttributesClassStrategy(Strategy):
    """Attributes that volumes can change to."""

    has_generation = False
    delete_returns_object = True
    revalidates_metadata = True

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        errors = provisioner_errors(obj.get("driverName") or "", Path("driverName"))
        if not obj.get("parameters"):
            return [*errors, required("parameters", "must contain at least one key/value pair")]
        return errors + parameters_errors(obj["parameters"], Path("parameters"))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return _changes(obj, old, ("driverName", "parameters")) + self.validate(ctx, obj)

    def generation_changed(self, obj: Object, old: Object) -> bool:
        return False


def _changes(obj: Object, old: Object, names: Sequence[str]) -> list[FieldError]:
    return [forbidden(name, f"updates to {name} are forbidden.")
            for name in names if not same(obj.get(name), old.get(name))]


def provisioner_errors(name: str, path: Path) -> list[FieldError]:
    """The name of what makes volumes."""
    if not name:
        return [required(path, name)]
    return all_invalid(path, name, is_qualified_name(name.lower()))


def parameters_errors(parameters: Object | None, path: Path) -> list[FieldError]:
    """What it is told."""
    size = sum(len(key) + len(value) for key, value in (parameters or {}).items())
    errors = [invalid(path, "", "field can not be empty.") for key in parameters or () if not key]
    if len(parameters or ()) > _MOST_PARAMETERS:
        return [too_long(path, _MOST_PARAMETERS)]
    return [*errors, too_long(path, _MOST_BYTES)] if size > _MOST_BYTES else errors


def _topologies_errors(obj: Object) -> list[FieldError]:
    errors, seen = list[FieldError](), list[dict[str, set[str]]]()
    for i, term in enumerate(obj.get("allowedTopologies") or ()):
        path = Path("allowedTopologies").at(i).child("matchLabelExpressions")
        wanted: dict[str, set[str]] = {}
        for j, expression in enumerate(term.get("matchLabelExpressions") or ()):
            errors += _expression_errors(expression, wanted, path.at(j))
        if wanted in seen:
            errors.append(duplicate(path, ""))
        seen.append(wanted)
    return errors


def _expression_errors(expression: Object, wanted: dict[str, set[str]],
                       path: Path) -> list[FieldError]:
    key, values, own = expression.get("key") or "", expression.get("values") or [], path.child(
        "values")
    errors = [] if values else [required(own)]
    errors += [duplicate(own.at(i), value) for i, value in enumerate(values)
               if value in values[:i]]
    errors += all_invalid(path.child("key"), key, is_qualified_name(key))
    if key in wanted:
        errors.append(duplicate(path.child("key"), key))
    wanted[key] = set(values)
    return errors


def _keys(obj: Object) -> Iterator[tuple[Path, str]]:
    for i, term in enumerate(obj.get("allowedTopologies") or ()):
        for j, expression in enumerate(term.get("matchLabelExpressions") or ()):
            yield (Path("allowedTopologies").at(i).child("matchLabelExpressions").at(j),
                   expression.get("key") or "")


def _name(*defaults: str) -> Column:
    """The name, marked when one of these annotations makes the class the default."""
    def cell(obj: Object, now: float) -> str:
        annotations = dig(obj, "metadata", "annotations") or {}
        default = any(annotations.get(key) == "true" for key in defaults)
        return f"{obj['metadata']['name']} (default)" if default else obj["metadata"]["name"]
    return Column("Name", cell, format="name", description=NAME.description)


STORAGECLASSES = Resource(
    group=GROUP, version="v1", kind="StorageClass", plural="storageclasses", short_names=("sc",),
    namespaced=False, strategy=StorageClassStrategy(),
    columns=(
        _name(*_IS_DEFAULT),
        named("Provisioner", field("provisioner"), "Who makes its volumes."),
        named("ReclaimPolicy", field("reclaimPolicy", default="Delete"),
              "What becomes of volumes that are released."),
        named("VolumeBindingMode", field("volumeBindingMode", default=UNSET),
              "When a volume is chosen."),
        named("AllowVolumeExpansion", field("allowVolumeExpansion", default=False),
              "Whether volumes can grow."),
        AGE))

VOLUMEATTRIBUTESCLASSES = Resource(
    group=GROUP, version="v1", kind="VolumeAttributesClass", plural="volumeattributesclasses",
    short_names=("vac",), namespaced=False, strategy=VolumeAttributesClassStrategy(),
    columns=(_name(_IS_DEFAULT_VAC),
             named("DriverName", field("driverName"), "Whose attributes."), AGE))
