"""Whole clusters: start-up, a fresh cluster, a ReplicaSet of many Pods, an idle day, memory.

    python benchmarks/cluster.py [--pods 1000] [--json]

Start-up is timed by the clock. What happens in this process is timed by the processor, so that
other work on the machine counts less.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from minikube_sim import Cluster

ROOT = Path(__file__).resolve().parent.parent
SETTLE_SECONDS = 30


def start_up(rounds: int = 5) -> float:
    """Seconds from `minikube-sim start` to the first answered kubectl call: the median."""
    kubectl = shutil.which("kubectl") or sys.exit("there is no kubectl on PATH")
    times = []
    with tempfile.TemporaryDirectory() as bytecode:
        for _ in range(rounds + 1):
            times.append(_one_start(kubectl, bytecode))
    return statistics.median(times[1:])


def _one_start(kubectl: str, bytecode: str) -> float:
    with tempfile.TemporaryDirectory() as home:
        environment = _environment(home, bytecode)
        program = [sys.executable, "-m", "minikube_sim"]
        begin = time.perf_counter()
        subprocess.run([*program, "start"], env=environment, check=True, capture_output=True)
        subprocess.run([kubectl, "get", "nodes"], env=environment, check=True,
                       capture_output=True)
        spent = time.perf_counter() - begin
        subprocess.run([*program, "delete"], env=environment, check=True, capture_output=True)
    return spent


def _environment(home: str, bytecode: str) -> dict[str, str]:
    """A profile of its own, and modules compiled once, as an installation has them: where Python is
    told to write no bytecode, each start would compile them all."""
    environment = os.environ | {
        "MINIKUBE_SIM_HOME": home, "KUBECONFIG": str(Path(home) / "config"),
        "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def fresh_cluster(rounds: int = 30) -> tuple[float, float]:
    """Seconds to make a running cluster in this process, and to close it: medians."""
    made, closed = [], []
    for _ in range(rounds + 3):
        begin = time.process_time()
        cluster = Cluster().start()
        middle = time.process_time()
        cluster.close()
        made.append(middle - begin)
        closed.append(time.process_time() - middle)
    return statistics.median(made[3:]), statistics.median(closed[3:])


def scale_up(pods: int) -> tuple[float, float]:
    """Seconds until all Pods of a ReplicaSet are Running and in EndpointSlices; KiB a Pod."""
    with Cluster(max_pods=pods + 10) as cluster:
        for name in ("simpliapi-rs.yaml", "services.yaml"):
            cluster.apply((ROOT / "examples/configs/services" / name).read_text())
        cluster.advance(SETTLE_SECONDS)
        before = _memory()
        begin = time.process_time()
        cluster.scale("rs", "simpleapi-rs", pods)
        cluster.advance(SETTLE_SECONDS)
        spent = time.process_time() - begin
        running = sum(p["status"].get("phase") == "Running"
                      for p in cluster.list("pods", "default"))
        slices = cluster.list("endpointslices", "default",
                              "kubernetes.io/service-name=simpleapi-service")
        ready = sum(bool(e["conditions"]["ready"]) for s in slices for e in s["endpoints"] or ())
        assert running == ready == pods, (running, ready)
        return spent, (_memory() - before) / pods


def idle_day() -> float:
    """Seconds for 24 hours of an idle cluster."""
    with Cluster() as cluster:
        begin = time.process_time()
        cluster.advance(86_400)
        return time.process_time() - begin


def idle_memory() -> float:
    """MiB of a server that has just started (resident)."""
    with tempfile.TemporaryDirectory() as bytecode:
        _idle_server(bytecode)  # compiles, which leaves memory behind
        return _idle_server(bytecode)


def _idle_server(bytecode: str) -> float:
    with tempfile.TemporaryDirectory() as home:
        environment = _environment(home, bytecode)
        program = [sys.executable, "-m", "minikube_sim"]
        subprocess.run([*program, "start"], env=environment, check=True, capture_output=True)
        # Not `minikube-sim status`, which would make the server import FastAPI.
        pid = json.loads(next(Path(home).glob("profiles/*/server.json")).read_text())["pid"]
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        subprocess.run([*program, "delete"], env=environment, check=True, capture_output=True)
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def _memory() -> float:
    """KiB of this process, at most so far."""
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    made, closed = fresh_cluster()
    idle = idle_day()
    gc.collect()
    scaled, per_pod = scale_up(options.pods)
    rows = {
        "start to the first answered kubectl call, s": start_up(),
        "fresh cluster in a running process, ms": made * 1000,
        "its tear-down, ms": closed * 1000,
        f"ReplicaSet 0 -> {options.pods} Pods, Running and in EndpointSlices, s": scaled,
        "resident memory per Pod, KiB": per_pod,
        "24 h of an idle cluster on the virtual clock, s": idle,
        "resident memory of an idle server, MiB": idle_memory(),
    }
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    for name, value in rows.items():
        print(f"{value:10.2f}  {name}")


if __name__ == "__main__":
    main()
