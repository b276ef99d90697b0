"""One URL: names, connections that are used again, requests, redirects and what goes wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urljoin, urlsplit

from minikube_sim.exchange import ask
from minikube_sim.process import pause, within
from minikube_sim.shell.commands.curl.request import Body, request_for
from netsim.outcome import Connected, TimedOut

if TYPE_CHECKING:
    from typing import TypeVar

    from minikube_sim.http import Request, Response
    from minikube_sim.shell.call import Call
    from minikube_sim.shell.commands.curl.options import Options
    from netsim.outcome import ConnectOutcome

    T = TypeVar("T")

_KERNEL_GIVES_UP: Final = 131.0
"""Seconds after which connect() fails when nothing comes back (net.ipv4.tcp_syn_retries = 6)."""
_PORTS: Final = {"http": 80, "https": 443}
_MAX_REDIRECTS: Final = 50
_KEEPS_METHOD: Final = (307, 308)
(UNSUPPORTED, MALFORMED, RESOLVE, CONNECT, HTTP_ERROR, WRITE, READ, TIMEOUT, TLS, REDIRECTS, EMPTY,
 CERTIFICATE) = (1, 3, 6, 7, 22, 23, 26, 28, 35, 47, 52, 60)
"""curl's exit codes."""


class Failure(Exception):
    """curl's exit code and message; `response` when there was one all the same."""

    def __init__(self, code: int, message: str, response: Response | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.response = response


class Expired(Exception):
    """-m is over."""


@dataclass(slots=True)
class Connection:
    """An open connection and its number in -v's words."""

    number: int
    link: Connected
    host: str


@dataclass(slots=True)
class Transfer:
    """One URL on its way; times are seconds since its start."""

    url: SplitResult
    started: float
    times: dict[str, float] = field(default_factory=dict)
    connection: Connection | None = None
    connects: int = 0
    redirects: int = 0
    request: Request | None = None
    response: Response | None = None

    def redirect_url(self) -> str:
        """Where the answer sends its reader; "" when it does not."""
        response = self.response
        if response is None or response.status // 100 != 3 or not response.header("location"):
            return ""
        return urljoin(self.url.geturl(), response.header("location"))


def split(url: str) -> SplitResult:
    """A URL with its scheme."""
    return urlsplit(url if "://" in url else f"http://{url}")


class Client:
    """curl's connections and transfers, for one command line."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._open: dict[tuple[str, str, int], Connection] = {}
        self._numbers = 0

    def close(self) -> None:
        """End what is still open."""
        for connection in self._open.values():
            connection.link.close()
        self._open.clear()

    async def fetch(self, options: Options, transfer: Transfer, body: Body) -> Response:
        """The last answer. Raises Failure."""
        limit = options.seconds("max-time")
        coming = self._follow(options, transfer, body)
        if limit is None:
            return await coming
        try:
            return await within(coming, transfer.started + limit, self._call.machine.clock, Expired)
        except Expired:
            raise self._expired(options, transfer, limit) from None

    async def _follow(self, options: Options, transfer: Transfer, body: Body) -> Response:
        follows = options.flags & {"location", "location-trusted"}
        most = options.number("max-redirs", _MAX_REDIRECTS)
        while True:
            response = transfer.response = await self._once(options, transfer, body)
            if response.status >= 400 and options.flags & {"fail", "fail-with-body"}:
                raise Failure(HTTP_ERROR, f"The requested URL returned error: {response.status}",
                              response if "fail-with-body" in options.flags else None)
            target = transfer.redirect_url()
            if not follows or not target:
                return response
            if transfer.redirects >= most:
                raise Failure(REDIRECTS, f"Maximum ({most}) redirects followed")
            self.say(options, "* Ignoring the response-body")
            self.done(options, transfer)
            self.say(options, f"* Issue another request to this URL: '{target}'")
            transfer.redirects += 1
            transfer.url = split(target)
            transfer.times["redirect"] = self._since(transfer)
            if response.status not in _KEEPS_METHOD and body.method == "POST":
                body = Body()

    async def _once(self, options: Options, transfer: Transfer, body: Body) -> Response:
        url = transfer.url
        if url.scheme not in _PORTS:
            raise Failure(UNSUPPORTED,
                          f'Protocol "{url.scheme}" not supported or disabled in libcurl')
        host, port = url.hostname or "", _port(url)
        if not host:
            raise Failure(MALFORMED, "URL using bad/illegal format or missing URL")
        connection = await self._connection(options, transfer, host, port)
        transfer.connection = connection
        if url.scheme == "https" and not ({"insecure"} & options.flags or "cacert" in
                                          options.values):
            raise Failure(CERTIFICATE, "SSL certificate problem: unable to get local issuer "
                                       "certificate")
        return await self._ask(options, transfer, connection, body)

    async def _ask(self, options: Options, transfer: Transfer, connection: Connection,
                   body: Body) -> Response:
        call, url = self._call, transfer.url
        request = transfer.request = request_for(options, url, body)
        transfer.times["pretransfer"] = self._since(transfer)
        self.say(options, f"> {request.method} {request.target} HTTP/1.1",
                 *(f"> {name}: {value}" for name, value in request.headers), "> ")
        response = await ask(connection.link, request, call.machine.now())
        transfer.times["starttransfer"] = self._since(transfer)
        if response is None:
            self._drop(options, transfer, "Empty reply from server")
            raise Failure(EMPTY, "Empty reply from server")
        self.say(options, *(f"< {line}" for line in head(response)), "< ")
        return response

    def done(self, options: Options, transfer: Transfer) -> None:
        """The body has been read: the connection waits for the next request, or is closed."""
        transfer.times["total"] = self._since(transfer)
        connection, response = transfer.connection, transfer.response
        if connection is None or response is None:
            return
        if response.header("connection").lower() == "close":
            self._drop(options, transfer)
        else:
            self.say(options,
                     f"* Connection #{connection.number} to host {connection.host} left intact")

    # --- connections ------------------------------------------------------------------------------

    async def _connection(self, options: Options, transfer: Transfer, host: str,
                          port: int) -> Connection:
        key = (transfer.url.scheme, host, port)
        known = self._open.get(key)
        if known is not None:
            self.say(options, f"* Found bundle for host: {id(known):#x} [serially]",
                     "* Can not multiplex, even if we wanted to",
                     f"* Re-using existing connection #{known.number} with host {known.host}")
            for moment in ("namelookup", "connect"):
                transfer.times.setdefault(moment, 0.0)
            return known
        number, self._numbers = self._numbers, self._numbers + 1
        try:
            made = await self._connect(options, transfer, _elsewhere(options, host, port), number)
        except Failure as failure:
            self.say(options, f"* {failure}", f"* Closing connection {number}")
            raise
        self._open[key] = made
        transfer.connects += 1
        return made

    async def _connect(self, options: Options, transfer: Transfer, place: tuple[str, int],
                       number: int) -> Connection:
        host, port = place
        address = await self._resolve(options, transfer, host, port)
        transfer.times["namelookup"] = self._since(transfer)
        self.say(options, f"*   Trying {_bracket(address)}:{port}...")
        network = self._call.machine.network
        outcome = network.sockets.connect(
            address, port, source_port=options.number("local-port", 0),
            source=self._source(options))
        if not isinstance(outcome, Connected):
            raise await self._refusal(options, transfer, outcome, host, port, address)
        if outcome.socket.seconds:
            await pause(network.now() + outcome.socket.seconds)
        transfer.times["connect"] = self._since(transfer)
        self.say(options, f"* Connected to {host} ({address}) port {port} (#{number})")
        return Connection(number, outcome, host)

    def _source(self, options: Options) -> str:
        """--interface: the address of an interface, or an address; "" for any."""
        name = options.values.get("interface", "").removeprefix("if!").removeprefix("host!")
        interface = self._call.machine.network.interfaces.get(name)
        if interface is None or not interface.addresses:
            return name
        from netsim.packet import address_text

        first = next((e for e in interface.addresses), None)
        return address_text(first.family, first.address) if first else ""

    async def _resolve(self, options: Options, transfer: Transfer, host: str, port: int) -> str:
        """The host's address, for as long as -m and --connect-timeout allow."""
        for fixed in reversed(options.each("resolve")):
            name, _, rest = fixed.removeprefix("+").partition(":")
            wanted, _, addresses = rest.partition(":")
            if name.lower() in (host.lower(), "*") and wanted == str(port):
                self.say(options, f"* Added {host}:{port}:{addresses} to DNS cache",
                         f"* Hostname {host} was found in DNS cache")
                return addresses.split(",")[0].strip("[]")
        machine, limit = self._call.machine, self._limit(options, transfer)
        before = machine.now()
        address = await machine.lookup(host, limit, options.family)
        if address is not None:
            return address
        if limit is not None and machine.now() - before >= limit:
            raise Failure(TIMEOUT, f"Resolving timed out after {round(limit * 1000)} milliseconds")
        raise Failure(RESOLVE, f"Could not resolve host: {host}")

    async def _refusal(self, options: Options, transfer: Transfer, outcome: ConnectOutcome,
                       host: str, port: int, address: str) -> Failure:
        """Wait as long as the failure takes to show."""
        seconds = (_KERNEL_GIVES_UP if isinstance(outcome, TimedOut)
                   else getattr(outcome, "seconds", 0.0))
        limit = self._limit(options, transfer)
        if limit is not None and limit < seconds:
            await self._call.sleep(limit)
            spent = int(self._since(transfer) * 1000) + 1
            return Failure(TIMEOUT, f"Connection timed out after {spent} milliseconds")
        if seconds:
            await self._call.sleep(seconds)
        why = {"EHOSTUNREACH": "No route to host", "ENETUNREACH": "Network is unreachable"}.get(
            getattr(outcome, "error", ""), "Connection refused")
        if not isinstance(outcome, TimedOut):
            self.say(options, f"* connect to {address} port {port} failed: {why}")
        spent = int(self._since(transfer) * 1000)
        return Failure(TIMEOUT if isinstance(outcome, TimedOut) else CONNECT,
                       f"Failed to connect to {host} port {port} after {spent} ms: "
                       "Couldn't connect to server")

    def _limit(self, options: Options, transfer: Transfer) -> float | None:
        """Seconds until -m or --connect-timeout is over."""
        whole, connect = options.seconds("max-time"), options.seconds("connect-timeout")
        left = None if whole is None else max(0.0, whole - self._since(transfer))
        return min((s for s in (left, connect) if s is not None), default=None)

    def _expired(self, options: Options, transfer: Transfer, limit: float) -> Failure:
        spent = f"after {int(limit * 1000) + 1} milliseconds"
        if transfer.connection is None:
            return Failure(TIMEOUT, f"Connection timed out {spent}")
        failure = Failure(TIMEOUT, f"Operation timed out {spent} with 0 bytes received")
        self._drop(options, transfer, str(failure))
        return failure

    def _drop(self, options: Options, transfer: Transfer, why: str = "") -> None:
        connection = transfer.connection
        assert connection is not None
        self.say(options, *([f"* {why}"] if why else []),
                 f"* Closing connection {connection.number}")
        self._open = {key: c for key, c in self._open.items() if c is not connection}
        connection.link.close()

    def _since(self, transfer: Transfer) -> float:
        return self._call.machine.now() - transfer.started

    def say(self, options: Options, *lines: str) -> None:
        """-v's lines."""
        if "verbose" in options.flags:
            for line in lines:
                self._call.complain(line)


def head(response: Response) -> list[str]:
    """The lines before the body."""
    return [f"HTTP/1.1 {response.status} {response.reason}",
            *(f"{name}: {value}" for name, value in response.headers)]


def _elsewhere(options: Options, host: str, port: int) -> tuple[str, int]:
    """--connect-to HOST1:PORT1:HOST2:PORT2."""
    for text in options.each("connect-to"):
        match = re.fullmatch(r"([^:]*):(\d*):(\[[^]]*\]|[^:]*):(\d*)", text)
        if match and match[1] in ("", host) and match[2] in ("", str(port)):
            return match[3].strip("[]") or host, int(match[4] or port)
    return host, port


def _port(url: SplitResult) -> int:
    try:
        return url.port or _PORTS[url.scheme]
    except ValueError:
        raise Failure(MALFORMED, "URL using bad/illegal format or missing URL") from None


def _bracket(address: str) -> str:
    return f"[{address}]" if ":" in address else address
