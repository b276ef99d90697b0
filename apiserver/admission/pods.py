"""What every new Pod gets and must satisfy: service account, priority, default tolerations.

Models plugin/pkg/admission/{serviceaccount,priority,defaulttolerationseconds}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from apiserver.admission.chain import AdmissionStep, Operation, refuse
from apiserver.admission.lister import Lister
from apiserver.machinery import meta

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

TOKEN_PATH: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
_TOKEN_SECONDS: Final = 3607
_PROJECTED_MODE: Final = 0o644
_MIRROR: Final = "kubernetes.io/config.mirror"
_TOLERATION_SECONDS: Final = 300
_SYSTEM_PRIORITIES: Final = {
    "system-node-critical": 2_000_001_000,
    "system-cluster-critical": 2_000_000_000,
}


class PodStep(AdmissionStep):
    """A step that looks at Pods only; at new ones, or at changed ones too."""

    operations: ClassVar[tuple[Operation, ...]] = ("CREATE",)
    registry: Registry

    def connect(self, registry: Registry) -> None:
        """What the step reads is in the registry's store."""
        self.registry = registry
        self._listers: dict[str, Lister] = {}

    async def admit(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden."""
        if obj is None or ctx.resource.plural != "pods" or ctx.resource.group or ctx.subresource:
            return
        spec = obj.setdefault("spec", {})
        if old is None:
            await self.admit_pod(ctx, obj, spec)
        else:
            self.readmit(spec, old.get("spec") or {})

    async def admit_pod(self, ctx: RequestContext, pod: Object, spec: dict[str, Any]) -> None:
        """Change the new Pod, or refuse it. Raises Forbidden."""
        raise NotImplementedError

    def readmit(self, spec: dict[str, Any], old: Object) -> None:
        """Change the spec of a changed Pod."""

    async def find(self, group: str, plural: str, namespace: str, name: str) -> Object | None:
        """An object of any version of a kind; None also when the kind is not served."""
        return (await self._lister(group, plural)).get(namespace, name)

    async def all(self, group: str, plural: str) -> Sequence[Object]:
        """All objects of a kind; none when it is not served."""
        return (await self._lister(group, plural)).all()

    async def _lister(self, group: str, plural: str) -> Lister:
        lister = self._listers.get(plural)
        if lister is None:
            lister = self._listers[plural] = Lister(self.registry, group, plural)
        await lister.refresh()
        return lister


class ServiceAccounts(PodStep):
    """A Pod runs as a service account that exists, and gets its token and pull secrets."""

    plugin: ClassVar[str] = "ServiceAccount"

    async def admit_pod(self, ctx: RequestContext, pod: Object, spec: dict[str, Any]) -> None:
        """Raises Forbidden."""
        if _MIRROR in meta.annotations(pod):
            return
        name = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        account = await self.find("", "serviceaccounts", ctx.namespace, name)
        if account is None:
            raise refuse(ctx, meta.name(pod), f"error looking up service account {ctx.namespace}/"
                         f'{name}: serviceaccount "{name}" not found')
        if _automounts(spec, account):
            _mount_token(spec, self.registry)
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            spec["imagePullSecrets"] = [dict(each) for each in account["imagePullSecrets"]]


def _automounts(spec: dict[str, Any], account: Object) -> bool:
    own = spec.get("automountServiceAccountToken")
    if own is not None:
        return bool(own)
    return account.get("automountServiceAccountToken") is not False


def _mount_token(spec: dict[str, Any], registry: Registry) -> None:
    """Mount the token where no container has something of its own."""
    volumes = spec.get("volumes") or []
    name = next((each["name"] for each in volumes
                 if each["name"].startswith("kube-api-access-")), "")
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    bare = [each for each in containers
            if not _mounts(each, TOKEN_PATH)]
    if not bare:
        return
    if not name:
        name = meta.generate_name("kube-api-access-", registry.chance)
        spec["volumes"] = [*volumes, _token_volume(name)]
    mount = {"name": name, "readOnly": True, "mountPath": TOKEN_PATH}
    for container in bare:
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), dict(mount)]


def _mounts(container: Object, path: str) -> bool:
    return any(mount.get("mountPath") == path for mount in container.get("volumeMounts") or ())


def _token_volume(name: str) -> Object:
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    return {"name": name, "projected": {"defaultMode": _PROJECTED_MODE, "sources": [
        {"serviceAccountToken": {"expirationSeconds": _TOKEN_SECONDS, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt",
                       "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}}]}}


class Priority(PodStep):
    """A Pod's priority is that of its PriorityClass, else of the global default, else 0."""

    plugin: ClassVar[str] = "Priority"
    operations: ClassVar[tuple[Operation, ...]] = ("CREATE", "UPDATE")

    def readmit(self, spec: dict[str, Any], old: Object) -> None:
        """What the client leaves out stays as it was."""
        for field in ("priority", "preemptionPolicy"):
            if spec.get(field) is None and old.get(field) is not None:
                spec[field] = old[field]

    async def admit_pod(self, ctx: RequestContext, pod: Object, spec: dict[str, Any]) -> None:
        """Raises Forbidden."""
        name = spec.get("priorityClassName") or ""
        value, policy = 0, "PreemptLowerPriority"
        found = await self._class(name) if name else await self._default()
        if found is not None:
            spec["priorityClassName"] = meta.name(found)
            value, policy = found.get("value", 0), found.get("preemptionPolicy", policy)
        elif name in _SYSTEM_PRIORITIES:
            value = _SYSTEM_PRIORITIES[name]
        elif name:
            raise refuse(ctx, meta.name(pod), f"no PriorityClass with name {name} was found")
        if spec.get("priority") not in (None, value):
            raise refuse(ctx, meta.name(pod), "the integer value of priority"
                         f" ({spec['priority']}) must not be provided in pod spec; priority"
                         f" admission controller computed {value} from the given PriorityClass"
                         " name")
        if spec.get("preemptionPolicy") not in (None, policy):
            raise refuse(ctx, meta.name(pod), "the string value of PreemptionPolicy"
                         f" ({spec['preemptionPolicy']}) must not be provided in pod spec; priority"
                         f" admission controller computed {policy} from the given PriorityClass"
                         " name")
        spec["priority"], spec["preemptionPolicy"] = value, policy

    async def _class(self, name: str) -> Object | None:
        return await self.find("scheduling.k8s.io", "priorityclasses", "", name)

    async def _default(self) -> Object | None:
        """The global default; of several the one with the lowest value."""
        classes = [each for each in await self.all("scheduling.k8s.io", "priorityclasses")
                   if each.get("globalDefault")]
        return min(classes, key=lambda each: int(each.get("value", 0)), default=None)


class DefaultTolerations(PodStep):
    """A Pod tolerates a node that is not ready or unreachable for five minutes."""

    plugin: ClassVar[str] = "DefaultTolerationSeconds"
    operations: ClassVar[tuple[Operation, ...]] = ("CREATE", "UPDATE")

    async def admit_pod(self, ctx: RequestContext, pod: Object, spec: dict[str, Any]) -> None:
        """Adds what is missing."""
        self.readmit(spec, {})

    def readmit(self, spec: dict[str, Any], old: Object) -> None:
        """Adds what is missing."""
        tolerations = list(spec.get("tolerations") or ())
        for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
            if not any(_tolerates(each, key) for each in tolerations):
                tolerations.append({"key": key, "operator": "Exists", "effect": "NoExecute",
                                    "tolerationSeconds": _TOLERATION_SECONDS})
        spec["tolerations"] = tolerations


def _tolerates(toleration: Object, key: str) -> bool:
    return (toleration.get("key") or key) == key and (
        toleration.get("effect") or "NoExecute") == "NoExecute"
