"""Refuses, or warns of, Pods that their namespace's level forbids. Models
pod-security-admission/admission/admission.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from apiserver.admission.chain import AdmissionStep, Operation, refuse
from apiserver.admission.lister import Lister
from apiserver.admission.podsecurity.checks import violations
from apiserver.admission.podsecurity.policy import LEVELS, PREFIX, LevelVersion, policy_of
from apiserver.machinery import meta
from apiserver.machinery.errors import Invalid, aggregate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

_TEMPLATES: Final[Mapping[tuple[str, str], Sequence[str]]] = {
    ("", "pods"): (),
    ("", "podtemplates"): ("template",),
    ("", "replicationcontrollers"): ("spec", "template"),
    ("apps", "replicasets"): ("spec", "template"),
    ("apps", "deployments"): ("spec", "template"),
    ("apps", "statefulsets"): ("spec", "template"),
    ("apps", "daemonsets"): ("spec", "template"),
    ("batch", "jobs"): ("spec", "template"),
    ("batch", "cronjobs"): ("spec", "jobTemplate", "spec", "template"),
}
"""Where kinds have metadata and spec of their Pods."""
_MOST_PODS: Final = 3000
"""So many Pods of a namespace are looked at when its level rises."""


class PodSecurity(AdmissionStep):
    """Enforces, and warns, by the labels of the namespace."""

    plugin: ClassVar[str] = "PodSecurity"
    operations: ClassVar[tuple[Operation, ...]] = ("CREATE", "UPDATE")

    _registry: Registry
    _namespaces: Lister

    def connect(self, registry: Registry) -> None:
        """Namespaces, and Pods of those that change, are read from the registry's store."""
        self._registry = registry
        self._namespaces = Lister(registry, "", "namespaces")

    async def validate(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden, for a namespace's labels Invalid."""
        if obj is None:
            return
        name = (ctx.resource.group, ctx.resource.plural)
        if name == ("", "namespaces"):
            if not ctx.subresource:
                await self._check_namespace(ctx, obj, old)
            return
        way = _TEMPLATES.get(name)
        if way is None or ctx.subresource not in ("", "ephemeralcontainers", "resize"):
            return
        await self._namespaces.refresh()
        namespace = self._namespaces.get("", ctx.namespace)
        labels = meta.labels(namespace) if namespace is not None else {}
        if any(label.startswith(PREFIX) for label in labels):
            self._check(ctx, obj, old, labels)
        elif not way:
            ctx.note(f"{PREFIX}enforce-policy", str(LevelVersion()))

    def _check(self, ctx: RequestContext, obj: Object, old: Object | None,
               labels: Mapping[str, str]) -> None:
        metadata, spec = _pod_of(ctx, obj)
        is_pod = not _TEMPLATES[ctx.resource.group, ctx.resource.plural]
        policy = policy_of(labels)
        if is_pod and policy.demands_nothing:
            ctx.note(f"{PREFIX}enforce-policy", str(LevelVersion()))
            return
        if is_pod and old is not None and _essence(obj) == _essence(old):
            return
        if policy.errors:
            ctx.note(f"{PREFIX}error", f"Failed to parse policy: {aggregate(policy.errors)}")
        if is_pod:
            ctx.note(f"{PREFIX}enforce-policy", str(policy.enforce))
        if found := violations(policy.audit, metadata, spec):
            ctx.note(f"{PREFIX}audit-violations",
                     f'would violate PodSecurity "{policy.audit}": {found}')
        if is_pod and (found := violations(policy.enforce, metadata, spec)):
            raise refuse(ctx, ctx.name, f'violates PodSecurity "{policy.enforce}": {found}')
        if found := violations(policy.warn, metadata, spec):
            ctx.warn(f'would violate PodSecurity "{policy.warn}": {found}')

    async def _check_namespace(self, ctx: RequestContext, obj: Object, old: Object | None) -> None:
        labels = meta.labels(obj)
        before = meta.labels(old) if old is not None else {}
        if not any(label.startswith(PREFIX) for label in labels):
            return
        policy, was = policy_of(labels), policy_of(before)
        if policy.errors and [str(e) for e in policy.errors] != [str(e) for e in was.errors]:
            raise Invalid.object("", "Namespace", meta.name(obj), policy.errors)
        rises = _rank(policy.enforce) > 0 and policy.enforce != was.enforce
        if old is not None and rises and _rank(policy.enforce) >= _rank(was.enforce):
            for text in await self._violators(meta.name(obj), policy.enforce):
                ctx.warn(text)

    async def _violators(self, namespace: str, level: LevelVersion) -> list[str]:
        """Warnings about the Pods that are there already."""
        page = await self._registry.store.list(f"/registry/pods/{namespace}/", limit=_MOST_PODS)
        by_problem: dict[str, list[str]] = {}
        for version in page.versions:
            pod = version.object
            if found := violations(level, pod["metadata"], pod.get("spec") or {}):
                by_problem.setdefault(found, []).append(meta.name(pod))
        texts = sorted(f"{_and_others(names)}: {found}" for found, names in by_problem.items())
        if texts:
            texts.insert(0, f'existing pods in namespace "{namespace}" violate the new PodSecurity'
                         f' enforce level "{level}"')
        return texts


def _and_others(names: Sequence[str]) -> str:
    """`web`, `web (and 1 other pod)`, `web (and 2 other pods)`."""
    first, others = min(names), len(names) - 1
    if not others:
        return first
    return f"{first} (and {others} other {'pod' if others == 1 else 'pods'})"


def _rank(level: LevelVersion) -> int:
    return LEVELS.index(level.level)


def _pod_of(ctx: RequestContext, obj: Object) -> tuple[Object, Object]:
    """Metadata and spec of the Pod, or of the Pods that the object makes."""
    for step in _TEMPLATES[ctx.resource.group, ctx.resource.plural]:
        obj = obj.get(step) or {}
    return obj.get("metadata") or {}, obj.get("spec") or {}


def _essence(pod: Object) -> Any:
    """What of a Pod can change its standing (isSignificantPodUpdate)."""
    spec = pod.get("spec") or {}
    return ([(one.get("name"), one.get("image")) for one in _images(spec)],
            [note for note in meta.annotations(pod).items() if "security" in note[0]])


def _images(spec: Object) -> Iterator[Object]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(field) or ()
