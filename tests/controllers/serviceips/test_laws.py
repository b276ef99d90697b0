"""Whatever is written, rolled back or deleted: no value is held twice, and none is lost."""

from __future__ import annotations

import copy
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apiserver.machinery.errors import ApiError
from controllers.serviceips import ServiceAllocator

TYPES = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
POLICIES = ("SingleStack", "PreferDualStack", "RequireDualStack")
FATES = ("stored", "refused", "dry run")
wishes = st.fixed_dictionaries({
    "type": st.sampled_from(TYPES),
    "clusterIP": st.sampled_from(["", "", "None", "10.96.0.3", "10.96.0.4", "fd00:10:96::3"]),
    "ipFamilyPolicy": st.sampled_from([None, *POLICIES]),
    "externalTrafficPolicy": st.sampled_from(["Cluster", "Local"]),
    "nodePorts": st.lists(st.sampled_from([0, 0, 30001, 30002]), max_size=3),
})
RANGES = ("10.96.0.0/28", "fd00:10:96::/124")
steps = st.lists(st.tuples(st.integers(0, 3), st.one_of(st.none(), wishes),
                           st.sampled_from(FATES)), max_size=40)


def service(wish: dict[str, Any]) -> dict[str, Any]:
    ports = [{"name": f"p{i}", "port": 80 + i, "protocol": "TCP",
              **({"nodePort": port} if port else {})}
             for i, port in enumerate(wish["nodePorts"])]
    spec = {"type": wish["type"], "ports": ports, "selector": {"a": "b"},
            "externalTrafficPolicy": wish["externalTrafficPolicy"]}
    if wish["type"] != "ExternalName" and wish["clusterIP"]:
        spec["clusterIP"] = wish["clusterIP"]
    if wish["type"] != "ExternalName" and wish["ipFamilyPolicy"]:
        spec["ipFamilyPolicy"] = wish["ipFamilyPolicy"]
    return {"metadata": {"name": "s"}, "spec": spec}


def held(stored: dict[int, dict[str, Any]]) -> list[str | int]:
    """Every address and port that stored Services show."""
    values: list[str | int] = []
    for one in stored.values():
        spec = one["spec"]
        values += {ip for ip in spec.get("clusterIPs") or () if ip != "None"}
        values += {port["nodePort"] for port in spec["ports"] if port.get("nodePort")}
        if spec["type"] == "LoadBalancer" and spec["externalTrafficPolicy"] == "Local":
            values.append(spec["healthCheckNodePort"])
    return values


def families_fit(spec: dict[str, Any]) -> bool:
    """Whether each address is of its family, and there are as many families as the policy says."""
    if spec["type"] == "ExternalName":
        return not spec.keys() & {"clusterIPs", "ipFamilies", "ipFamilyPolicy"}
    families, wanted = spec["ipFamilies"], 1 if spec["ipFamilyPolicy"] == "SingleStack" else 2
    shown = ["IPv6" if ":" in ip else "IPv4" for ip in spec["clusterIPs"] if ip != "None"]
    return len(set(families)) == wanted and shown in ([], families)


def write(allocator: ServiceAllocator, stored: dict[int, dict[str, Any]], number: int,
          wish: dict[str, Any], fate: str) -> None:
    """One create or update through to its fate, as the registry does it."""
    fresh, old = service(wish), stored.get(number)
    if old is not None and old["spec"]["type"] != "ExternalName":
        fresh["spec"].pop("clusterIP", None)
    try:
        allocation = allocator.begin(fresh, copy.deepcopy(old), dry_run=fate == "dry run")
    except ApiError:
        return
    if allocation.errors or fate != "stored":
        allocation.rollback()
        return
    allocation.commit()
    spec = fresh["spec"]  # what the strategy drops when the type no longer has it
    if spec["type"] == "ExternalName":
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            spec.pop(name, None)
    if spec["type"] not in ("NodePort", "LoadBalancer"):
        for port in spec["ports"]:
            port.pop("nodePort", None)
    stored[number] = fresh


@given(steps)
def test_values_are_unique_and_come_back(
        sequence: list[tuple[int, dict[str, Any] | None, str]]) -> None:
    allocator = ServiceAllocator(random.Random(1), RANGES, (30000, 30015))
    stored: dict[int, dict[str, Any]] = {}
    for number, wish, fate in sequence:
        if wish is not None:
            write(allocator, stored, number, wish, fate)
        elif number in stored:
            allocator.release(stored.pop(number))
        values = held(stored)
        assert len(values) == len(set(values))
        assert all(families_fit(one["spec"]) for one in stored.values())
    taken = {value for one in (allocator._ports, *allocator._addresses.values())
             for value in one._held}
    assert len(taken) == len(held(stored))
    for one in stored.values():
        allocator.release(one)
    assert not allocator._ports._held
    assert not any(pool._held for pool in allocator._addresses.values())
