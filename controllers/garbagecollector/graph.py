"""Who owns whom. Models garbagecollector/{graph,graph_builder}.go.

A node for every object; an owner that is only known from a reference is a virtual node, until it is
seen or a live look says that it does not exist. The graph tells what needs attention through two
callbacks: `delete` (maybe to be deleted) and `orphan` (dependents to be let go).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from apiserver.machinery import meta

if TYPE_CHECKING:
    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import Object

ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"

Attention = Callable[[str], None]


@dataclass(slots=True, eq=False)
class Node:
    """An object in the graph."""

    uid: str
    api_version: str
    kind: str
    name: str
    namespace: str
    resource: GVR | None = None
    """None: virtual, its resource is to be found by kind."""
    owners: list[Object] = field(default_factory=list)
    dependents: dict[str, Node] = field(default_factory=dict)
    being_deleted: bool = False
    deleting_dependents: bool = False

    def blocking_dependents(self) -> list[Node]:
        """Dependents that its foreground deletion waits for."""
        return [node for node in self.dependents.values()
                if any(ref.get("uid") == self.uid and ref.get("blockOwnerDeletion")
                       for ref in node.owners)]


def _starts(old: Object | None, new: Object, finalizer: str) -> bool:
    """Whether `new` is the first sight of a deletion that waits for this finalizer."""
    if not _waits(new, finalizer):
        return False
    return old is None or not _waits(old, finalizer)


def _waits(obj: Object, finalizer: str) -> bool:
    return meta.is_terminating(obj) and finalizer in meta.finalizers(obj)


class Graph:
    """All objects and their ownerReferences."""

    def __init__(self, delete: Attention, orphan: Attention) -> None:
        self.nodes: dict[str, Node] = {}
        self._delete = delete
        self._orphan = orphan

    def observe(self, resource: GVR, old: Object | None, new: Object | None) -> None:
        """Take in a watch event."""
        if new is None:
            assert old is not None
            self.remove(meta.uid(old))
            return
        if old is not None and _untouched(old, new):
            return
        node = self._node(resource, new)
        owners = list(meta.owner_references(new))
        if owners or node.owners:
            self._update_owners(node, owners)
        node.being_deleted = meta.is_terminating(new)
        self._transition(node, old, new)

    def remove(self, uid: str) -> None:
        """The object does not exist (any more)."""
        node = self.nodes.pop(uid, None)
        if node is None:
            return
        for dependent in node.dependents:
            self._delete(dependent)
        for ref in node.owners:
            owner = self.nodes.get(ref.get("uid", ""))
            if owner is not None:
                owner.dependents.pop(uid, None)
                self._prune(owner)
                if owner.deleting_dependents:
                    self._delete(owner.uid)

    def forget(self, resource: GVR) -> None:
        """The resource is no longer served: its objects are out of the graph, without
        consequences."""
        for node in [one for one in self.nodes.values() if one.resource == resource]:
            del self.nodes[node.uid]
            for ref in node.owners:
                if (owner := self.nodes.get(ref.get("uid", ""))) is not None:
                    owner.dependents.pop(node.uid, None)

    def _node(self, resource: GVR, obj: Object) -> Node:
        uid = meta.uid(obj)
        node = self.nodes.get(uid)
        if node is None:
            node = self.nodes[uid] = Node(
                uid, resource.api_version, obj.get("kind", ""), meta.name(obj),
                meta.namespace(obj), resource)
        elif node.resource is None:
            node.resource, node.name, node.namespace = resource, meta.name(obj), meta.namespace(obj)
            node.api_version, node.kind = resource.api_version, obj.get("kind", "")
            self._recheck_dependents(node)
        return node

    def _recheck_dependents(self, node: Node) -> None:
        """A virtual owner has become real: look again at dependents that meant another object."""
        for dependent in node.dependents.values():
            if node.namespace and dependent.namespace != node.namespace:
                self._delete(dependent.uid)

    def _update_owners(self, node: Node, owners: list[Object]) -> None:
        before = {ref["uid"]: ref for ref in node.owners}
        after = {ref["uid"]: ref for ref in owners}
        node.owners = owners
        for uid, ref in before.items():
            if uid not in after or _unblocked(ref, after[uid]):
                self._wake_foreground(uid)
            if uid not in after and (owner := self.nodes.get(uid)) is not None:
                owner.dependents.pop(node.uid, None)
                self._prune(owner)
        for uid, ref in after.items():
            if uid not in before:
                self._add_dependent(node, ref)

    def _add_dependent(self, node: Node, ref: Object) -> None:
        owner = self.nodes.get(ref["uid"])
        if owner is None:
            owner = self.nodes[ref["uid"]] = Node(
                ref["uid"], ref["apiVersion"], ref["kind"], ref["name"], node.namespace)
            self._delete(owner.uid)
        elif owner.resource is not None and not _describes(ref, owner, node):
            self._delete(node.uid)
        owner.dependents[node.uid] = node
        if owner.deleting_dependents:
            self._delete(node.uid)

    def _transition(self, node: Node, old: Object | None, new: Object) -> None:
        if node.being_deleted and _starts(old, new, ORPHAN):
            self._orphan(node.uid)
        if node.being_deleted and _starts(old, new, FOREGROUND):
            node.deleting_dependents = True
            for dependent in node.dependents:
                self._delete(dependent)
            self._delete(node.uid)
        elif node.owners and old is None:
            self._check_virtual_owners(node)

    def _check_virtual_owners(self, node: Node) -> None:
        """First sight of a dependent whose owner nobody has seen: let the owner be looked up."""
        for ref in node.owners:
            owner = self.nodes.get(ref["uid"])
            if owner is not None and owner.resource is None:
                self._delete(owner.uid)

    def _wake_foreground(self, uid: str) -> None:
        owner = self.nodes.get(uid)
        if owner is not None and owner.deleting_dependents:
            self._delete(uid)

    def _prune(self, node: Node) -> None:
        if node.resource is None and not node.dependents:
            self.nodes.pop(node.uid, None)


def _untouched(old: Object, new: Object) -> bool:
    """Whether nothing changed that the graph knows: most events end here."""
    before, after = meta.metadata(old), meta.metadata(new)
    return (before.get("ownerReferences") == after.get("ownerReferences")
            and before.get("deletionTimestamp") == after.get("deletionTimestamp")
            and before.get("finalizers") == after.get("finalizers"))


def _unblocked(before: Object, after: Object) -> bool:
    return bool(before.get("blockOwnerDeletion")) and not after.get("blockOwnerDeletion")


def _describes(ref: Object, owner: Node, dependent: Node) -> bool:
    """Whether a reference names the object that has its uid, in a place where it can be an
    owner."""
    same = (ref["kind"], ref["name"]) == (owner.kind, owner.name)
    return same and (not owner.namespace or owner.namespace == dependent.namespace)
