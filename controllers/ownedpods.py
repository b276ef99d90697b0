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
    for pod in (old, new):
        ref = controller_ref(pod) if pod is not None else None
        if pod is not None and ref is not None:
            keys |= dict.fromkeys(_owner(owners, kind, pod, ref))
    if new is not None and controller_ref(new) is None and (
            old is None or labels(old) != labels(new) or controller_ref(old) is not None):
        keys |= dict.fromkeys(_adopters(owners, new))
    return keys


def _owner(owners: Informer, kind: str, pod: Object, ref: Object) -> Iterable[str]:
    key = f"{namespace(pod)}/{ref['name']}"
    owner = owners.get(key)
    known = owner is not None and uid(owner) == ref["uid"]
    return (key,) if ref["kind"] == kind and known else ()


def _adopters(owners: Informer, pod: Object) -> Iterable[str]:
    return [namespaced_name(owner) for owner in owners.in_namespace(namespace(pod))
            if from_label_selector(pods.spec(owner).get("selector")).matches(labels(pod))]
