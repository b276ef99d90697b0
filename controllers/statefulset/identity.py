"""What Pod N of a StatefulSet is. Models statefulset/stateful_set_utils.go, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery import meta
from controllers import pods
from controllers.history import HASH_LABEL

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

NAME_LABEL: Final = "statefulset.kubernetes.io/pod-name"
INDEX_LABEL: Final = "apps.kubernetes.io/pod-index"


def replicas(owner: Object) -> int:
    """`spec.replicas`, 1 when unset."""
    wanted = pods.spec(owner).get("replicas")
    return 1 if wanted is None else int(wanted)


def first_ordinal(owner: Object) -> int:
    """`spec.ordinals.start`."""
    return int((pods.spec(owner).get("ordinals") or {}).get("start") or 0)


def ordinals(owner: Object) -> range:
    """The numbers of the Pods that there should be."""
    return range(first_ordinal(owner), first_ordinal(owner) + replicas(owner))


def ordinal_of(pod: Object, owner: Object) -> int:
    """A Pod's number in the set; -1 when its name is not one of the set's."""
    parent, _, number = meta.name(pod).rpartition("-")
    known = parent == meta.name(owner) and number.isascii() and number.isdigit()
    return int(number) if known else -1


def is_ordered(owner: Object) -> bool:
    """Whether Pods come and go one by one (podManagementPolicy OrderedReady)."""
    return bool(pods.spec(owner).get("podManagementPolicy", "OrderedReady") != "Parallel")


def partition(owner: Object) -> int | None:
    """The ordinal below which a rolling update leaves Pods alone; None when not given."""
    rolling = (pods.spec(owner).get("updateStrategy") or {}).get("rollingUpdate") or {}
    found: int | None = rolling.get("partition")
    return found


def revision_of(pod: Object) -> str:
    """The name of the revision that a Pod was made from."""
    return str(meta.labels(pod).get(HASH_LABEL, ""))


def is_running_and_ready(pod: Object) -> bool:
    """Running and ready."""
    return pods.phase(pod) == "Running" and pods.is_ready(pod)


def is_healthy(pod: Object) -> bool:
    """Running, ready and not terminating."""
    return is_running_and_ready(pod) and not meta.is_terminating(pod)


def build_pod(owner: Object, template: Object, ordinal: int, revision: str) -> Object:
    """Pod `ordinal`, as the template of `revision` makes it."""
    pod = pods.from_template(template, owner)
    own = f"{meta.name(owner)}-{ordinal}"
    labels = {**meta.labels(pod), NAME_LABEL: own, INDEX_LABEL: str(ordinal), HASH_LABEL: revision}
    pod["metadata"] = {**pod["metadata"], "name": own, "labels": labels}
    spec: dict[str, Any] = {**pod["spec"], "hostname": own}
    if pods.spec(owner).get("serviceName"):
        spec["subdomain"] = owner["spec"]["serviceName"]
    claims = [{"name": meta.name(one), "persistentVolumeClaim": {
        "claimName": claim_name(one, owner, ordinal)}} for one in _claim_templates(owner)]
    named = {one["name"] for one in claims}
    volumes = [*claims, *(one for one in spec.get("volumes") or () if one["name"] not in named)]
    if volumes:
        spec["volumes"] = volumes
    return {**pod, "spec": spec}


def _claim_templates(owner: Object) -> list[Object]:
    return list(pods.spec(owner).get("volumeClaimTemplates") or ())


def claim_name(claim: Object, owner: Object, ordinal: int) -> str:
    """`data-web-0`."""
    return f"{meta.name(claim)}-{meta.name(owner)}-{ordinal}"


def build_claims(owner: Object, ordinal: int) -> list[Object]:
    """The PersistentVolumeClaims of Pod `ordinal`; the set does not own them by default."""
    labels = (pods.spec(owner).get("selector") or {}).get("matchLabels") or {}
    return [{
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {**(one.get("metadata") or {}), "name": claim_name(one, owner, ordinal),
                     "namespace": meta.namespace(owner),
                     "labels": {**meta.labels(one), **labels}},
        "spec": one.get("spec") or {}} for one in _claim_templates(owner)]
