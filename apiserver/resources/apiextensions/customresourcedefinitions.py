"""CustomResourceDefinitions. Models apiextensions-apiserver's registry and validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.customresources.jsonpath import JSONPathError, parse_path
from apiserver.customresources.names import APPROVAL, is_protected
from apiserver.machinery import meta
from apiserver.machinery.names import is_dns1035_label, is_dns1123_subdomain
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    immutable,
    internal_struct,
    invalid,
    not_supported,
    required,
)
from apiserver.resource import Resource
from apiserver.resources.apiextensions.schema_validation import schema_errors
from apiserver.resources.apiextensions.selectable_fields import selectable_errors
from apiserver.resources.printing import CREATED_AT, NAME, dig
from apiserver.strategy import RESETS, Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_NAMES: Final = _SPEC.child("names")
_SCOPES: Final = ("Cluster", "Namespaced")
_ESTABLISHED: Final = "Established"
CLEANUP: Final = "customresourcecleanup.apiextensions.k8s.io"
"""The finalizer that stays until all objects of the kind are gone."""
_COLUMN_TYPES: Final = ("boolean", "date", "integer", "number", "string")


class CustomResourceDefinitionStrategy(Strategy):
    """Further kinds."""

    resets: ClassVar = {**RESETS, "status": (
        "spec", "metadata.annotations", "metadata.labels", "metadata.ownerReferences")}
    """The finalizer of the instances is taken off through `status`."""
    shows_grace: ClassVar[bool] = False
    any_finalizer: ClassVar[bool] = True

    def may_go(self, obj: Object) -> bool:
        """Not before its objects: the first DELETE marks it, as upstream's REST.Delete does."""
        return meta.is_terminating(obj) and not meta.finalizers(obj)

    def mark_deleting(self, obj: Object) -> None:
        metadata, status = obj["metadata"], obj.get("status") or {}
        metadata["finalizers"] = [*(metadata.get("finalizers") or ()), CLEANUP]
        pending = {"type": "Terminating", "status": "True",
                   "lastTransitionTime": metadata["deletionTimestamp"],
                   "reason": "InstanceDeletionPending",
                   "message": "CustomResourceDefinition marked for deletion; CustomResource "
                              "deletion will begin soon"}
        obj["status"] = {**status, "conditions": [*(status.get("conditions") or ()), pending]}

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        names = spec.setdefault("names", {})
        kind = names.get("kind") or ""
        if not names.get("singular") and kind:
            names["singular"] = kind.lower()
        if not names.get("listKind") and kind:
            names["listKind"] = f"{kind}List"
        conversion = spec.setdefault("conversion", {})
        if not conversion.get("strategy"):
            conversion["strategy"] = "None"
        service = dig(conversion, "webhook", "clientConfig", "service")
        if service is not None and service.get("port") is None:
            service["port"] = 443

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        stored = [v.get("name", "") for v in obj["spec"].get("versions") or () if v.get("storage")]
        obj["status"] = {"conditions": [], "acceptedNames": {"plural": "", "kind": ""},
                         "storedVersions": stored[:1] or None}

    def prepare_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        stored = list(dig(obj, "status", "storedVersions") or ())
        added = [v["name"] for v in obj["spec"].get("versions") or ()
                 if v.get("storage") and v.get("name") and v["name"] not in stored]
        if added:
            obj["status"] = (obj.get("status") or {}) | {"storedVersions": [*stored, *added]}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec, name = obj["spec"], obj["metadata"].get("name", "")
        plural, group = dig(spec, "names", "plural") or "", spec.get("group") or ""
        errors: list[FieldError] = []
        if name != f"{plural}.{group}":
            errors.append(invalid("metadata.name", name,
                                  'must be spec.names.plural+"."+spec.group'))
        errors += _spec_errors(spec)
        errors += _approval_errors(obj)
        if spec.get("preserveUnknownFields"):
            errors.append(invalid(_SPEC.child("preserveUnknownFields"), True, "cannot set to true, "
                                  "set x-kubernetes-preserve-unknown-fields to true in "
                                  "spec.versions[*].schema instead"))
        if not dig(obj, "status", "storedVersions"):
            errors.append(invalid("status.storedVersions", None,
                                  "must have at least one stored version"))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        spec, before = obj["spec"], old["spec"]
        errors = _spec_errors(spec)
        if any(c.get("type") == _ESTABLISHED and c.get("status") == "True"
               for c in dig(old, "status", "conditions") or ()):
            errors += immutable(_SPEC.child("scope"), spec.get("scope"), before.get("scope"))
            errors += immutable(_NAMES.child("kind"), dig(spec, "names", "kind"),
                                dig(before, "names", "kind"))
        errors += immutable(_SPEC.child("group"), spec.get("group"), before.get("group"))
        errors += immutable(_NAMES.child("plural"), dig(spec, "names", "plural"),
                            dig(before, "names", "plural"))
        known = {v.get("name") for v in spec.get("versions") or ()}
        stored = dig(obj, "status", "storedVersions") or []
        for i, version in enumerate(stored):
            if version not in known:
                errors.append(invalid(f"status.storedVersions[{i}]", version,
                                      "missing from spec.versions; "
                                      f"{version} was previously a storage version, "
                                      "and must remain in spec.versions until a storage migration "
                                      "ensures no data remains persisted in "
                                      f"{version} and removes {version} from "
                                      "status.storedVersions"))
        return errors


