"""Which policies hold for a request, and with which parameters. Models
apiserver/pkg/admission/plugin/policy/generic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from apiserver.admission.asked import asked_of, is_namespace
from apiserver.admission.chain import ALL_OPERATIONS, AdmissionStep, Operation
from apiserver.admission.conditions import conditions_hold
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
    binding: Object | None
    """None when the policy itself cannot be used."""
    asked: Asked
    params: Object | None = None
    problem: str = ""
    """Why the policy or the binding cannot be used."""

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
    def name(self) -> str:
        """The policy's name."""
        return meta.name(self.policy)

    @property
    def bound(self) -> str:
        """` with binding 'binding'`."""
        return f" with binding '{meta.name(self.binding)}'" if self.binding is not None else ""

    @property
    def key(self) -> str:
        """Names it among all."""
        parts = (one for one in (self.binding, self.params) if one is not None)
        return "/".join([self.name, *(f"{meta.namespace(one)}:{meta.name(one)}" for one in parts)])


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
        as_asked = asked_of(ctx, obj, old)
        for policy in self._policies.all():
            bindings = [one for one in self._bindings.all()
                        if (one.get("spec") or {}).get("policyName") == meta.name(policy)]
            resource = bindings and self._resource(
                policy["spec"].get("matchConstraints") or {}, as_asked)
            if not resource:
                continue
            asked = as_asked.converted(resource)
            try:
                of_params = self._param_resource(policy["spec"].get("paramKind"))
            except NotConfigured as error:
                yield Case(policy, None, asked, problem=f"failed to configure policy: {error}")
                continue
            for binding in bindings:
                narrowed = binding["spec"].get("matchResources")
                if narrowed is None or self._resource(narrowed, as_asked, all_by_default=True):
                    for case in await self._cases(policy, binding, asked, of_params):
                        yield case

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

    async def _cases(self, policy: Object, binding: Object, asked: Asked,
                     of_params: Resource | None) -> list[Case]:
        try:
            found = await self._parameters(of_params, binding, asked)
        except NotConfigured as error:
            return [Case(policy, binding, asked,
                         problem=f"failed to configure binding: {error}")]
        return [Case(policy, binding, asked, params) for params in found]

    def condition_holds(self, case: Case, asked: Asked) -> bool:
        """Whether the policy's matchConditions hold. Raises ConditionFailed."""
        return conditions_hold(self.registry, case.spec.get("matchConditions") or (), asked, {
            "params": case.params, "namespaceObject": self._namespace(asked)})

    def evaluation(self, case: Case, asked: Asked) -> Evaluation:
        """The policy's expressions over a request."""
        return Evaluation(self.registry, asked, case.spec.get("variables") or (), case.params,
                          self._namespace(asked))

    def _namespace(self, asked: Asked) -> Object | None:
        if not asked.namespace or is_namespace(asked.resource):
            return None
        return self._namespaces.get("", asked.namespace)

    # --- parameters ------------------------------------------------------------------------------

    async def _parameters(self, resource: Resource | None, binding: Object,
                          asked: Asked) -> Sequence[Object | None]:
        """The parameters, [None] for a policy without. Raises NotConfigured."""
        reference = binding["spec"].get("paramRef")
        if resource is None or reference is None:
            return [None]
        if not resource.namespaced and reference.get("namespace"):
            raise NotConfigured(
                "paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        place = (reference.get("namespace") or asked.namespace) if resource.namespaced else ""
        if resource.namespaced and not place:
            raise NotConfigured("cannot use namespaced paramRef in policy binding that matches"
                                " cluster-scoped resources")
        lister = await self._lister(resource)
        found = list(_referenced(reference, lister, place))
        if not found and reference.get("parameterNotFoundAction") == "Deny":
            raise NotConfigured(
                "no params found for policy binding with `Deny` parameterNotFoundAction")
        return found

    def _param_resource(self, kind: Object | None) -> Resource | None:
        """The kind of a policy's parameters, None of one without. Raises NotConfigured."""
        if kind is None:
            return None
        group, version = parse_api_version(kind.get("apiVersion") or "")
        for resource in self.registry.catalog:
            if resource.kind == kind.get("kind") and (
                    resource.group, resource.version) == (group, version):
                return resource
        raise NotConfigured("failed to find resource referenced by paramKind:"
                            f" '{group}/{version}, Kind={kind.get('kind')}'")

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
