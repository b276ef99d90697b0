"""A Deployment's ReplicaSets: names, hashes, revisions, annotations, order. Models deployment/util,
pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery import meta
from controllers import pods
from controllers.deployment.sizes import DESIRED, MAXIMUM, max_surge, replicas

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object

HASH_LABEL: Final = "pod-template-hash"
REVISION: Final = "deployment.kubernetes.io/revision"
HISTORY: Final = "deployment.kubernetes.io/revision-history"
HISTORY_CHARACTERS: Final = 2000
_NOT_COPIED: Final = frozenset({
    "kubectl.kubernetes.io/last-applied-configuration", REVISION, HISTORY, DESIRED, MAXIMUM,
    "deprecated.deployment.rollback.to"})


def template_hash(template: Object, collisions: int | None) -> str:
    """The value of `pod-template-hash`: FNV-1a of the template, written in letters that spell no
    words.

    The form is upstream's (`controller.ComputeHash`); the number is not, since upstream hashes a
    Go dump.
    """
    data = json.dumps(template, sort_keys=True, separators=(",", ":")).encode()
    if collisions is not None:
        data += collisions.to_bytes(8, "little")
    return safe_encode(str(fnv32a(data)))


def fnv32a(data: bytes) -> int:
    """The 32-bit FNV-1a hash."""
    value = 0x811C9DC5
    for byte in data:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def safe_encode(text: str) -> str:
    """Each character as one of 27 that make no words (`rand.SafeEncodeString`)."""
    return "".join(meta.NAME_CHARACTERS[ord(char) % len(meta.NAME_CHARACTERS)] for char in text)


def same_template(one: Object, other: Object) -> bool:
    """Whether two templates are equal but for the hash label (`EqualIgnoreHash`)."""
    return _without_hash(one) == _without_hash(other)


def _without_hash(template: Object) -> Object:
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {k: v for k, v in meta.labels(template).items() if k != HASH_LABEL}
    return {**template, "metadata": metadata}


def by_age(sets: Iterable[Object]) -> list[Object]:
    """Oldest first, then by name."""
    return sorted(sets, key=lambda rs: (_created(rs), meta.name(rs)))


def _created(rs: Object) -> str:
    return meta.metadata(rs).get("creationTimestamp") or ""


def by_size(sets: Iterable[Object], *, newer_first: bool) -> list[Object]:
    """Biggest first; of equals the newer (or the older)."""
    aged = by_age(sets)
    if newer_first:
        aged.reverse()
    return sorted(aged, key=lambda rs: -replicas(rs))


def revision(obj: Object) -> int:
    """The revision annotation's number, 0 when it has none."""
    text = meta.annotations(obj).get(REVISION, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def find_new(deployment: Object, sets: Iterable[Object]) -> Object | None:
    """The oldest ReplicaSet that has the Deployment's template."""
    template = deployment["spec"]["template"]
    same = (rs for rs in by_age(sets) if same_template(rs["spec"]["template"], template))
    return next(same, None)


def active(sets: Iterable[Object | None]) -> list[Object]:
    """Those that want replicas."""
    return [rs for rs in sets if rs is not None and replicas(rs) > 0]


def replica_annotations(deployment: Object) -> dict[str, str]:
    """What a ReplicaSet remembers of its Deployment's size."""
    wanted = replicas(deployment)
    return {DESIRED: str(wanted), MAXIMUM: str(wanted + max_surge(deployment))}


def new_annotations(deployment: Object, current: Mapping[str, str], number: int) -> dict[str, str]:
    """The annotations of the new ReplicaSet, which becomes revision `number` unless it is a later
    one (`SetNewReplicaSetAnnotations`)."""
    copied = {key: value for key, value in meta.annotations(deployment).items()
              if key not in _NOT_COPIED}
    fresh = {**current, **copied}
    before = current.get(REVISION)
    if before is not None and not (before.isascii() and before.isdigit()):
        return fresh
    if int(before or 0) >= number:
        return fresh
    fresh[REVISION] = str(number)
    if before is not None:
        fresh[HISTORY] = _history(current.get(HISTORY, ""), before)
    return fresh


def _history(known: str, before: str) -> str:
    """The list of former revisions with one more, the oldest dropped when it grows too long."""
    numbers = [*(number for number in known.split(",") if number), before]
    while len(",".join(numbers)) > HISTORY_CHARACTERS:
        numbers.pop(0)
    return ",".join(numbers)


def build(deployment: Object, number: int) -> Object:
    """The ReplicaSet of the Deployment's template, with no replicas yet."""
    spec = deployment["spec"]
    digest = template_hash(spec["template"], pods.status(deployment).get("collisionCount"))
    template = spec["template"]
    labels = {**meta.labels(template), HASH_LABEL: digest}
    selector = spec["selector"]
    metadata: dict[str, Any] = {
        "name": f"{meta.name(deployment)[:253 - len(digest) - 1]}-{digest}",
        "namespace": meta.namespace(deployment),
        "labels": labels,
        "annotations": {**new_annotations(deployment, {}, number),
                        **replica_annotations(deployment)},
        "ownerReferences": [meta.new_controller_ref(deployment)],
    }
    body: dict[str, Any] = {
        "replicas": 0,
        "selector": {**selector, "matchLabels": {**(selector.get("matchLabels") or {}),
                                                 HASH_LABEL: digest}},
        "template": {**template, "metadata": {**(template.get("metadata") or {}),
                                              "labels": labels}},
    }
    if spec.get("minReadySeconds"):
        body["minReadySeconds"] = spec["minReadySeconds"]
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": body}
