"""IngressClasses. Models pkg/registry/networking/ingressclass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_dns1123_label, is_domain_prefixed_path
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    forbidden,
    immutable,
    invalid,
    not_supported,
    required,
    too_long,
)
from apiserver.resource import Resource
from apiserver.resources.networking.ingresses import typed_reference_errors
from apiserver.resources.printing import AGE, NAME, NONE, dig, field, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_CONTROLLER: Final = Path("spec.controller")
_PARAMETERS: Final = Path("spec.parameters")
_LONGEST: Final = 250


class IngressClassStrategy(Strategy):
    """Who serves Ingresses."""

    revalidates_metadata = True

    def default(self, obj: Object) -> None:
        parameters = dig(obj, "spec", "parameters")
        if parameters is not None and not parameters.get("scope"):
            parameters["scope"] = "Cluster"

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        controller = dig(obj, "spec", "controller") or ""
        errors = [too_long(_CONTROLLER, _LONGEST)] if len(controller) > _LONGEST else []
        if not controller:
            errors.append(required(_CONTROLLER))
        else:
            errors += [invalid(_CONTROLLER, part, text)
                       for part, text in is_domain_prefixed_path(controller)]
        parameters = dig(obj, "spec", "parameters")
        return errors if parameters is None else errors + _parameters_errors(parameters)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return immutable(_CONTROLLER, dig(obj, "spec", "controller"),
                         dig(old, "spec", "controller")) + self.validate(ctx, obj)


def _parameters_errors(parameters: Object) -> list[FieldError]:
    errors = typed_reference_errors(parameters, _PARAMETERS)
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    own = _PARAMETERS.child("namespace")
    if scope is None:
        return [*errors, required(_PARAMETERS.child("scope"))]
    if scope == "Namespace":
        if namespace is None:
            errors.append(required(own, "`parameters.scope` is set to 'Namespace'"))
        else:
            errors += all_invalid(own, namespace, is_dns1123_label(namespace))
    elif scope != "Cluster":
        errors.append(not_supported(_PARAMETERS.child("scope"), scope, ["Cluster", "Namespace"]))
    elif namespace is not None:
        errors.append(forbidden(own, "`parameters.scope` is set to 'Cluster'"))
    return errors


def _parameters(obj: Object, now: float) -> str:
    parameters = dig(obj, "spec", "parameters")
    if parameters is None:
        return NONE
    group = parameters.get("apiGroup")
    kind = parameters["kind"] if group is None else f"{parameters['kind']}.{group}"
    return f"{kind}/{parameters['name']}"


INGRESSCLASSES = Resource(
    group="networking.k8s.io", version="v1", kind="IngressClass", plural="ingressclasses",
    namespaced=False, strategy=IngressClassStrategy(),
    columns=(NAME, named("Controller", field("spec", "controller"), "Which controller serves it."),
             named("Parameters", _parameters, "What is special about it."), AGE))
