"""curl, over the simulated network, with curl's own messages and exit codes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from minikube_sim.exchange import Exchange, exchange
from minikube_sim.http import Request, Response
from minikube_sim.shell.commands.options import BadUsage, family_of, parse_all
from netsim.outcome import Refused, TimedOut

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from minikube_sim.shell.call import Call
    from netsim.outcome import ConnectOutcome

VERSION: Final = "7.88.1"
_KERNEL_GIVES_UP: Final = 131.0
"""Seconds after which connect() fails when nothing comes back (net.ipv4.tcp_syn_retries = 6)."""
_PORTS: Final = {"http": 80, "https": 443}
_MAX_REDIRECTS: Final = 50
_SHORT: Final = "sSvifIkLG46go:w:m:X:d:H:A:u:O"
_LONG: Final = ["silent", "show-error", "verbose", "include", "fail", "head", "insecure",
                "location", "output=", "write-out=", "max-time=", "connect-timeout=",
                "request=", "data=", "cacert=",
                "header=", "user-agent=", "resolve=", "noproxy=", "no-progress-meter", "get",
                "data-raw=", "json=", "retry=", "compressed", "http1.1", "interface=", "ipv4",
                "ipv6", "globoff"]
_NAMES: Final = {
    "--silent": "-s", "--show-error": "-S", "--verbose": "-v", "--include": "-i", "--fail": "-f",
    "--head": "-I", "--insecure": "-k", "--location": "-L", "--output": "-o", "--write-out": "-w",
    "--max-time": "-m", "--request": "-X", "--data": "-d", "--data-raw": "-d", "--header": "-H",
    "--user-agent": "-A", "--get": "-G", "--ipv4": "-4", "--ipv6": "-6",
}
_RESOLVE, _CONNECT, _HTTP_ERROR, _TIMEOUT, _EMPTY, _CERTIFICATE = 6, 7, 22, 28, 52, 60


@dataclass(slots=True)
class _Failure(Exception):
    """curl's exit code and message."""

    code: int
    message: str


@dataclass(slots=True)
class _Options:
    """What the command line says."""

    flags: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)
    headers: list[tuple[str, str]] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    families: dict[str, str] = field(default_factory=dict)
    """-4 and -6, in their order."""
    urls: list[str] = field(default_factory=list)

    def seconds(self, name: str) -> float | None:
        """A time limit. Raises BadUsage."""
        text = self.values.get(name)
        if text is None:
            return None
        if not re.fullmatch(r"\d+(\.\d+)?", text):
            raise BadUsage(f"curl: option {name}: expected a proper numerical parameter")
        return float(text)


@dataclass(slots=True)
class _Transfer:
    """One URL on its way."""

    url: SplitResult
    started: float
    address: str = ""
    done: Exchange | None = None
    redirects: int = 0


async def curl(call: Call) -> int:
    """Fetch URLs; the exit code is the last failure's."""
    try:
        options = _read(call)
        options.seconds("-m")
        options.seconds("--connect-timeout")
    except BadUsage as error:
        return call.complain(f"{error}\ncurl: try 'curl --help' or 'curl --manual' for more "
                             "information", 2)
    code = 0
    for index, url in enumerate(options.urls):
        target = options.outputs[index] if index < len(options.outputs) else ""
        code = await _fetch(call, options, url, target)
    return code


def _read(call: Call) -> _Options:
    pairs, urls = parse_all("curl", call.args, _SHORT, _LONG)
    options = _Options(urls=[u for url in urls for u in _ranges(url)])
    for name, value in pairs:
        name = _NAMES.get(name, name)
        if name == "-H":
            key, _, text = value.partition(":")
            options.headers.append((key.strip(), text.strip()))
        elif name in ("-d", "--json"):
            options.data.append(value)
        elif name in ("-4", "-6"):
            options.families[name] = options.families.pop(name, "")
        elif name == "-o":
            options.outputs.append(value)
        elif value:
            options.values[name] = value
        options.flags.add(name)
    if not urls:
        raise BadUsage("curl: no URL specified!")
    return options


