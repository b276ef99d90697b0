"""The API server over TLS: GET, create, list, watch fan-out. Needs wrk (apt-get install wrk).

    python benchmarks/api.py [--seconds 5] [--connections 16] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml

ROOT = Path(__file__).resolve().parent.parent
WATCHERS = 1000
LISTED = 5000
_POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "p-"},
        "spec": {"schedulerName": "none", "containers": [{"name": "c", "image": "nginx"}]}}


@contextmanager
def server(*arguments: str):
    """A running server: (url, token, TLS context)."""
    with tempfile.TemporaryDirectory() as home:
        kubeconfig = Path(home) / "config"
        environment = os.environ | {"MINIKUBE_SIM_HOME": home, "KUBECONFIG": str(kubeconfig),
                                    "PYTHONPATH": str(ROOT)}
        program = [sys.executable, "-m", "minikube_sim"]
        subprocess.run([*program, "start", *arguments], env=environment, check=True,
                       capture_output=True)
        config = yaml.safe_load(kubeconfig.read_text())
        ca = Path(home) / "profiles" / "minikube-sim" / "ca.crt"
        try:
            yield (config["clusters"][0]["cluster"]["server"], config["users"][0]["user"]["token"],
                   ssl.create_default_context(cafile=str(ca)))
        finally:
            subprocess.run([*program, "delete"], env=environment, check=True, capture_output=True)


def wrk(url: str, token: str, options: argparse.Namespace, body: str = "") -> float:
    """Requests a second by wrk; with a body they are POSTs. Exits when an answer is no success."""
    program = shutil.which("wrk") or sys.exit("there is no wrk: apt-get install wrk")
    script = f'wrk.headers["Authorization"] = "Bearer {token}"\n'
    if body:
        script += (f'wrk.method = "POST"\nwrk.body = [[{body}]]\n'
                   'wrk.headers["Content-Type"] = "application/json"\n')
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(
            [program, "-t", "1", "-c", str(options.connections), "-d", f"{options.seconds}s", "-s",
             file.name, url], check=True, capture_output=True, text=True)
    if "Non-2xx" in done.stdout:
        sys.exit(done.stdout)
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    return float(found.group(1)) if found else sys.exit(done.stdout)


def list_pods(client: httpx.Client, url: str) -> float:
    """Seconds to list LISTED Pods: the median of 10."""
    body = json.dumps(_POD)
    headers = {"Content-Type": "application/json"}
    for _ in range(LISTED):
        client.post(f"{url}/api/v1/namespaces/listed/pods", content=body, headers=headers)
    times = []
    for _ in range(10):
        begin = time.perf_counter()
        answer = client.get(f"{url}/api/v1/namespaces/listed/pods")
        times.append(time.perf_counter() - begin)
        assert answer.content.count(b'"generateName"') == LISTED
    return statistics.median(times)


async def fan_out(url: str, token: str, tls: ssl.SSLContext) -> float:
    """Seconds from a write until WATCHERS watchers have its event: the median of 5."""
    host, port = url.removeprefix("https://").rsplit(":", 1)
    head = (f"GET /api/v1/namespaces/default/configmaps?watch=1 HTTP/1.1\r\nHost: {host}\r\n"
            f"Authorization: Bearer {token}\r\n\r\n").encode()

    async def open_watch() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(host, int(port), ssl=tls)
        writer.write(head)
        await reader.readuntil(b"\r\n\r\n")
        return reader, writer

    streams = []
    for _ in range(WATCHERS // 50):
        streams += await asyncio.gather(*(open_watch() for _ in range(50)))
    times = []
    async with httpx.AsyncClient(verify=tls, trust_env=False,
                                 headers={"Authorization": f"Bearer {token}"}) as client:
        for number in range(5):
            name = f"event-{number}"
            waits = [asyncio.ensure_future(reader.readuntil(name.encode()))
                     for reader, _ in streams]
            await asyncio.sleep(0.5)
            begin = time.perf_counter()
            await client.post(f"{url}/api/v1/namespaces/default/configmaps",
                              json={"metadata": {"name": name}})
            await asyncio.gather(*waits)
            times.append(time.perf_counter() - begin)
    for _, writer in streams:
        writer.transport.abort()
    return statistics.median(times)


def measure(options: argparse.Namespace) -> dict[str, float]:
    """All rows."""
    rows: dict[str, float] = {}
    with server("--storage", options.storage) as (url, token, tls):
        client = httpx.Client(verify=tls, trust_env=False, timeout=60,
                              headers={"Authorization": f"Bearer {token}"})
        for name in ("made", "listed"):
            client.post(f"{url}/api/v1/namespaces", json={"metadata": {"name": name}})
        rows["GET one object, requests/s"] = wrk(
            f"{url}/api/v1/namespaces/default/services/kubernetes", token, options)
        rows["create Pods, requests/s"] = wrk(
            f"{url}/api/v1/namespaces/made/pods", token, options, json.dumps(_POD))
        rows[f"list {LISTED} Pods, ms"] = list_pods(client, url) * 1000
        rows[f"one event to {WATCHERS} watchers, ms"] = asyncio.run(fan_out(url, token, tls)) * 1000
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--storage", choices=("memory", "sqlite"), default="sqlite")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = measure(options)
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    for name, value in rows.items():
        print(f"{value:10.1f}  {name}")


if __name__ == "__main__":
    main()
