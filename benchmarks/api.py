"""The API server over TLS: reads, writes, lists, watch fan-out. Needs wrk (apt-get install wrk).

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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
WATCHERS = 1000
LISTED = 5000
PICKED = 100
"""One Pod in so many has the label that is asked for."""
PAGE = 500
_POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "p-"},
        "spec": {"schedulerName": "none", "containers": [{"name": "c", "image": "nginx"}]}}

_MAP = {"metadata": {"name": "m"}, "data": {"n": "@N@"}}


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


@dataclass(frozen=True)
class Write:
    """What wrk sends: `@N@` in the body is a number that rises with each request."""

    method: str
    body: str
    media_type: str = "application/json"

    def script(self) -> str:
        """For wrk, in Lua."""
        return (f'wrk.method = "{self.method}"\n'
                f'wrk.headers["Content-Type"] = "{self.media_type}"\n'
                f"local body, n = [[{self.body}]], 0\n"
                'request = function() n = n + 1\n'
                '  return wrk.format(nil, nil, nil, (body:gsub("@N@", n))) end\n')


def wrk(url: str, token: str, options: argparse.Namespace, sent: Write | None = None) -> float:
    """Requests a second by wrk, GETs or what is given. Exits when an answer is no success."""
    program = shutil.which("wrk") or sys.exit("there is no wrk: apt-get install wrk")
    script = f'wrk.headers["Authorization"] = "Bearer {token}"\n' + (sent.script() if sent else "")
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


def lists(client: httpx.Client, url: str) -> dict[str, float]:
    """Milliseconds to read LISTED Pods: whole, those of one label, page by page."""
    pods = f"{url}/api/v1/namespaces/listed/pods"
    for number in range(LISTED):
        label = "few" if number % PICKED == 0 else "many"
        client.post(pods, json=_POD | {"metadata": {"generateName": "p-", "labels": {"of": label}}})

    def whole() -> None:
        assert client.get(pods).content.count(b'"generateName"') == LISTED

    def picked() -> None:
        answer = client.get(pods, params={"labelSelector": "of=few"})
        assert answer.content.count(b'"generateName"') == LISTED // PICKED

    def paged() -> None:
        seen, token = 0, ""
        while not seen or token:
            answer = client.get(pods, params={"limit": PAGE, "continue": token}).json()
            seen, token = seen + len(answer["items"]), answer["metadata"].get("continue", "")
        assert seen == LISTED

    return {f"list {LISTED} Pods, ms": median_ms(whole),
            f"list {LISTED // PICKED} of {LISTED} Pods by a label, ms": median_ms(picked),
            f"read {LISTED} Pods in pages of {PAGE}, ms": median_ms(paged)}


def median_ms(act: Callable[[], None]) -> float:
    """Milliseconds that something takes: the median of 10."""
    times = []
    for _ in range(10):
        begin = time.perf_counter()
        act()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000


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
            f"{url}/api/v1/namespaces/made/pods", token, options, Write("POST", json.dumps(_POD)))
        maps = f"{url}/api/v1/namespaces/made/configmaps"
        client.post(maps, json=_MAP)
        rows["update a ConfigMap, requests/s"] = wrk(
            f"{maps}/m", token, options, Write("PUT", json.dumps(_MAP)))
        rows["merge-patch a ConfigMap, requests/s"] = wrk(
            f"{maps}/m", token, options,
            Write("PATCH", '{"data":{"n":"@N@"}}', "application/merge-patch+json"))
        rows |= lists(client, url)
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
