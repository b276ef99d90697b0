"""A request body into an object. Models runtime.Decode as the create and update handlers use it.

`decode_body` gives the canonical object and the strict problems, or raises BadRequest with the
texts of endpoints/handlers/rest.go (transformDecodeError) and apimachinery's serializers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.errors import BadRequest
from apiserver.machinery.gvk import GVK, parse_api_version
from apiserver.machinery.validation import go_quote
from apiserver.schema.json_body import parse_json
from apiserver.schema.schema import Decoded, Schema
from apiserver.schema.state import DecodeError, describe
from apiserver.schema.yaml_body import parse_yaml, repeated_keys

if TYPE_CHECKING:
    from apiserver.machinery.types import JSON, Object

SCHEME: Final = "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
_SUMMARY: Final = 30
_META: Final = ('struct { APIVersion string "json:\\"apiVersion,omitempty\\""; '
                'Kind string "json:\\"kind,omitempty\\"" }')
RETIRED: Final = {
    "extensions/v1beta1": "DaemonSet Deployment Ingress NetworkPolicy ReplicaSet Scale",
    "apps/v1beta1": "ControllerRevision Deployment Scale StatefulSet",
    "apps/v1beta2": "ControllerRevision DaemonSet Deployment ReplicaSet Scale StatefulSet",
    "autoscaling/v2beta1": "HorizontalPodAutoscaler",
    "autoscaling/v2beta2": "HorizontalPodAutoscaler",
    "batch/v1beta1": "CronJob",
    "policy/v1beta1": "Eviction PodDisruptionBudget",
    "networking.k8s.io/v1beta1": "Ingress IngressClass",
    "rbac.authorization.k8s.io/v1beta1": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "storage.k8s.io/v1beta1": "CSIDriver CSINode StorageClass VolumeAttachment",
    "scheduling.k8s.io/v1beta1": "PriorityClass",
    "coordination.k8s.io/v1beta1": "Lease",
    "discovery.k8s.io/v1beta1": "EndpointSlice",
    "events.k8s.io/v1beta1": "Event",
    "node.k8s.io/v1beta1": "RuntimeClass",
}
"""Versions that are no longer served, but still in the server's scheme, so that they convert."""


def parse_body(body: bytes, media_type: str, expected: GVK) -> JSON:
    """The value of a body in JSON, YAML or protobuf. Raises BadRequest."""
    try:
        if media_type == PROTOBUF:
            from apiserver.protobuf.body import decode_protobuf

            return decode_protobuf(body, expected)
        return parse_yaml(body) if "yaml" in media_type else parse_json(body)
    except ValueError as error:
        prefix = "couldn't get version/kind; json parse error: " if "json" in media_type else ""
        raise _unrecognized(expected.kind, f"{prefix}{error}", body) from None


def decode_body(schema: Schema, expected: GVK, body: bytes, media_type: str) -> Decoded:
    """Parse a body and decode it as `expected`. Raises BadRequest."""
    value = parse_body(body, media_type, expected)
    decoded = decode_value(schema, expected, value, body)
    return with_repeated_keys(decoded, body, media_type)


def with_repeated_keys(decoded: Decoded, body: bytes, media_type: str) -> Decoded:
    """Also what is wrong with a YAML body's keys (parsing has dropped the first ones)."""
    if "yaml" not in media_type or not (repeated := repeated_keys(body)):
        return decoded
    return Decoded(decoded.object, (repeated, *decoded.problems))


def decode_value(schema: Schema, expected: GVK, value: JSON, body: bytes = b"") -> Decoded:
    """Decode a parsed body as `expected`, or say why it cannot be. Raises BadRequest."""
    found = kind_in(value, expected, body)
    if found != expected:
        _refuse_other_kind(schema, expected, found, value)
    try:
        decoded = schema.decode(expected, value)
    except DecodeError as error:
        raise cannot_be_handled(found, expected, str(error)) from None
    return Decoded(_with_type(decoded.object, expected), decoded.problems)


def kind_in(value: JSON, expected: GVK, body: bytes = b"") -> GVK:
    """The kind that a body says it has; what it leaves out is taken from `expected`.

    Raises BadRequest.
    """
    if value is None:
        return expected
    if not isinstance(value, dict):
        raise _unparsable(expected, f"{describe(value)} into Go value of type {_META}", body)
    for name in ("apiVersion", "kind"):
        if not isinstance(value.get(name, ""), str | None):
            what = describe(value[name])
            raise _unparsable(expected, f"{what} into Go struct field .{name} of type string", body)
    api_version, kind = value.get("apiVersion") or "", value.get("kind") or ""
    if api_version.count("/") > 1:
        raise _unrecognized(expected.kind, f"unexpected GroupVersion string: {api_version}", body)
    group, version = parse_api_version(api_version) if api_version else expected[:2]
    return GVK(group, version, kind or expected.kind)


def cannot_be_handled(found: GVK, expected: GVK, why: str) -> BadRequest:
    """`ConfigMap in version "v1" cannot be handled as a ConfigMap: WHY`."""
    return BadRequest(f"{found.kind} in version {go_quote(found.version)} cannot be handled as a "
                      f"{expected.kind}: {why}")


def _refuse_other_kind(schema: Schema, expected: GVK, found: GVK, value: JSON) -> None:
    """Another kind, or another version of the same kind."""
    retired = found.kind in RETIRED.get(found.api_version, "").split()
    known = schema.knows(found) or retired or (found.kind == "List" and not found.group)
    if not known:
        raise cannot_be_handled(found, expected, (
            f"no kind {go_quote(found.kind)} is registered for version "
            f"{go_quote(found.api_version)} in scheme {go_quote(SCHEME)}"))
    if schema.knows(found):
        try:
            schema.decode(found, value)
        except DecodeError as error:
            raise cannot_be_handled(found, expected, str(error)) from None
    if found.kind != expected.kind:
        raise cannot_be_handled(found, expected, (
            f"converting ({found.version}.{found.kind}) to ({internal_package(expected.group)}."
            f"{expected.kind}): unknown conversion"))
    raise BadRequest(f"the API version in the data ({found.api_version}) does not match the "
                     f"expected API version ({expected.api_version})")


def internal_package(group: str) -> str:
    """The Go package of a group's internal types: `core`, `apps`, `networking`."""
    first = group.split(".")[0] or "core"
    return first


def _with_type(obj: Object, expected: GVK) -> Object:
    return {**obj, "apiVersion": expected.api_version, "kind": expected.kind}


def _unparsable(expected: GVK, what: str, body: bytes) -> BadRequest:
    return _unrecognized(
        expected.kind,
        f"couldn't get version/kind; json parse error: json: cannot unmarshal {what}", body)


def _unrecognized(kind: str, why: str, body: bytes) -> BadRequest:
    return BadRequest(f"the object provided is unrecognized (must be of type {kind}): {why} "
                      f"({_summary(body)})")


def _summary(body: bytes) -> str:
    """rest.summarizeData: the first bytes, as text when they look like an object."""
    if not body:
        return "<empty>"
    head: Any = body[:_SUMMARY]
    shown = head.decode("utf-8", "replace") if body[:1] == b"{" else head.hex()
    return f"{shown} ..." if len(body) > _SUMMARY else shown
