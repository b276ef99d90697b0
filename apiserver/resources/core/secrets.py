"""Secrets. Models pkg/registry/core/secret."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_config_map_key
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    immutable,
    invalid,
    required,
    too_long,
)
from apiserver.resource import Resource
from apiserver.resources.core.configmaps import MAX_DATA_BYTES, decoded_size, frozen_errors
from apiserver.resources.core.tls_pair import pair_complaint
from apiserver.resources.printing import AGE, NAME, count, field, named
from apiserver.schema.json_syntax import explain
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_ACCOUNT: Final = "kubernetes.io/service-account.name"
_DATA: Final = Path("data")
_JSON_KEYS: Final = {"kubernetes.io/dockercfg": ".dockercfg",
                     "kubernetes.io/dockerconfigjson": ".dockerconfigjson"}


class SecretStrategy(Strategy):
    """Data of a certain type."""

    has_generation = False
    revalidates_metadata = True

    def default(self, obj: Object) -> None:
        """Type Opaque; `stringData` goes into `data`."""
        if not obj.get("type"):
            obj["type"] = "Opaque"
        plain = obj.pop("stringData", None) or {}
        if plain:
            encoded = {k: base64.b64encode(v.encode()).decode() for k, v in plain.items()}
            obj["data"] = {**(obj.get("data") or {}), **encoded}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        data = obj.get("data") or {}
        errors = [error for key in data
                  for error in all_invalid(_DATA.key(key), key, is_config_map_key(key))]
        if sum(map(decoded_size, data.values())) > MAX_DATA_BYTES:
            errors.append(too_long(_DATA, MAX_DATA_BYTES))
        return errors + _type_errors(obj, data)

    def prepare_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """The type stays when an update leaves it out."""
        if not obj.get("type"):
            obj["type"] = old.get("type", "")

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return (immutable("type", obj.get("type"), old.get("type"))
                + frozen_errors(obj, old, ("data",)) + self.validate(ctx, obj))

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        if ctx.subresource or obj.get("type") != "kubernetes.io/tls":
            return []
        data = obj.get("data") or {}
        pair = (base64.b64decode(data.get(name) or "") for name in ("tls.crt", "tls.key"))
        complaint = pair_complaint(*pair)
        return [complaint] if complaint else []

    def fields(self, obj: Object) -> dict[str, str]:
        return {"type": obj.get("type", "")}


def _type_errors(obj: Object, data: dict[str, str]) -> list[FieldError]:
    kind = obj.get("type") or ""
    if kind in _JSON_KEYS:
        return _json_errors(data.get(_JSON_KEYS[kind]), _DATA.key(_JSON_KEYS[kind]))
    if kind == "kubernetes.io/service-account-token":
        annotations = obj["metadata"].get("annotations") or {}
        path = Path("metadata.annotations").key(_ACCOUNT)
        return [] if annotations.get(_ACCOUNT) else [required(path)]
    if kind == "kubernetes.io/basic-auth":
        names = ("username", "password")
        return [] if any(n in data for n in names) else [required(_DATA.key(n)) for n in names]
    if kind == "kubernetes.io/ssh-auth":
        return [] if data.get("ssh-privatekey") else [required(_DATA.key("ssh-privatekey"))]
    if kind == "kubernetes.io/tls":
        return [required(_DATA.key(n)) for n in ("tls.crt", "tls.key") if n not in data]
    return []


def _json_errors(encoded: str | None, path: Path) -> list[FieldError]:
    if encoded is None:
        return [required(path)]
    document = base64.b64decode(encoded)
    complaint = explain(document) or _kind_complaint(document.lstrip()[:1])
    return [invalid(path, "<secret contents redacted>", complaint)] if complaint else []


def _kind_complaint(first: bytes) -> str:
    """Go's complaint about a JSON document that is no object; null is taken for an empty one."""
    if first in (b"{", b"n"):
        return ""
    kind = {b'"': "string", b"[": "array", b"t": "bool", b"f": "bool"}.get(first, "number")
    return f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"


SECRETS = Resource(
    group="", version="v1", kind="Secret", plural="secrets", strategy=SecretStrategy(),
    columns=(NAME, named("Type", field("type"), "What kind of secret it is."),
             named("Data", count("data"), "How many entries it has."), AGE))
