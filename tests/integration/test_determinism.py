"""The same seed and calls give the same run in every process, however its strings hash."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from minikube_sim import Cluster
from minikube_sim.config import ClusterOptions

ROOT = Path(__file__).resolve().parents[2]
POD = "metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: nginx}]}"
OBJECTS = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: web}}}}
  template:
    {POD}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: every}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    {POD}
---
apiVersion: batch/v1
kind: Job
metadata: {{name: once}}
spec: {{template: {{spec: {{restartPolicy: Never,
  containers: [{{name: c, image: busybox, command: [sh, -c, echo done]}}]}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{type: NodePort, selector: {{app: web}}, ports: [{{port: 80}}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: from-two}}
spec:
  podSelector: {{}}
  ingress: [{{from: [{{podSelector: {{matchLabels: {{app: web}}}}}},
                   {{podSelector: {{matchLabels: {{job-name: once}}}}}},
                   {{ipBlock: {{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}}}]}}]
"""
KINDS = ("pods", "events", "services", "endpoints", "endpointslices", "deployments", "replicasets",
         "daemonsets", "jobs", "nodes", "secrets", "serviceaccounts", "leases", "clusterroles")
LINES = ("sudo iptables-save -c", "sudo ipset list", "sudo conntrack -L", "ip addr", "ip route",
         "ss -tlnp", "env", "ps", "ls -l /")


def story() -> str:
    """All that can be seen of a cluster in which something happened."""
    with Cluster(ClusterOptions(nodes=2)) as cluster:
        cluster.apply(OBJECTS)
        cluster.advance(60)
        vip = cluster.get("svc", "web")["spec"]["clusterIP"]
        cluster.run(f"for i in $(seq 7); do curl -s http://{vip}/; done")
        cluster.scale("deploy", "web", 1)
        cluster.advance(30)
        seen = [cluster.run(line).stdout.decode() for line in LINES]
        cluster.delete("deploy", "web")
        cluster.advance(60)
        return "\n".join([*seen, *(json.dumps(cluster.list(kind)) for kind in KINDS)])


def test_a_run_does_not_depend_on_how_strings_hash():
    told = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, __file__], env=environment, cwd=ROOT, check=True,
                              capture_output=True, text=True)
        told.append(done.stdout.splitlines())
    assert told[0] == told[1]


if __name__ == "__main__":  # one line a line: what differs is seen, and the output stays small
    for line in story().splitlines():
        print(hashlib.sha256(line.encode()).hexdigest()[:16], line[:100])