def _spec_errors(spec: Object) -> list[FieldError]:
    errors = _group_errors(spec)
    scope = spec.get("scope") or ""
    if scope not in _SCOPES:
        errors.append(not_supported(_SPEC.child("scope"), scope, _SCOPES) if scope
                      else required(_SPEC.child("scope")))
    errors += _versions_errors(spec)
    errors += _names_errors(spec.get("names") or {})
    return errors + _conversion_errors(spec.get("conversion") or {})


_PER_VERSION: Final = ("schema", "subresources", "additionalPrinterColumns", "selectableFields")


def _versions_errors(spec: Object) -> list[FieldError]:
    """All versions; what they agree on is reported at the top, where Kubernetes keeps it inside."""
    versions, path = spec.get("versions") or [], _SPEC.child("versions")
    first = versions[0] if versions else {}
    agreed = {name: all(v.get(name) == first.get(name) for v in versions) for name in _PER_VERSION}
    errors: list[FieldError] = []
    seen: set[str] = set()
    for i, version in enumerate(versions):
        name = version.get("name") or ""
        errors += all_invalid(path.at(i).child("name"), name, is_dns1035_label(name))
        if name in seen:
            errors.append(duplicate(path.at(i).child("name"), name))
        seen.add(name)
        errors += _version_errors(version, path.at(i), agreed)
    if sum(bool(version.get("storage")) for version in versions) != 1:
        errors.append(invalid(path, [_shown(v, agreed) for v in versions],
                              "must have exactly one version marked as storage version"))
    name = first.get("name") or ""
    errors += all_invalid(_SPEC.child("version"), name, is_dns1035_label(name))
    schema = dig(first, "schema", "openAPIV3Schema")
    if agreed["schema"] and schema is not None:
        errors += schema_errors(schema, _SPEC.child("validation", "openAPIV3Schema"))
    return errors


def _shown(version: Object, agreed: dict[str, bool]) -> Object:
    own = {key: value for key, value in version.items() if not agreed.get(key)}
    shown: Object = internal_struct(
        own, ("Name", ""), ("Served", False), ("Storage", False), ("Deprecated", False),
        "DeprecationWarning", "Schema", "Subresources", "AdditionalPrinterColumns",
        "SelectableFields")
    return shown


def _approval_errors(obj: Object) -> list[FieldError]:
    """Kinds in Kubernetes' own groups need somebody's approval."""
    annotations = obj["metadata"].get("annotations") or {}
    if not is_protected(obj["spec"].get("group") or "") or annotations.get(APPROVAL):
        return []
    return [required(f"metadata.annotations[{APPROVAL}]",
                     f'protected groups must have approval annotation "{APPROVAL}", see '
                     "https://github.com/kubernetes/enhancements/pull/1111")]


