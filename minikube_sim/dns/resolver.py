"""The stub resolver of programs: /etc/resolv.conf, search domains, ndots, retries. Models glibc's
res_nsearch and res_nsend.

Questions travel as datagrams of the simulated network; a truncated answer is asked for again over
TCP. A server that says nothing costs `timeout` seconds of the cluster's clock, `attempts` times.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from minikube_sim.dns import wire
from minikube_sim.dns.zone import NOERROR, NXDOMAIN, SERVFAIL, Answer
from minikube_sim.process import pause
from netsim.outcome import Answered, Connected

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from minikube_sim.dns.wire import Reply
    from minikube_sim.dns.zone import Record
    from netsim.namespace import Namespace

PORT: Final = 53
_SERVERS: Final = 3
"""MAXNS: further `nameserver` lines are ignored."""
_MOST_NDOTS: Final = 15
_KINDS: Final = {4: "A", 6: "AAAA"}
_UNIQUE_LOCAL: Final = 0xFC >> 1
"""fc00::/7."""


@dataclass(frozen=True, slots=True)
class ResolvConf:
    """What /etc/resolv.conf says."""

    nameservers: tuple[str, ...] = ("127.0.0.1",)
    search: tuple[str, ...] = ()
    ndots: int = 1
    timeout: float = 5.0
    attempts: int = 2

    @classmethod
    def read(cls, text: str) -> ResolvConf:
        """Read the file; what is not understood is ignored, as glibc does."""
        servers: list[str] = []
        search: tuple[str, ...] = ()
        numbers = {"ndots": 1, "timeout": 5, "attempts": 2}
        for line in text.splitlines():
            word, *rest = line.split("#")[0].split(";")[0].split() or [""]
            if word == "nameserver" and rest:
                servers.append(rest[0])
            elif word in ("search", "domain"):
                search = tuple(one.rstrip(".") for one in rest)
            elif word == "options":
                for option in rest:
                    key, _, value = option.partition(":")
                    if key in numbers and value.isdigit():
                        numbers[key] = int(value)
        return cls(tuple(servers[:_SERVERS]) or ("127.0.0.1",), search,
                   min(numbers["ndots"], _MOST_NDOTS), float(max(numbers["timeout"], 1)),
                   max(numbers["attempts"], 1))

    def candidates(self, name: str) -> Iterator[str]:
        """The full names to try, in order."""
        plain = name.rstrip(".")
        if name.endswith("."):
            yield plain
            return
        first = plain.count(".") >= self.ndots
        if first:
            yield plain
        for domain in self.search:
            yield f"{plain}.{domain}" if domain else plain
        if not first:
            yield plain


class TcpService(Protocol):
    """What listens for DNS over TCP."""

    def exchange(self, data: bytes) -> bytes | None:
        """The answer to one message."""


@dataclass(frozen=True, slots=True)
class Silent:
    """No server answered a question."""

    server: str
    refused: bool = False
    """Whether the last one said that nobody listens there."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer, and whom it came from."""

    reply: Reply
    server: str
    name: str
    """The full name that was asked."""
    tcp: bool = False
    size: int = 0

    @property
    def records(self) -> tuple[Record, ...]:
        """The answer section."""
        return self.reply.answer.answers

    @property
    def rcode(self) -> int:
        """NOERROR, NXDOMAIN, SERVFAIL, ..."""
        return self.reply.answer.rcode