def _ranges(url: str) -> list[str]:
    """URL globbing: http://host/[1-3]."""
    match = re.search(r"\[(\d+)-(\d+)\]", url)
    if match is None:
        return [url]
    numbers = range(int(match.group(1)), min(int(match.group(2)), int(match.group(1)) + 9999) + 1)
    return [url[:match.start()] + str(n) + url[match.end():] for n in numbers]


async def _fetch(call: Call, options: _Options, url: str, target: str) -> int:
    transfer = _Transfer(_split(url), call.machine.now())
    try:
        response = await _follow(call, options, transfer)
    except _Failure as failure:
        if "-s" not in options.flags or "-S" in options.flags:
            call.complain(f"curl: ({failure.code}) {failure.message}")
        _write_out(call, options, transfer, failure.code)
        return failure.code
    body = _shown(options, response)
    if target == "/dev/null":
        pass
    elif target:
        call.machine.files[call.state.path(target)] = body.decode("utf-8", "replace")
    else:
        call.out += body
    _write_out(call, options, transfer, 0)
    return 0


def _split(url: str) -> SplitResult:
    return urlsplit(url if "://" in url else f"http://{url}")


async def _follow(call: Call, options: _Options, transfer: _Transfer) -> Response:
    while True:
        response = await _once(call, options, transfer)
        if "-f" in options.flags and response.status >= 400:
            raise _Failure(_HTTP_ERROR, f"The requested URL returned error: {response.status}")
        location = response.header("location")
        if "-L" not in options.flags or response.status not in (301, 302, 303, 307, 308) or (
                not location):
            return response
        transfer.redirects += 1
        if transfer.redirects > _MAX_REDIRECTS:
            raise _Failure(47, f"Maximum ({_MAX_REDIRECTS}) redirects followed")
        transfer.url = _split(urljoin(transfer.url.geturl(), location))


async def _once(call: Call, options: _Options, transfer: _Transfer) -> Response:
    url = transfer.url
    if url.scheme not in _PORTS:
        raise _Failure(1, f"Protocol \"{url.scheme}\" not supported or disabled in libcurl")
    host = url.hostname or ""
    transfer.address = address = await _resolve(call, options, host)
    port = _port(url)
    _verbose(call, options, f"*   Trying {_bracket(address)}:{port}...")
    outcome = await exchange(call.machine.network, address, port, _request(options, url))
    if not isinstance(outcome, Exchange):
        await _fail(call, options, transfer, outcome)
    assert isinstance(outcome, Exchange)
    transfer.done = outcome
    _verbose(call, options, f"* Connected to {host} ({address}) port {port} (#0)")
    if url.scheme == "https" and not options.flags & {"-k", "--cacert"}:
        raise _Failure(_CERTIFICATE, "SSL certificate problem: unable to get local issuer "
                                     "certificate")
    return _answer(call, options, url, outcome)


async def _resolve(call: Call, options: _Options, host: str) -> str:
    """The host's address, for as long as -m and --connect-timeout allow."""
    limits = [one for one in (options.seconds("-m"), options.seconds("--connect-timeout"))
              if one is not None]
    limit, before = min(limits, default=None), call.machine.now()
    address = await call.machine.lookup(host, limit, family_of(options.families))
    if address is not None:
        return address
    if limit is not None and call.machine.now() - before >= limit:
        raise _Failure(_TIMEOUT, f"Resolving timed out after {round(limit * 1000)} milliseconds")
    raise _Failure(_RESOLVE, f"Could not resolve host: {host}")


def _port(url: SplitResult) -> int:
    try:
        return url.port or _PORTS[url.scheme]
    except ValueError:
        raise _Failure(3, "URL using bad/illegal format or missing URL") from None


def _answer(call: Call, options: _Options, url: SplitResult, outcome: Exchange) -> Response:
    request, response = _request(options, url), outcome.response
    _verbose(call, options, f"> {request.method} {request.target} HTTP/1.1",
             *(f"> {name}: {value}" for name, value in request.headers), "> ")
    if response is None:
        raise _Failure(_EMPTY, "Empty reply from server")
    _verbose(call, options, *(f"< {line}" for line in _head(response)), "< ",
             f"* Connection #0 to host {url.hostname} left intact")
    return response


