"""Which names of a CRD are accepted, and its conditions. Models apiextensions' controller/status
and controller/establish.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from apiserver.machinery.types import Object

ESTABLISHED: Final = "Established"
NAMES_ACCEPTED: Final = "NamesAccepted"
TERMINATING: Final = "Terminating"
APPROVED: Final = "KubernetesAPIApprovalPolicyConformant"
APPROVAL: Final = "api-approved.kubernetes.io"
_RESOURCE_NAMES: Final = (("plural", "PluralConflict"), ("singular", "SingularConflict"))
_KIND_NAMES: Final = (("kind", "KindConflict"), ("listKind", "ListKindConflict"))


def condition(obj: Object, type_: str) -> Object:
    """A condition of a CRD; {} where it has none."""
    found = (obj.get("status") or {}).get("conditions") or ()
    return next((each for each in found if each["type"] == type_), {})


def is_true(obj: Object, type_: str) -> bool:
    """Whether a condition holds."""
    return condition(obj, type_).get("status") == "True"


def with_condition(conditions: Sequence[Object], new: Object, now: float) -> list[Object]:
    """The conditions with one set; its time moves only when its status does."""
    old = next((each for each in conditions if each["type"] == new["type"]), None)
    same = old is not None and old["status"] == new["status"]
    time = old["lastTransitionTime"] if old and same else rfc3339(now)
    made = {"type": new["type"], "status": new["status"], "lastTransitionTime": time,
            "reason": new["reason"], "message": new["message"]}
    if old is None:
        return [*conditions, made]
    return [made if each is old else each for each in conditions]


def status_of(crd: Object, others: Iterable[Object], now: float) -> Object:
    """The CRD's status with names and conditions brought up to date."""
    status = dict(crd.get("status") or {})
    accepted, naming = accepted_names(crd, others)
    conditions = with_condition(status.get("conditions") or (), naming, now)
    if not is_true(crd, ESTABLISHED):
        good = naming["status"] == "True"
        conditions = with_condition(conditions, {
            "type": ESTABLISHED, "status": "True" if good else "False",
            "reason": "InitialNamesAccepted" if good else "NotAccepted",
            "message": "the initial names have been accepted" if good else
            "not all names are accepted"}, now)
    if (approval := _approval(crd)) is not None:
        conditions = with_condition(conditions, approval, now)
    return {**status, "acceptedNames": accepted, "conditions": conditions}


def accepted_names(crd: Object, others: Iterable[Object]) -> tuple[Object, Object]:
    """The names that others in the group leave free, and the condition NamesAccepted."""
    wanted = crd["spec"]["names"]
    now = (crd.get("status") or {}).get("acceptedNames") or {}
    resources, kinds = _taken(others)
    names: dict[str, Any] = {key: value for key, value in now.items() if value}
    conflict = ("", "")
    for field, reason in _RESOURCE_NAMES:
        conflict = _accept(names, field, wanted, resources, reason) or conflict
    conflict = _accept_short(names, wanted, now, resources) or conflict
    for field, reason in _KIND_NAMES:
        conflict = _accept(names, field, wanted, kinds, reason) or conflict
    names.pop("categories", None)
    if wanted.get("categories"):
        names["categories"] = list(wanted["categories"])
    names = {"plural": "", "kind": "", **names}
    reason, message = conflict if conflict[0] else ("NoConflicts", "no conflicts found")
    return names, {"type": NAMES_ACCEPTED, "status": "False" if conflict[0] else "True",
                   "reason": reason, "message": message}


def _taken(others: Iterable[Object]) -> tuple[set[str], set[str]]:
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        names = (other.get("status") or {}).get("acceptedNames") or {}
        resources |= {names.get("plural", ""), names.get("singular", ""),
                      *(names.get("shortNames") or ())}
        kinds |= {names.get("kind", ""), names.get("listKind", "")}
    return resources - {""}, kinds - {""}


def _accept(names: dict[str, Any], field: str, wanted: Object, taken: set[str],
            reason: str) -> tuple[str, str] | None:
    name = wanted.get(field) or ""
    if name and name != names.get(field) and name in taken:
        return reason, f'"{name}" is already in use'
    if name:
        names[field] = name
    return None


def _accept_short(names: dict[str, Any], wanted: Object, now: Object,
                  taken: set[str]) -> tuple[str, str] | None:
    short = list(wanted.get("shortNames") or ())
    mine = set(now.get("shortNames") or ())
    used = [f'"{name}" is already in use' for name in short if name not in mine and name in taken]
    if used:
        return "ShortNamesConflict", used[0] if len(used) == 1 else f"[{', '.join(used)}]"
    names.pop("shortNames", None)
    if short:
        names["shortNames"] = short
    return None


def is_protected(group: str) -> bool:
    """Whether a group belongs to Kubernetes, so that kinds in it need approval."""
    return any(group == own or group.endswith(f".{own}") for own in ("k8s.io", "kubernetes.io"))


def _approval(crd: Object) -> Object | None:
    if not is_protected(crd["spec"]["group"]):
        return None
    value = (crd["metadata"].get("annotations") or {}).get(APPROVAL, "")
    approved = value.startswith("http")
    return {"type": APPROVED, "status": "True" if approved else "False",
            "reason": "ApprovedAnnotation" if approved else "UnapprovedAnnotation",
            "message": f"approved in {value}" if approved else
            f'not approved: "{value}"' if value else "missing annotation"}
