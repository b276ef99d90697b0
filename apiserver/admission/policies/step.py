"""Which policies hold for a request, and with which parameters. Models
apiserver/pkg/admission/plugin/policy/generic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from apiserver.admission.asked import asked_of
from apiserver.admission.chain import ALL_OPERATIONS, AdmissionStep, Operation
from apiserver.admission.conditions import ConditionFailed, conditions_hold
from apiserver.admission.lister import Lister
from apiserver.admission.matching import is_exempt, matching_resource, selects
from apiserver.admission.policies.evaluation import Evaluation
from apiserver.machinery import meta
from apiserver.machinery.gvk import parse_api_version
from apiserver.machinery.selectors import from_label_selector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from apiserver.admission.asked import Asked
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry
    from apiserver.resource import Resource


class NotConfigured(Exception):
    """A policy or binding that cannot be used as it is."""


@dataclass(frozen=True, slots=True)
class Case:
    """A policy that holds for a request by a binding, with one set of parameters."""

    policy: Object
    binding: Object
    asked: Asked
    evaluation: Evaluation | None
    """None when it could not be set up: `problem` says why."""
    problem: str = ""

    @property
    def spec(self) -> Object:
        """The policy's spec."""
        spec: Object = self.policy["spec"]
        return spec

    @property
    def fails_closed(self) -> bool:
        """Whether errors count as refusals."""
        return self.spec.get("failurePolicy") != "Ignore"

    @property
    def title(self) -> str:
        """`'policy' with binding 'binding'`."""
        return f"'{meta.name(self.policy)}' with binding '{meta.name(self.binding)}'"


class PolicyStep(AdmissionStep):
    """What validating and mutating policies have in common."""

    operations: ClassVar[tuple[Operation, ...]] = ALL_OPERATIONS
    sees_bodies: ClassVar[bool] = True
    policies: ClassVar[str]
    bindings: ClassVar[str]

    registry: Registry
    _policies: Lister
    _bindings: Lister
    _namespaces: Lister

    def __init__(self) -> None:
        self._params: dict[tuple[str, str], Lister] = {}

    def connect(self, registry: Registry) -> None:
        """Policies, bindings and parameters are read from the registry's store."""
        self.registry = registry
        group = "admissionregistration.k8s.io"
        self._policies = Lister(registry, group, self.policies)
        self._bindings = Lister(registry, group, self.bindings)
        self._namespaces = Lister(registry, "", "namespaces")

    async def idle(self, ctx: RequestContext) -> bool:
        """Whether there is nothing to do, which mostly is so."""
        await self._policies.refresh()
        if self._policies.empty:
            return True
        await self._bindings.refresh()
        return self._bindings.empty or is_exempt(ctx.resource, reviews=True)

    async def cases(self, ctx: RequestContext, obj: Object | None,
                    old: Object | None) -> AsyncIterator[Case]:
        """Every policy that holds, once for each binding and each of its parameters."""
        await self._namespaces.refresh()
        for policy in self._policies.all():
            for binding in self._bindings.all():
                if (binding.get("spec") or {}).get("policyName") != meta.name(policy):
                    continue
                asked = self._matched(asked_of(ctx, obj, old), policy, binding)
                if asked is None:
                    continue
                for case in await self._cases(policy, binding, asked):
                    yield case

    def _matched(self, asked: Asked, policy: Object, binding: Object) -> Asked | None:
        """The request in the version in which the policy matches it, None when it does not."""
        constraints = policy["spec"].get("matchConstraints") or {}
        resource = self._resource(constraints, asked)
        if resource is None:
            return None
        narrowed = binding["spec"].get("matchResources")
        if narrowed is not None and self._resource(narrowed, asked, all_by_default=True) is None:
            return None
        return asked.converted(resource)

    def _resource(self, match: Object, asked: Asked, *,
                  all_by_default: bool = False) -> Resource | None:
        how = match.get("matchPolicy") or "Equivalent"
        if not selects(match, asked, self._namespaces):
            return None
        if matching_resource(self.registry, asked, match.get("excludeResourceRules") or (), how):
            return None
        rules = match.get("resourceRules") or ()
        if not rules and all_by_default:
            return asked.resource
        return matching_resource(self.registry, asked, rules, how)

    async def _cases(self, policy: Object, binding: Object, asked: Asked) -> list[Case]:
        spec = policy["spec"]
        namespace = self._namespaces.get("", asked.namespace) if asked.namespace else None
        try:
            found = await self._parameters(policy, binding, asked)
        except NotConfigured as error:
            return [Case(policy, binding, asked, None, str(error))]
        cases = []
        for params in found:
            more = {"params": params, "namespaceObject": namespace}
            try:
                if not conditions_hold(self.registry, spec.get("matchConditions") or (), asked,
                                       more):
                    continue
            except ConditionFailed as error:
                cases.append(Case(policy, binding, asked, None, str(error)))
                continue
            cases.append(Case(policy, binding, asked, Evaluation(
                self.registry, asked, spec.get("variables") or (), params, namespace)))
        return cases

    # --- parameters ------------------------------------------------------------------------------

    async def _parameters(self, policy: Object, binding: Object,
                          asked: Asked) -> Sequence[Object | None]:
        """The parameters, [None] for a policy without. Raises NotConfigured."""
        kind, reference = policy["spec"].get("paramKind"), binding["spec"].get("paramRef")
        if kind is None or reference is None:
            return [None]
        resource = self._param_resource(kind)
        if not resource.namespaced and reference.get("namespace"):
            raise NotConfigured("failed to configure binding: paramRef.namespace must not be"
                                " provided for a cluster-scoped `paramKind`")
        place = (reference.get("namespace") or asked.namespace) if resource.namespaced else ""
        if resource.namespaced and not place:
            raise NotConfigured("failed to configure binding: cannot use namespaced paramRef in"
                                " policy binding that matches cluster-scoped resources")
        lister = await self._lister(resource)
        found = list(_referenced(reference, lister, place))
        if not found and reference.get("parameterNotFoundAction") == "Deny":
            raise NotConfigured("failed to configure binding: no params found for policy binding"
                                " with `Deny` parameterNotFoundAction")
        return found

    def _param_resource(self, kind: Object) -> Resource:
        group, version = parse_api_version(kind.get("apiVersion") or "")
        for resource in self.registry.catalog:
            if resource.kind == kind.get("kind") and (
                    resource.group, resource.version) == (group, version):
                return resource
        raise NotConfigured("failed to configure policy: failed to find resource referenced by"
                            f" paramKind: '{group}/{version}, Kind={kind.get('kind')}'")

    async def _lister(self, resource: Resource) -> Lister:
        key = (resource.group, resource.plural)
        lister = self._params.get(key)
        if lister is None:
            lister = self._params[key] = Lister(self.registry, *key)
        await lister.refresh()
        return lister


def _referenced(reference: Object, lister: Lister, namespace: str) -> Iterator[Object]:
    if name := reference.get("name"):
        found = lister.get(namespace, name)
        if found is not None:
            yield found
        return
    selector = from_label_selector(reference.get("selector"))
    for one in lister.in_namespace(namespace):
        if selector.matches(meta.labels(one)):
            yield one


def text_of(value: Any) -> str:
    """A message that an expression gave, '' when it gave none that can be shown."""
    text = value.strip() if isinstance(value, str) else ""
    return "" if "\n" in text or len(text) > 5 * 1024 else text
