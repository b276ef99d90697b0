"""Random Services, EndpointSlices and changes of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = ("a", "b", "c")
NODES = ("minikube", "minikube-m02", None)
PORTS = (("", 80, "TCP"), ("http", 80, "TCP"), ("dns", 53, "UDP"), ("dns-tcp", 53, "TCP"))
conditions = st.fixed_dictionaries(
    {},
    optional={
        "ready": st.booleans(),
        "serving": st.booleans(),
        "terminating": st.booleans(),
    },
)


@st.composite
def services(draw: st.DrawFn) -> dict[str, Any]:
    """A Service; its address and node ports follow from its name, as they are its own."""
    name = draw(st.sampled_from(NAMES))
    number = NAMES.index(name) + 1
    kind = draw(st.sampled_from(("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")))
    chosen = draw(st.lists(st.sampled_from(PORTS), min_size=1, max_size=3, unique=True))
    ports: list[dict[str, Any]] = [{"name": n, "port": p, "protocol": t} for n, p, t in chosen]
    spec: dict[str, Any] = {
        "type": kind,
        "clusterIP": draw(st.sampled_from((f"10.96.0.{number}", f"10.96.1.{number}", "None"))),
        "sessionAffinity": draw(st.sampled_from(("None", "ClientIP"))),
        "internalTrafficPolicy": draw(st.sampled_from(("Cluster", "Local"))),
        "externalTrafficPolicy": draw(st.sampled_from(("Cluster", "Local"))),
        "externalIPs": draw(st.lists(st.just("198.51.100.1"), max_size=1)),
        "ports": ports,
    }
    status: dict[str, Any] = {}
    if kind in ("NodePort", "LoadBalancer"):
        for index, port in enumerate(ports):
            port["nodePort"] = 30000 + 10 * number + index
    if kind == "LoadBalancer":
        spec["loadBalancerSourceRanges"] = draw(st.lists(st.just("10.0.0.0/8"), max_size=1))
        spec["healthCheckNodePort"] = 32000 + number
        ingress = draw(st.lists(st.just({"ip": f"203.0.113.{number}"}), max_size=1))
        status = {"loadBalancer": {"ingress": ingress}}
    metadata = {"name": name, "namespace": "default"}
    return {"metadata": metadata, "spec": spec, "status": status}


@st.composite
def slices(draw: st.DrawFn) -> dict[str, Any]:
    """An EndpointSlice of one of the Services; a Service may have two."""
    owner, half = draw(st.sampled_from(NAMES)), draw(st.sampled_from(("1", "2")))
    addresses = draw(st.lists(st.integers(6, 9), max_size=4, unique=True))
    ports = draw(st.lists(st.sampled_from(PORTS), min_size=1, max_size=2, unique=True))
    return {
        "metadata": {
            "name": f"{owner}-{half}",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": owner},
        },
        "addressType": "IPv4",
        "ports": [{"name": n, "port": p + 8000, "protocol": t} for n, p, t in ports],
        "endpoints": [
            {
                "addresses": [f"172.17.0.{address}"],
                "nodeName": draw(st.sampled_from(NODES)),
                "conditions": draw(conditions),
            }
            for address in addresses
        ],
    }


changes = st.one_of(
    st.tuples(st.just("apply_service"), services()),
    st.tuples(st.just("apply_slice"), slices()),
    st.tuples(st.just("remove_service"), st.sampled_from([("default", n) for n in NAMES])),
    st.tuples(
        st.just("remove_slice"),
        st.sampled_from([("default", f"{n}-{half}") for n in NAMES for half in "12"]),
    ),
    st.tuples(st.just("sync"), st.none()),
)
histories = st.lists(changes, max_size=14)
