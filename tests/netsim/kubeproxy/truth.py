"""What kube-proxy's recordings say, as values: scenarios, settings, the objects after each step."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml

from netsim.kubeproxy import (
    Balancing,
    Family,
    IptablesWriter,
    Mode,
    NftablesWriter,
    Node,
    Options,
    Proxier,
)
from netsim.netfilter.ruleset import Ruleset
from netsim.nft import Ruleset as NftRuleset
from tests.netsim.truth import FOLDER, kit, needs_truth

__all__ = [
    "FOLDER",
    "NODE",
    "Host",
    "cluster",
    "kit",
    "names",
    "needs_truth",
    "options",
    "scenario",
    "seen",
]

NODE = Node(name="minikube", zone="za", addresses=("10.211.55.120",))
"""Where rules/ was recorded the interfaces had no address of the other family."""


@cache
def cluster() -> dict[str, Any]:
    """cluster.yaml: what holds unless a scenario says otherwise."""
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / "cluster.yaml").read_text())
    return loaded


@cache
def scenario(kind: str, name: str) -> dict[str, Any]:
    """One scenario."""
    with (FOLDER / kind / f"{name}.yaml").open() as file:
        loaded: dict[str, Any] = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", None))
    return loaded


def names(kind: str) -> list[str]:
    """The scenarios of a kind."""
    return sorted(path.stem for path in (FOLDER / kind).glob("*.yaml"))


def options(proxy: dict[str, Any], **more: Any) -> Options:
    """kube-proxy's settings in a scenario."""
    config = {**cluster()["kube_proxy"], **proxy}
    detect = config.get("detectLocal", {})
    settings: dict[str, Any] = {
        "balancing": Balancing.RANDOM,
        "cluster_cidrs": tuple(c for c in config["clusterCIDR"].split(",") if c),
        "detect_local_mode": config["detectLocalMode"],
        "bridge_interface": detect.get("bridgeInterface", ""),
        "interface_name_prefix": detect.get("interfaceNamePrefix", ""),
        "masquerade_all": config["masqueradeAll"],
        "masquerade_bit": config["masqueradeBit"],
        "localhost_node_ports": config["localhostNodePorts"],
        "node_port_addresses": tuple(config["nodePortAddresses"]),
        "service_cidrs": tuple(cluster()["service_cidrs"]),
    }
    return Options(**{**settings, **more})


def seen(step: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Services and EndpointSlices after a step; slices that a controller made get a name."""
    service, endpoint_slice = cluster()["always_there"]
    slices = [
        {**s, "metadata": {"name": f"unnamed-{number}", **s["metadata"]}}
        for number, s in enumerate(step["seen"]["endpointslices"])
    ]
    return [*step["seen"]["services"], service], [*slices, endpoint_slice]


class Host:
    """A node with both kinds of rule sets, and a clock that tests turn."""

    def __init__(self, settings: Options, node: Node = NODE, family: Family = Family.IPV4) -> None:
        self.now = 1_000_000.0
        self.ruleset = Ruleset(4 if family is Family.IPV4 else 6)
        self.nft = NftRuleset()
        self.options, self.node, self.family = settings, node, family
        self.proxier = self.new_proxier()

    def new_proxier(self) -> Proxier:
        """kube-proxy, started on this node."""
        common = {"node": self.node, "options": self.options, "family": self.family}
        if self.options.mode is Mode.IPTABLES:
            return Proxier(IptablesWriter(self.ruleset, **common), **common)
        return Proxier(NftablesWriter(self.nft, lambda: self.now, **common), **common)
