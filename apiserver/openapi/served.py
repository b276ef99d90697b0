"""The operations on what is no resource: discovery, the version, the keys of tokens. Models the
routes of apiserver/pkg/endpoints/discovery and pkg/server/routes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from apiserver.openapi.operations import tag_of, word_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from apiserver.resource import Resource

_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1."
_VERSION: Final = "io.k8s.apimachinery.pkg.version.Info"
_VERSIONS: Final = "get available API versions"


class Read(NamedTuple):
    """One path that is only read."""

    document: str
    """Which v3 document it is in."""
    path: str
    tag: str
    id: str
    text: str
    answer: str
    """The definition of the answer; '' for text."""


_FIXED: Final = (
    Read(".well-known/openid-configuration", "/.well-known/openid-configuration", "WellKnown",
         "getServiceAccountIssuerOpenIDConfiguration", "get service account issuer OpenID"
         " configuration, also known as the 'OIDC discovery doc'", ""),
    Read("openid/v1/jwks", "/openid/v1/jwks", "openid", "getServiceAccountIssuerOpenIDKeyset",
         "get service account issuer OpenID JSON Web Key Set (contains public token verification"
         " keys)", ""),
    Read("api", "/api/", "core", "getCoreAPIVersions", _VERSIONS, f"{_META}APIVersions"),
    Read("apis", "/apis/", "apis", "getAPIVersions", _VERSIONS, f"{_META}APIGroupList"),
    Read("version", "/version/", "version", "getCodeVersion",
         "get the version information for this server", _VERSION),
)


def reads_of(resources: Iterable[Resource]) -> Iterator[Read]:
    """The fixed paths, and discovery of each group and version, by path."""
    found = list(_FIXED)
    pairs = sorted({(each.group, each.version) for each in resources})
    for group in sorted({group for group, _ in pairs if group}):
        found.append(Read(f"apis/{group}", f"/apis/{group}/", tag_of(group),
                          f"get{word_of(group)}APIGroup", "get information of a group",
                          f"{_META}APIGroup"))
    for group, version in pairs:
        place = f"apis/{group}/{version}" if group else f"api/{version}"
        found.append(Read(place, f"/{place}/", f"{tag_of(group)}_{version}",
                          f"get{word_of(group)}{version.capitalize()}APIResources",
                          "get available resources", f"{_META}APIResourceList"))
    yield from sorted(found, key=lambda each: each.path)


def operation(read: Read, *, v3: bool, prefix: str) -> dict[str, Any]:
    """The GET of a path. `prefix`: where definitions are."""
    types = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]
    if not read.answer:
        types = ["application/jwk-set+json" if "jwks" in read.path else "application/json"]
    elif read.answer == _VERSION:
        types = ["application/json"]
    schema = {"$ref": prefix + read.answer} if read.answer else {"type": "string"}
    out: dict[str, Any] = {"tags": [read.tag], "description": read.text, "operationId": read.id}
    answers: dict[str, Any] = {"401": {"description": "Unauthorized"}}
    if v3:
        answers["200"] = {"description": "OK",
                          "content": {media: {"schema": schema} for media in types}}
        return {**out, "responses": answers}
    answers["200"] = {"description": "OK", "schema": schema}
    consumes = types if read.answer.startswith(_META) else ["application/json"]
    return {**out, "parameters": [], "consumes": consumes, "produces": types,
            "schemes": ["https"], "responses": answers}
