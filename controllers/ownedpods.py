"""From a Pod's change to the keys of what owns it: what all workload controllers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.machinery.meta import controller_ref, labels, namespace, namespaced_name, uid
from apiserver.machinery.selectors import from_label_selector
from controllers import pods

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apiserver.machinery.types import Object
    from controllers.informer import Informer


def owner_keys(owners: Informer, kind: str, old: Object | None,
               new: Object | None) -> Iterable[str]:
    """The owners (of a kind) before and after; of an orphan those that would adopt it."""
    keys: dict[str, None] = {}
    before = controller_ref(old) if old is not None else None
    after = controller_ref(new) if new is not None else None
    if old is not None and before is not None:
        keys |= dict.fromkeys(_owner(owners, kind, old, before))
    if new is not None and after is not None:
        keys |= dict.fromkeys(_owner(owners, kind, new, after))
    elif new is not None and (
            old is None or labels(old) != labels(new) or before is not None):
        keys |= dict.fromkeys(_adopters(owners, new))
    return keys


def _owner(owners: Informer, kind: str, pod: Object, ref: Object) -> Iterable[str]:
    if ref["kind"] != kind:
        return ()
    key = f"{namespace(pod)}/{ref['name']}"
    owner = owners.get(key)
    return (key,) if owner is not None and uid(owner) == ref["uid"] else ()


def _adopters(owners: Informer, pod: Object) -> Iterable[str]:
    return [namespaced_name(owner) for owner in owners.in_namespace(namespace(pod))
            if from_label_selector(pods.spec(owner).get("selector")).matches(labels(pod))]