@dataclass(slots=True, kw_only=True)
class Resolver:
    """Asks name servers from one network stack."""

    network: Namespace
    chance: random.Random
    conf: ResolvConf = field(default_factory=ResolvConf)
    deadline: float | None = None
    """When the program gives up, in seconds of the cluster's clock."""

    async def search(self, name: str, kind: str) -> Heard | Silent:
        """Ask along the search list: the first answer with records, else the most telling one."""
        best: Heard | None = None
        for candidate in self.conf.candidates(name):
            heard = await self.ask(candidate, kind)
            if isinstance(heard, Silent):
                return heard
            if any(r.type == kind for r in heard.records):
                return heard
            if best is None or best.rcode != NOERROR or heard.records:
                best = heard
        assert best is not None
        return best

    async def ask(self, name: str, kind: str, *, edns: int = 0, tcp: bool = False,
                  port: int = PORT) -> Heard | Silent:
        """One question about one full name, to each server in turn. What cannot be a name (an
        empty label, one of more than 63 letters) does not exist.
        """
        refused = False
        for _ in range(self.conf.attempts):
            for server in self.conf.nameservers:
                query = wire.Query(ident=self.chance.getrandbits(16), name=name, type=kind,
                                   size=edns)
                outcome = _exchange(self.network, server, port, query, tcp=tcp)
                if isinstance(outcome, Heard):
                    return outcome
                refused = outcome.refused
                if not refused and await self._wait():
                    return outcome
            if refused:
                break
        return Silent(self.conf.nameservers[-1], refused)

    async def address(self, name: str, family: int = 0) -> str | None:
        """getaddrinfo: the address to try first, of any family or of 4 or 6; None: no such host."""
        kinds = (_KINDS[family],) if family else _preferred(self.network)
        for candidate in self.conf.candidates(name):
            for kind in kinds:
                heard = await self.ask(candidate, kind)
                if isinstance(heard, Silent):
                    return None
                found = next((r for r in heard.records if r.type == kind), None)
                if found is not None:
                    return str(found.data[0])
                if heard.rcode in (NXDOMAIN, SERVFAIL):
                    break
        return None

    async def _wait(self) -> bool:
        """Wait for an answer that does not come; whether the deadline has come instead."""
        until = self.network.now() + self.conf.timeout
        if self.deadline is None or until < self.deadline:
            await pause(until)
            return False
        await pause(self.deadline)
        return True


def _preferred(network: Namespace) -> tuple[str, str]:
    """The order of a name's addresses by RFC 6724, as far as the host's own ones decide it: of a
    family that it has none of last; IPv6 first, but after IPv4 from a unique local address.
    """
    own = dict(reversed(network.arp_addresses()))
    if 6 in own and (4 not in own or own[6] >> 121 != _UNIQUE_LOCAL):
        return "AAAA", "A"
    return "A", "AAAA"


def send_once(network: Namespace, server: str, name: str, kind: str,
              chance: random.Random) -> Reply | None:
    """One question to one server, without a wait; None: no answer."""
    query = wire.Query(ident=chance.getrandbits(16), name=name, type=kind)
    outcome = _exchange(network, server, PORT, query)
    return outcome.reply if isinstance(outcome, Heard) else None


def _exchange(network: Namespace, server: str, port: int, query: wire.Query, *,
              tcp: bool = False) -> Heard | Silent:
    try:
        data = wire.ask(query)
    except ValueError:
        nothing = wire.Reply(ident=query.ident, answer=Answer(NXDOMAIN))
        return Heard(nothing, server, query.name)
    if not tcp:
        outcome = network.sockets.send_datagram(server, port, data)
        if not isinstance(outcome, Answered):
            return Silent(server, _is_error(outcome))
        heard = _heard(outcome.payload, query, server)
        if heard is None or not heard.reply.truncated:
            return heard or Silent(server)
    return _over_tcp(network, server, port, data, query)


def _over_tcp(network: Namespace, server: str, port: int, data: bytes,
              query: wire.Query) -> Heard | Silent:
    outcome = network.sockets.connect(server, port)
    if not isinstance(outcome, Connected):
        return Silent(server, _is_error(outcome))
    try:
        service: Any = outcome.handler
        answer = service.exchange(data) if hasattr(service, "exchange") else None
        if answer is not None:
            outcome.transfer(len(data) + 2, len(answer) + 2)
        return _heard(answer, query, server, tcp=True) or Silent(server)
    finally:
        outcome.close()


def _is_error(outcome: object) -> bool:
    """Whether the network said so at once, rather than nothing at all."""
    return type(outcome).__name__ != "TimedOut"


def _heard(payload: object, query: wire.Query, server: str, *, tcp: bool = False) -> Heard | None:
    """The answer, if it is one to this question."""
    if not isinstance(payload, bytes):
        return None
    try:
        reply = wire.read_reply(payload)
    except wire.Malformed:
        return None
    if reply.ident != query.ident:
        return None
    return Heard(reply, server, query.name, tcp, len(payload))
