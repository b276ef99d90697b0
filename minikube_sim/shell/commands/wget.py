"""wget, as busybox has it: -q, -O FILE, -T SECONDS, -S."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from minikube_sim.exchange import Exchange, exchange
from minikube_sim.http import Request
from minikube_sim.shell.commands.options import BadUsage, family_of, number, parse
from netsim.outcome import Refused, TimedOut
from netsim.packet import join_host_port

if TYPE_CHECKING:
    from minikube_sim.http import Response
    from minikube_sim.shell.call import Call

_PATIENCE = 131.0


async def wget(call: Call) -> int:
    """Fetch a URL into a file, or to stdout with -O -."""
    try:
        options, urls = parse("wget", call.args, "qS46O:T:t:",
                              ["quiet", "spider", "timeout=", "tries=", "output-document="])
        limit = options.get("-T", options.get("--timeout"))
        patience = _PATIENCE if limit is None else float(number("wget", limit, "timeout"))
    except BadUsage as error:
        return call.complain(str(error))
    if not urls:
        return call.complain("wget: missing URL")
    url = urlsplit(urls[0] if "://" in urls[0] else f"http://{urls[0]}")
    host, port = url.hostname or "", url.port or 80
    address = await call.machine.lookup(host, family=family_of(options))
    if address is None:
        return call.complain(f"wget: bad address '{url.netloc}'")
    quiet = bool(options.keys() & {"-q", "--quiet"})
    if not quiet:
        call.complain(f"Connecting to {url.netloc} ({join_host_port(address, port)})")
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    outcome = await exchange(call.machine.network, address, port, Request(
        target=target, headers=(("Host", url.netloc), ("User-Agent", "Wget"),
                                ("Connection", "close"))))
    if not isinstance(outcome, Exchange):
        if isinstance(outcome, TimedOut):
            await call.sleep(min(patience, _PATIENCE))
        why = "Connection refused" if isinstance(outcome, Refused) else (
            "Connection timed out" if isinstance(outcome, TimedOut) else "No route to host")
        return call.complain(f"wget: can't connect to remote host ({address}): {why}")
    if outcome.response is None:
        return call.complain("wget: error getting response")
    name = options.get("-O", options.get("--output-document", url.path.rpartition("/")[2]))
    return _save(call, outcome.response, name or "index.html", quiet=quiet)


def _save(call: Call, response: Response, name: str, *, quiet: bool) -> int:
    if response.status >= 400:
        return call.complain(f"wget: server returned error: HTTP/1.1 {response.status} "
                             f"{response.reason}")
    if name == "-":
        call.out += response.body
        return 0
    path = call.state.path(name)
    if path != "/dev/null":
        call.machine.files[path] = response.body.decode("utf-8", "replace")
    if not quiet:
        call.complain(f"saving to '{name}'\n'{name}' saved")
    return 0
