"""The RBAC authorizer over a registry's store: roles and bindings follow its watches.

    start: list all four kinds · watch: keep them · ask: index of subjects -> rules, remembered

A question of a user that was asked before costs no look at any binding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.authorization.attributes import Decision, forbidden
from apiserver.authorization.node import NodeAuthorizer, node_of
from apiserver.authorization.rbac import Authorizer
from apiserver.machinery import meta
from apiserver.storage.keys import collection_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from apiserver.authorization.attributes import Attributes
    from apiserver.authorization.rbac import Granted
    from apiserver.context import User
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry
    from apiserver.storage.store import StoreWatch

_GROUP: Final = "rbac.authorization.k8s.io"
_KINDS: Final = ("roles", "rolebindings", "clusterroles", "clusterrolebindings")
_REMEMBERED: Final = 2000
"""How many users' rules are remembered (a user counts once a namespace)."""


class StoredPolicy:
    """The objects of the four kinds, by key. Implements `rbac.Lister`."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._prefixes: dict[str, str] = {}
        self._objects: dict[str, dict[str, Object]] = {kind: {} for kind in _KINDS}
        self._in_namespace: dict[str, list[Object]] | None = None

    async def start(self, registry: Registry) -> None:
        """Read everything, and follow the changes from then on."""
        for kind in _KINDS:
            resource = registry.catalog.find(_GROUP, "v1", kind)
            assert resource is not None, f"{kind} are built in"
            prefix = self._prefixes[kind] = collection_prefix(resource)
            page = await registry.store.list(prefix)
            self._objects[kind] = {each.key: each.object for each in page.versions}
            watch = registry.store.watch(prefix, page.revision)
            watch.on_event(self._follow(kind, watch))

    def _follow(self, kind: str, watch: StoreWatch) -> Callable[[], None]:
        def apply() -> None:
            for change in watch.poll():
                version = change.version
                if version.value is None:
                    self._objects[kind].pop(version.key, None)
                else:
                    self._objects[kind][version.key] = version.value
            self._in_namespace = None
            self._changed()
        return apply

    def role(self, namespace: str, name: str) -> Object | None:
        """A Role."""
        return self._find("roles", f"{namespace}/{name}")

    def cluster_role(self, name: str) -> Object | None:
        """A ClusterRole."""
        return self._find("clusterroles", name)

    def _find(self, kind: str, path: str) -> Object | None:
        return self._objects[kind].get(self._prefixes.get(kind, "") + path)

    def role_bindings(self, namespace: str) -> Iterable[Object]:
        """The RoleBindings of a namespace."""
        if self._in_namespace is None:
            self._in_namespace = {}
            for binding in self._objects["rolebindings"].values():
                self._in_namespace.setdefault(meta.namespace(binding), []).append(binding)
        return self._in_namespace.get(namespace, ())

    def cluster_role_bindings(self) -> Iterable[Object]:
        """All ClusterRoleBindings."""
        return self._objects["clusterrolebindings"].values()


class StoredAuthorizer(Authorizer):
    """Node, then RBAC, over a store; remembers what each user was granted until roles or bindings
    change.
    """

    def __init__(self) -> None:
        self._policy = StoredPolicy(self._forget)
        super().__init__(self._policy)
        self._granted: dict[tuple[str, tuple[str, ...], str], Granted] = {}
        self._nodes: NodeAuthorizer | None = None

    async def start(self, registry: Registry) -> None:
        """Read the policy, and let the registry's access reviews ask it."""
        await self._policy.start(registry)
        self._nodes = NodeAuthorizer(registry)
        registry.decide = self.decide
        registry.rules = self.rules_for
        registry.rules_problem = self.problem_for

    async def authorize(self, attributes: Attributes) -> None:
        """Return for what is allowed. Raises Forbidden."""
        decision = self.decide(attributes)
        if not decision.allowed:
            raise forbidden(attributes, decision.reason)

    def decide(self, attributes: Attributes) -> Decision:
        """What the first authorizer says that allows it; else the reasons of all."""
        node = node_of(attributes.user)
        if not node or self._nodes is None:
            return super().decide(attributes)
        own = self._nodes.decide(node, attributes)
        if own.allowed:
            return own
        rbac = super().decide(attributes)
        if rbac.allowed:
            return rbac
        return Decision(False, "\n".join(filter(None, (own.reason, rbac.reason))))

    def granted(self, user: User, namespace: str) -> Granted:
        """What a user may do in a namespace, from memory where nothing has changed."""
        key = (user.name, user.groups, namespace)
        known = self._granted.get(key)
        if known is None:
            if len(self._granted) >= _REMEMBERED:
                self._granted.clear()
            known = self._granted[key] = super().granted(user, namespace)
        return known

    def _forget(self) -> None:
        self._granted.clear()