async def _fail(call: Call, options: _Options, transfer: _Transfer,
                outcome: ConnectOutcome) -> None:
    """Wait as long as the failure takes to show. Raises _Failure."""
    host, port = transfer.url.hostname, _port(transfer.url)
    limit = min((s for s in (options.seconds("-m"), options.seconds("--connect-timeout"))
                 if s is not None), default=None)
    if isinstance(outcome, TimedOut):
        seconds = _KERNEL_GIVES_UP
    else:
        seconds = getattr(outcome, "seconds", 0.0)
    if limit is not None and limit < seconds:
        await call.sleep(limit)
        raise _Failure(_TIMEOUT, f"Connection timed out after {int(limit * 1000) + 1} milliseconds")
    if seconds:
        await call.sleep(seconds)
    spent = int((call.machine.now() - transfer.started) * 1000)
    if isinstance(outcome, Refused):
        _verbose(call, options, f"* connect to {transfer.address} port {port} failed: "
                                "Connection refused")
    code = _TIMEOUT if isinstance(outcome, TimedOut) else _CONNECT
    raise _Failure(code, f"Failed to connect to {host} port {port} after {spent} ms: "
                         "Couldn't connect to server")


def _request(options: _Options, url: SplitResult) -> Request:
    method = "HEAD" if "-I" in options.flags else "POST" if options.data else "GET"
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    given = {name.lower() for name, _ in options.headers}
    standard = [("Host", url.netloc.rpartition("@")[2]),
                ("User-Agent", options.values.get("-A", f"curl/{VERSION}")), ("Accept", "*/*")]
    body = "&".join(options.data).encode()
    if body:
        kind = "application/json" if "--json" in options.flags else (
            "application/x-www-form-urlencoded")
        standard += [("Content-Length", str(len(body))), ("Content-Type", kind)]
    headers = [(n, v) for n, v in standard if n.lower() not in given] + options.headers
    return Request(method=options.values.get("-X", method), target=target, body=body,
                   headers=tuple(headers))


def _head(response: Response) -> list[str]:
    return [f"HTTP/1.1 {response.status} {response.reason}",
            *(f"{name}: {value}" for name, value in response.headers)]


def _shown(options: _Options, response: Response) -> bytes:
    head = ("\r\n".join(_head(response)) + "\r\n\r\n").encode()
    if "-I" in options.flags:
        return head
    return head + response.body if "-i" in options.flags else response.body


def _verbose(call: Call, options: _Options, *lines: str) -> None:
    if "-v" in options.flags:
        for line in lines:
            call.complain(line)


def _bracket(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _write_out(call: Call, options: _Options, transfer: _Transfer, code: int) -> None:
    """-w: variables of the transfer, \\n and \\t."""
    form = options.values.get("-w")
    if form is None:
        return
    done = transfer.done
    response = done.response if done else None
    spent = call.machine.now() - transfer.started
    values = {
        "http_code": f"{response.status if response else 0:03d}",
        "response_code": f"{response.status if response else 0:03d}",
        "remote_ip": done.connection.remote.address if done else "",
        "remote_port": str(done.connection.remote.port if done else 0),
        "local_ip": done.connection.local.address if done else "",
        "local_port": str(done.connection.local.port if done else 0),
        "size_download": str(len(response.body) if response else 0),
        "content_type": response.header("content-type") if response else "",
        "num_redirects": str(transfer.redirects), "exitcode": str(code),
        "url_effective": transfer.url.geturl(),
        **dict.fromkeys(("time_total", "time_connect", "time_starttransfer", "time_namelookup"),
                        f"{spent:.6f}"),
    }
    text = re.sub(r"%\{(\w+)\}", lambda m: values.get(m.group(1), ""), form)
    call.print(text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r")
               .replace("%%", "%"), end="")
