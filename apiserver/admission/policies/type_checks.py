"""Whether a ValidatingAdmissionPolicy's expressions fit the kinds that it is about. Models
apiserver/pkg/admission/plugin/policy/validating/typechecking.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.customresources.cel.source import located
from apiserver.customresources.cel.types import Type, built_in, problems_of
from apiserver.machinery.gvk import parse_api_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry
    from apiserver.resource import Resource

_MOST_KINDS: Final = 10


def type_warnings(registry: Registry, policy: Object) -> list[Object]:
    """`status.typeChecking.expressionWarnings` of a policy."""
    spec = policy["spec"]
    kinds = [(resource, _type(registry, resource)) for resource in _kinds(registry, spec)]
    params = _params(registry, spec.get("paramKind"))
    warnings = []
    for index, validation in enumerate(spec.get("validations") or ()):
        for field in ("expression", "messageExpression"):
            source = validation.get(field) or ""
            texts = [f"{resource.group}/{resource.version}, Kind={resource.kind}: {text}\n"
                     for resource, type_ in kinds
                     if (text := _problems(source, {
                         "object": type_, "oldObject": type_, **params}))]
            if texts:
                warnings.append({"fieldRef": f"spec.validations[{index}].{field}",
                                 "warning": "\n".join(texts)})
    return warnings


def _problems(source: str, variables: dict[str, Type]) -> str:
    problems, _ = problems_of(source, variables)
    return "\n".join(located(source, at, text) for at, text in problems)


def _type(registry: Registry, resource: Resource) -> Type:
    return built_in(registry.type_of(resource), formats=not resource.custom)


def _params(registry: Registry, kind: Object | None) -> dict[str, Type]:
    if kind is None:
        return {}
    group, version = parse_api_version(kind.get("apiVersion") or "")
    wanted = (group, version, kind.get("kind"))
    found = next((one for one in registry.catalog
                  if (one.group, one.version, one.kind) == wanted), None)
    return {"params": _type(registry, found)} if found is not None else {}


def _kinds(registry: Registry, spec: Object) -> list[Resource]:
    """What the rules name without wildcards, by group, version and kind."""
    found: dict[tuple[str, str, str], Resource] = {}
    for rule in (spec.get("matchConstraints") or {}).get("resourceRules") or ():
        for count, resource in enumerate(_named(registry, rule), 1):
            found[resource.group, resource.version, resource.kind] = resource
            if count == _MOST_KINDS:
                return [found[key] for key in sorted(found)]
    return [found[key] for key in sorted(found)]


def _named(registry: Registry, rule: Object) -> Iterator[Resource]:
    groups, versions = rule.get("apiGroups") or (), rule.get("apiVersions") or ()
    if any("*" in each for each in (*groups, *versions)):
        return
    names = [each for each in rule.get("resources") or () if not {"*", "/"} & set(each)]
    for group in sorted(groups):
        for version in sorted(versions):
            for name in sorted(names):
                resource = registry.catalog.find(group, version, name)
                if resource is not None:
                    yield resource
