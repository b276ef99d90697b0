"""Reading and building `metadata`. Models apimachinery/pkg/api/meta and apis/meta/v1.

Readers never raise on what is missing and never change the object; what they return is shared.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

from apiserver.machinery.types import Object

NAME_CHARACTERS: Final = "bcdfghjklmnpqrstvwxz2456789"
"""What generated suffixes are made of (apimachinery/pkg/util/rand)."""
MAX_GENERATED_PREFIX: Final = 58
"""Longest part of generateName that is kept: 63 less the suffix of 5."""
_NOTHING: Final[Mapping[str, Any]] = {}


def metadata(obj: Object) -> Mapping[str, Any]:
    """`metadata`, empty when it is missing."""
    return obj.get("metadata") or _NOTHING


def name(obj: Object) -> str:
    """`metadata.name`, '' when unset."""
    return metadata(obj).get("name") or ""


def namespace(obj: Object) -> str:
    """`metadata.namespace`, '' when unset or cluster-scoped."""
    return metadata(obj).get("namespace") or ""


def uid(obj: Object) -> str:
    """`metadata.uid`, '' when unset."""
    return metadata(obj).get("uid") or ""


def resource_version(obj: Object) -> str:
    """`metadata.resourceVersion`, '' when unset."""
    return metadata(obj).get("resourceVersion") or ""


def generation(obj: Object) -> int:
    """`metadata.generation`, 0 when unset."""
    return metadata(obj).get("generation") or 0


def labels(obj: Object) -> Mapping[str, str]:
    """`metadata.labels`, maybe empty."""
    return metadata(obj).get("labels") or _NOTHING


def annotations(obj: Object) -> Mapping[str, str]:
    """`metadata.annotations`, maybe empty."""
    return metadata(obj).get("annotations") or _NOTHING


def finalizers(obj: Object) -> Sequence[str]:
    """`metadata.finalizers`, maybe empty."""
    return metadata(obj).get("finalizers") or ()


def owner_references(obj: Object) -> Sequence[Object]:
    """`metadata.ownerReferences`, maybe empty."""
    return metadata(obj).get("ownerReferences") or ()


def controller_ref(obj: Object) -> Object | None:
    """The owner that controls the object (`metav1.GetControllerOf`)."""
    for ref in owner_references(obj):
        if ref.get("controller"):
            return ref
    return None


def is_controlled_by(obj: Object, owner: Object) -> bool:
    """Whether `owner` is the object's controller, by uid."""
    ref = controller_ref(obj)
    return ref is not None and ref.get("uid") == uid(owner)


def is_terminating(obj: Object) -> bool:
    """Whether `metadata.deletionTimestamp` is set."""
    return bool(metadata(obj).get("deletionTimestamp"))


def new_controller_ref(owner: Object) -> Object:
    """The ownerReference of what `owner` creates and controls (`metav1.NewControllerRef`)."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name(owner),
        "uid": uid(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def namespaced_name(obj: Object) -> str:
    """`default/web`, or `minikube` for a cluster-scoped object: the key of caches and queues."""
    place = namespace(obj)
    return f"{place}/{name(obj)}" if place else name(obj)


def split_key(key: str) -> tuple[str, str]:
    """(namespace, name) of a key; the namespace of a cluster-scoped one is ''."""
    place, _, own = key.rpartition("/")
    return place, own


def with_metadata(obj: Object, **changes: Any) -> Object:
    """A copy whose metadata has these fields set; a value of None removes the field."""
    fresh = {**metadata(obj), **changes}
    return {**obj, "metadata": {k: v for k, v in fresh.items() if v is not None}}


def generate_name(base: str, chance: random.Random) -> str:
    """`base` and five random characters (names.SimpleNameGenerator)."""
    return base[:MAX_GENERATED_PREFIX] + random_suffix(chance, 5)


def random_suffix(chance: random.Random, length: int) -> str:
    """Characters that spell no words and no look-alikes (`rand.String`)."""
    return "".join(chance.choices(NAME_CHARACTERS, k=length))


def new_uid(chance: random.Random) -> str:
    """A version 4 UUID from the cluster's chance."""
    bits = f"{chance.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62) | (4 << 76) | (2 << 62):032x}"
    return f"{bits[:8]}-{bits[8:12]}-{bits[12:16]}-{bits[16:20]}-{bits[20:]}"
