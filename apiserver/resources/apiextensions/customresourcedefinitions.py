"""CustomResourceDefinitions. Models apiextensions-apiserver's registry and validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.customresources.names import APPROVAL, is_protected
from apiserver.machinery import meta
from apiserver.machinery.names import is_dns1035_label, is_dns1123_subdomain
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
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
_COLUMN_FORMATS: Final = ("byte", "date", "date-time", "double", "float", "int32", "int64",
                          "password")
_SIMPLE_PATH: Final = "must be a simple json path starting with ."
_LONGEST_WARNING: Final = 256
_REVIEW_VERSIONS: Final = ("v1", "v1beta1")


class CustomResourceDefinitionStrategy(Strategy):
    """Further kinds."""

    unconditional_update = False
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
        errors += _stored_errors(obj) + _approval_errors(obj)
        if spec.get("preserveUnknownFields"):
            errors.append(invalid(_SPEC.child("preserveUnknownFields"), True, "cannot set to true, "
                                  "set x-kubernetes-preserve-unknown-fields to true in "
                                  "spec.versions[*].schema instead"))
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
        return errors + _stored_errors(obj)


def _stored_errors(obj: Object) -> list[FieldError]:
    """Versions that objects may be stored in stay (ValidateCustomResourceDefinitionStoredVersions).
    """
    versions, path = obj["spec"].get("versions") or (), Path("status.storedVersions")
    stored = dig(obj, "status", "storedVersions") or []
    if not stored:
        return [invalid(path, None, "must have at least one stored version")]
    errors = [invalid(path, stored, f"must have the storage version {version.get('name')}")
              for version in versions
              if version.get("storage") and version.get("name") not in stored]
    known = {version.get("name") for version in versions}
    return errors + [invalid(path.at(i), name, (
        f"missing from spec.versions; {name} was previously a storage version, and must remain in "
        "spec.versions until a storage migration ensures no data remains persisted in "
        f"{name} and removes {name} from status.storedVersions"))
        for i, name in enumerate(stored) if name not in known]


def _spec_errors(spec: Object) -> list[FieldError]:
    errors = _group_errors(spec)
    scope = spec.get("scope") or ""
    if scope not in _SCOPES:
        errors.append(not_supported(_SPEC.child("scope"), scope, _SCOPES) if scope
                      else required(_SPEC.child("scope")))
    errors += _versions_errors(spec)
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
        errors += _label_errors(path.at(i).child("name"), name)
        if name in seen:
            errors.append(duplicate(path.at(i).child("name"), name))
        seen.add(name)
        errors += _version_errors(version, path.at(i), agreed)
    if sum(bool(version.get("storage")) for version in versions) != 1:
        errors.append(invalid(path, [_shown(v, agreed) for v in versions],
                              "must have exactly one version marked as storage version"))
    errors += _label_errors(_SPEC.child("version"), first.get("name") or "")
    own = {name: value for name, value in first.items() if agreed.get(name)}
    status = any(dig(v, "subresources", "status") is not None for v in versions)
    return errors + _names_errors(spec.get("names") or {}) + _parts_errors(
        own, first, _SPEC, _SPEC.child("validation", "openAPIV3Schema"), status=status)


def _label_errors(path: Path, name: str) -> list[FieldError]:
    texts = is_dns1035_label(name)
    return [invalid(path, name, ",".join(texts))] if texts else []


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
    webhook = conversion.get("webhook") or {}
    client, versions = webhook.get("clientConfig"), webhook.get("conversionReviewVersions") or []
    own = path.child("webhookClientConfig")
    if strategy == "None":
        text = "should not be set when strategy is not set to Webhook"
        given = ((own, client), (path.child("conversionReviewVersions"), versions))
        return [forbidden(where, text) for where, value in given if value]
    errors: list[FieldError] = []
    if client is None:
        errors.append(required(own, "required when strategy is set to Webhook"))
    elif (client.get("url") is None) is (client.get("service") is None):
        errors.append(required(own, "exactly one of url or service is required"))
    return errors + _review_errors(versions, path.child("conversionReviewVersions"))


def _review_errors(versions: list[str], path: Path) -> list[FieldError]:
    if not versions:
        return [required(path)]
    errors: list[FieldError] = []
    for i, version in enumerate(versions):
        if version in versions[:i]:
            errors.append(invalid(path.at(i), version, "duplicate version"))
        else:
            errors += all_invalid(path.at(i), version, is_dns1035_label(version))
    if not set(versions) & set(_REVIEW_VERSIONS):
        errors.append(invalid(path, versions, "must include at least one of "
                              f"{', '.join(_REVIEW_VERSIONS)}"))
    return errors


def _group_errors(spec: Object) -> list[FieldError]:
    group, path = spec.get("group") or "", _SPEC.child("group")
    if not group:
        return [required(path)]
    texts = is_dns1123_subdomain(group)
    if texts:
        return [invalid(path, group, ",".join(texts))]
    if "." not in group:
        return [invalid(path, group, "should be a domain with at least one dot")]
    return []


def _names_errors(names: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    for key in ("plural", "singular", "kind", "listKind"):
        value, path = names.get(key) or "", _NAMES.child(key)
        if not value:
            if key != "singular":
                errors.append(required(path))
        elif key.lower().endswith("kind"):
            texts = is_dns1035_label(value.lower())
            errors += [invalid(path, value, "may have mixed case, but should otherwise match: "
                               + ",".join(texts))] if texts else []
        else:
            errors += _label_errors(path, value)
    for key in ("shortNames", "categories"):
        for i, value in enumerate(names.get(key) or ()):
            errors += _label_errors(_NAMES.child(key).at(i), value)
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        errors.append(invalid(_NAMES.child("listKind"), names["listKind"],
                              "kind and listKind may not be the same"))
    return errors


def _version_errors(version: Object, path: Path, agreed: dict[str, bool]) -> list[FieldError]:
    errors: list[FieldError] = []
    if dig(version, "schema", "openAPIV3Schema") is None:
        errors.append(required(path.child("schema", "openAPIV3Schema")))
    errors += _deprecation_errors(version, path.child("deprecationWarning"))
    own = {name: value for name, value in version.items() if not agreed.get(name)}
    return errors + _parts_errors(own, version, path, path.child("schema", "openAPIV3Schema"),
                                  status=dig(version, "subresources", "status") is not None)


def _deprecation_errors(version: Object, path: Path) -> list[FieldError]:
    text = version.get("deprecationWarning")
    if text is None:
        return []
    if not version.get("deprecated"):
        return [invalid(path, text, "can only be set for deprecated versions")]
    errors = []
    if len(text.encode()) > _LONGEST_WARNING:
        errors.append(invalid(path, text, f"must be <= {_LONGEST_WARNING} characters long"))
    if not text:
        errors.append(invalid(path, text, "must not be an empty string"))
    if not text.isprintable():
        at = next(i for i, character in enumerate(text) if not character.isprintable())
        errors.append(invalid(path, text, "must only contain printable UTF-8 characters; "
                              "non-printable character found at index "
                              f"{len(text[:at].encode())}"))
    return errors


def _parts_errors(parts: Object, version: Object, path: Path, schema: Path, *,
                  status: bool) -> list[FieldError]:
    """What is wrong with the parts of a version (schema, subresources, columns, selectable fields)
    that stand at `path`: its own, or those that all versions agree on.
    """
    errors: list[FieldError] = []
    if dig(parts, "schema", "openAPIV3Schema") is not None:
        errors += schema_errors(parts["schema"]["openAPIV3Schema"], schema, status=status)
    scale = dig(parts, "subresources", "scale")
    if scale is not None:
        errors += _scale_errors(scale, path.child("subresources"))
    for i, column in enumerate(parts.get("additionalPrinterColumns") or ()):
        errors += _column_errors(column, path.child("additionalPrinterColumns").at(i))
    return errors + selectable_errors(parts.get("selectableFields") or (),
                                      dig(version, "schema", "openAPIV3Schema") or {},
                                      path.child("selectableFields"))


def _scale_errors(scale: Object, path: Path) -> list[FieldError]:
    errors = []
    for name, prefixes in (("specReplicasPath", (".spec.",)),
                           ("statusReplicasPath", (".status.",)),
                           ("labelSelectorPath", (".spec.", ".status."))):
        text, own = scale.get(name) or "", path.child(f"scale.{name}")
        if not text:
            errors += [] if len(prefixes) > 1 else [required(own)]
        elif not text.startswith("."):
            errors.append(invalid(own, text, _SIMPLE_PATH))
        elif not text.startswith(prefixes):
            places = " or ".join(prefix.rstrip(".") for prefix in prefixes)
            either = "either " if len(prefixes) > 1 else ""
            errors.append(invalid(own, text, f"should be a json path under {either}{places}"))
    return errors


def _column_errors(column: Object, path: Path) -> list[FieldError]:
    errors = [required(path.child(name)) for name in ("name",) if not column.get(name)]
    kind = column.get("type") or ""
    if not kind:
        errors.append(required(path.child("type"),
                               f"must be one of {','.join(_COLUMN_TYPES)}"))
    elif kind not in _COLUMN_TYPES:
        errors.append(invalid(path.child("type"), kind,
                              f"must be one of {','.join(_COLUMN_TYPES)}"))
    form = column.get("format") or ""
    if form and form not in _COLUMN_FORMATS:
        errors.append(invalid(path.child("format"), form,
                              f"must be one of {','.join(_COLUMN_FORMATS)}"))
    text, own = column.get("jsonPath") or "", path.child("JSONPath")
    if not text:
        errors.append(required(own))
    elif not text.startswith("."):
        errors.append(invalid(own, text, _SIMPLE_PATH))
    return errors


CUSTOMRESOURCEDEFINITIONS = Resource(
    group="apiextensions.k8s.io", version="v1", kind="CustomResourceDefinition",
    plural="customresourcedefinitions", short_names=("crd", "crds"),
    categories=("api-extensions",), namespaced=False,
    strategy=CustomResourceDefinitionStrategy(), status=True, columns=(NAME, CREATED_AT))