def _conversion_errors(conversion: Object) -> list[FieldError]:
    strategy, path = conversion.get("strategy") or "", _SPEC.child("conversion")
    if strategy not in ("None", "Webhook"):
        return [not_supported(path.child("strategy"), strategy, ["None", "Webhook"])]
    if strategy == "None":
        return []
    errors: list[FieldError] = []
    client = dig(conversion, "webhook", "clientConfig")
    if client is None:
        errors.append(required(path.child("webhookClientConfig"),
                               "required when strategy is set to Webhook"))
    elif (client.get("url") is None) is (client.get("service") is None):
        errors.append(required(path.child("webhookClientConfig"),
                               "exactly one of url or service is required"))
    if not dig(conversion, "webhook", "conversionReviewVersions"):
        errors.append(required(path.child("conversionReviewVersions")))
    return errors


def _group_errors(spec: Object) -> list[FieldError]:
    group, path = spec.get("group") or "", _SPEC.child("group")
    if not group:
        return [required(path)]
    errors = all_invalid(path, group, is_dns1123_subdomain(group))
    if "." not in group:
        errors.append(invalid(path, group, "should be a domain with at least one dot"))
    return errors


def _names_errors(names: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    for key in ("plural", "singular", "kind", "listKind"):
        value, path = names.get(key) or "", _NAMES.child(key)
        if not value:
            if key != "singular":
                errors.append(required(path))
        elif key.lower().endswith("kind"):
            errors += all_invalid(path, value, [
                f"may have mixed case, but should otherwise match: {text}"
                for text in is_dns1035_label(value.lower())])
        else:
            errors += all_invalid(path, value, is_dns1035_label(value))
    for key in ("shortNames", "categories"):
        for i, value in enumerate(names.get(key) or ()):
            errors += all_invalid(_NAMES.child(key).at(i), value, is_dns1035_label(value))
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        errors.append(invalid(_NAMES.child("listKind"), names["listKind"],
                              "kind and listKind may not be the same"))
    return errors


def _version_errors(version: Object, path: Path, agreed: dict[str, bool]) -> list[FieldError]:
    schema = dig(version, "schema", "openAPIV3Schema")
    own = path.child("schema", "openAPIV3Schema")
    errors: list[FieldError] = []
    if schema is None:
        errors.append(required(own))
    elif not agreed["schema"]:
        errors += schema_errors(schema, own)
    for i, column in enumerate(version.get("additionalPrinterColumns") or ()):
        errors += _column_errors(column, path.child("additionalPrinterColumns").at(i))
    fields = version.get("selectableFields") or ()
    errors += selectable_errors(fields, schema or {}, (
        _SPEC if agreed["selectableFields"] else path).child("selectableFields"))
    scale = dig(version, "subresources", "scale")
    if scale is None:
        return errors
    own = path.child("subresources", "scale")
    for name, prefix in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        value = scale.get(name) or ""
        if not value:
            errors.append(required(own.child(name)))
        elif not value.startswith(prefix):
            errors.append(invalid(own.child(name), value, "should be a json path under "
                                  f"{prefix.rstrip('.')}"))
        else:
            errors += _path_errors(value, own.child(name))
    return errors


def _path_errors(text: str, path: Path) -> list[FieldError]:
    try:
        parse_path(text)
    except JSONPathError as error:
        return [invalid(path, text, str(error))]
    return []


def _column_errors(column: Object, path: Path) -> list[FieldError]:
    errors = [required(path.child(name)) for name in ("name",) if not column.get(name)]
    kind = column.get("type") or ""
    if not kind:
        errors.append(required(path.child("type"),
                               f"must be one of {','.join(_COLUMN_TYPES)}"))
    elif kind not in _COLUMN_TYPES:
        errors.append(invalid(path.child("type"), kind,
                              f"must be one of {','.join(_COLUMN_TYPES)}"))
    if not column.get("jsonPath"):
        errors.append(required(path.child("jsonPath")))
    return errors or _path_errors(column["jsonPath"], path.child("jsonPath"))


CUSTOMRESOURCEDEFINITIONS = Resource(
    group="apiextensions.k8s.io", version="v1", kind="CustomResourceDefinition",
    plural="customresourcedefinitions", short_names=("crd", "crds"),
    categories=("api-extensions",), namespaced=False,
    strategy=CustomResourceDefinitionStrategy(), status=True, columns=(NAME, CREATED_AT))
