"""How long kube-proxy's sync takes for one change among many Services, and what a Service weighs.

    python benchmarks/kubeproxy.py [--services 10,100,1000,10000] [--mode iptables|nftables]

Times are of the processor. That of one change should not grow with the number of Services.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
import tracemalloc
from typing import Any

from netsim.kubeproxy import Family, IptablesWriter, Mode, NftablesWriter, Node, Options, Proxier
from netsim.netfilter.ruleset import Ruleset
from netsim.nft import Ruleset as NftRuleset

NODE = Node(name="minikube", addresses=("10.211.55.120",))
CHANGES = 50


def new_proxier(mode: Mode) -> Proxier:
    """kube-proxy over an empty rule set."""
    options = Options(mode=mode, cluster_cidrs=("172.16.0.0/12",))
    common = {"node": NODE, "options": options, "family": Family.IPV4}
    if mode is Mode.IPTABLES:
        return Proxier(IptablesWriter(Ruleset(4), **common), **common)  # type: ignore[arg-type]
    return Proxier(NftablesWriter(NftRuleset(), lambda: 0.0, **common), **common)  # type: ignore[arg-type]


def service(number: int) -> dict[str, Any]:
    """A ClusterIP Service with one port."""
    return {
        "metadata": {"name": f"svc-{number}", "namespace": "default"},
        "spec": {
            "clusterIP": f"10.{96 + number // 65536}.{number // 256 % 256}.{number % 256}",
            "ports": [{"port": 80, "protocol": "TCP"}],
        },
    }


def endpoint_slice(number: int, *ends: int) -> dict[str, Any]:
    """Its EndpointSlice."""
    return {
        "metadata": {
            "name": f"svc-{number}-a",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": f"svc-{number}"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
        "endpoints": [
            {"addresses": [f"172.{16 + e}.{number // 256 % 256}.{number % 256}"]} for e in ends
        ],
    }


def fill(proxier: Proxier, count: int) -> float:
    """`count` Services with two endpoints each, in one sync; seconds."""
    for number in range(count):
        proxier.services.apply_service(service(number))
        proxier.services.apply_slice(endpoint_slice(number, 0, 1))
    begin = time.process_time()
    proxier.sync()
    return time.process_time() - begin


def change_times(proxier: Proxier, count: int) -> list[float]:
    """Seconds of syncs after one Service got, or lost, an endpoint."""
    times = []
    for turn in range(CHANGES):
        number = turn * 7919 % count
        proxier.services.apply_slice(endpoint_slice(number, 0, 1, 2 + turn))
        begin = time.process_time()
        proxier.sync()
        times.append(time.process_time() - begin)
    return times


def weight(mode: Mode, count: int) -> float:
    """KiB of memory that one Service with two endpoints takes."""
    gc.collect()
    tracemalloc.start()
    proxier = new_proxier(mode)
    fill(proxier, count)
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / count / 1024


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--services", default="10,100,1000,10000")
    parser.add_argument("--mode", choices=[m.value for m in Mode], action="append")
    arguments = parser.parse_args()
    modes = [Mode(value) for value in arguments.mode or [m.value for m in Mode]]
    print(f"{'mode':10}{'Services':>9}{'first sync':>13}{'one change':>14}")
    for mode in modes:
        for count in map(int, arguments.services.split(",")):
            proxier = new_proxier(mode)
            first = fill(proxier, count)
            one = statistics.median(change_times(proxier, count))
            print(f"{mode.value:10}{count:9}{first * 1000:10.1f} ms{one * 1e6:11.0f} us")
        print(f"{mode.value:10}one Service with two endpoints: {weight(mode, 1000):.1f} KiB")


if __name__ == "__main__":
    main()
