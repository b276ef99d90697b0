"""Sockets of one namespace: listen, connect, datagrams, ping. Synchronous and deterministic.

    web.listen("tcp", 80, handler)
    outcome = client.connect("10.96.0.10", 80)      Connected | Refused | Unreachable | TimedOut

A TCP listener's handler is any object: `Connected.handler` hands it to the client, who talks to it
by call. A UDP listener's handler is called with a `Datagram` and returns the payload of the
answer, or None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from netsim import icmp
from netsim import packet as pk
from netsim.icmp import NeighbourFailed, Problem
from netsim.outcome import (
    Answered,
    Connected,
    ConnectOutcome,
    DatagramOutcome,
    Endpoint,
    NotPermitted,
    Refused,
    TimedOut,
    Unreachable,
)
from netsim.packet import Packet, address_text, parse_address
from netsim.tcp import SocketKey, State, TcpSocket

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.namespace import Namespace
    from netsim.netfilter.context import Context
    from netsim.trace import Trace

PROTOCOLS: Final = {"tcp": pk.TCP, "udp": pk.UDP}
EPHEMERAL: Final = (32768, 60999)
"""net.ipv4.ip_local_port_range."""
_ERRORS: Final = {
    4: {(3, 0): "ENETUNREACH", (3, 2): "ENOPROTOOPT", (3, 3): "ECONNREFUSED", (3, 4): "EMSGSIZE",
        (3, 9): "ENETUNREACH"},
    6: {(1, 0): "ENETUNREACH", (1, 1): "EACCES", (1, 4): "ECONNREFUSED", (1, 5): "EACCES",
        (1, 6): "EACCES", (2, 0): "EMSGSIZE", (4, 1): "EPROTO"},
}
"""The errno of an ICMP error (icmp_err_convert); EHOSTUNREACH for the others."""


class AddressInUse(OSError):
    """EADDRINUSE: something listens there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Datagram:
    """What a UDP listener's handler is called with."""

    payload: object
    length: int
    source: Endpoint
    destination: Endpoint


@dataclass(frozen=True, slots=True, eq=False)
class Listener:
    """A listening socket; `address` None: any address of the host, of both families."""

    sockets: Sockets
    protocol: int
    port: int
    handler: object
    address: tuple[int, int] | None

    def close(self) -> None:
        """Stop listening; connections that stand go on."""
        listeners = self.sockets.listeners.get((self.protocol, self.port), [])
        if self in listeners:
            listeners.remove(self)


class UdpSocket:
    """A connected datagram socket: one remote end, whose errors it hears of."""

    __slots__ = ("answer", "error", "family", "key", "reached", "sockets", "ttl")

    def __init__(self, sockets: Sockets, key: SocketKey) -> None:
        self.sockets = sockets
        self.family = key[0]
        self.key = key
        self.ttl = 64
        """IP_TTL: of the datagrams that are sent."""
        self.answer: Packet | None = None
        self.error: Packet | None = None
        self.reached: tuple[Listener, Namespace, Endpoint, Endpoint] | None = None
        """The listener that took the last datagram, where it is, and its view of both ends."""

    def send(
        self, payload: object = b"", *, length: int | None = None, trace: Trace | None = None,
    ) -> DatagramOutcome:
        """Send a datagram and see what comes back; `length` of the data in bytes."""
        self.answer = self.error = self.reached = None
        family, local, port, remote, remote_port = self.key
        packet = pk.udp(family, local, remote, port, remote_port)
        size = len(payload) if length is None and isinstance(payload, bytes) else length or 0
        packet.length += size
        packet.payload = (payload, self)
        packet.ttl = self.ttl
        packet.trace = trace
        problem = self.sockets.namespace.send(packet)
        self.sockets.namespace.wire.run()
        if problem == "EPERM":
            return NotPermitted(trace=trace)
        if problem:
            return Unreachable(error=problem, trace=trace)
        return self._outcome(trace)

    def _outcome(self, trace: Trace | None) -> DatagramOutcome:
        if self.error is not None:
            return error_outcome(self.error, trace)
        reached = self.reached
        if self.answer is None:
            return TimedOut(handler=reached[0].handler if reached else None, trace=trace)
        answer = self.answer
        listener, server, local, remote = reached or (None, None, None, None)
        return Answered(
            payload=answer.payload, source=Endpoint.of(self.family, answer.src, answer.sport),
            handler=listener.handler if listener else None, server=server, server_local=local,
            server_remote=remote, ttl=answer.ttl, trace=trace,
        )

    def close(self) -> None:
        """Give the port back."""
        self.sockets.datagrams.pop(self.key, None)


def error_outcome(error: Packet, trace: Trace | None = None) -> Refused | Unreachable:
    """What an RST or ICMP error means to the program."""
    if error.protocol == pk.TCP:
        return Refused(by="tcp-reset", trace=trace)
    kind = (error.icmp_type, error.icmp_code)
    by = f"icmp {kind[0]}/{kind[1]} from {address_text(error.family, error.src)}"
    name = _ERRORS[error.family].get(kind, "EHOSTUNREACH")
    if name == "ECONNREFUSED":
        return Refused(by=by, trace=trace)
    late = isinstance(error.payload, NeighbourFailed)
    return Unreachable(error=name, by=by, seconds=icmp.NEIGHBOUR_SECONDS if late else 0.0,
                       mtu=error.icmp_seq if name == "EMSGSIZE" else 0, trace=trace)


class Sockets:
    """All sockets of one namespace."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.listeners: dict[tuple[int, int], list[Listener]] = {}
        """By (protocol, port)."""
        self.connections: dict[SocketKey, TcpSocket] = {}
        self.datagrams: dict[SocketKey, UdpSocket] = {}
        self.echoes: dict[int, Packet | None] = {}
        """Echo requests under way by id, and what came back."""
        self.on_deliver: Callable[[Packet], None] | None = None
        """Told of every packet that reaches a local socket (or the want of one)."""

    # ------------------------------------------------------------ what programs do

    def listen(self, protocol: str, port: int, handler: object, address: str = "") -> Listener:
        """Listen on a port, at one address or at all of them.

        Raises AddressInUse, KeyError for a protocol that has no sockets.
        """
        number = PROTOCOLS[protocol]
        where = parse_address(address) if address else None
        listeners = self.listeners.setdefault((number, port), [])
        if any(o.address is None or where is None or o.address == where for o in listeners):
            raise AddressInUse(f"{protocol} port {port} is in use")
        listener = Listener(self, number, port, handler, where)
        listeners.append(listener)
        return listener

    def connect(
        self, address: str, port: int, *, source_port: int = 0, source: str = "",
        trace: Trace | None = None,
    ) -> ConnectOutcome:
        """Open a TCP connection."""
        key = self._key(pk.TCP, address, port, source_port, source)
        if isinstance(key, str):
            return Unreachable(error=key, trace=trace)
        socket = TcpSocket(self.namespace, key, State.SYN_SENT)
        socket.trace = trace
        self.connections[key] = socket
        socket.connect()
        return self._connect_outcome(socket)

    def _connect_outcome(self, socket: TcpSocket) -> ConnectOutcome:
        trace, error, peer = socket.trace, socket.error, socket.peer
        if isinstance(error, str):
            return Unreachable(error=error, trace=trace)
        if error is not None:
            return error_outcome(error, trace)
        if socket.state is not State.ESTABLISHED or peer is None:
            socket.give_up()
            return TimedOut(trace=trace)
        family, local, port, remote, remote_port = socket.key
        _, server_local, server_port, server_remote, client_port = peer.key
        return Connected(
            handler=peer.handler, server=peer.namespace, socket=socket, trace=trace,
            local=Endpoint.of(family, local, port),
            remote=Endpoint.of(family, remote, remote_port),
            server_local=Endpoint.of(family, server_local, server_port),
            server_remote=Endpoint.of(family, server_remote, client_port),
        )

    def udp(
        self, address: str, port: int, *, source_port: int = 0, source: str = "",
    ) -> UdpSocket | Unreachable:
        """A datagram socket connected to that remote end."""
        key = self._key(pk.UDP, address, port, source_port, source)
        if isinstance(key, str):
            return Unreachable(error=key)
        socket = self.datagrams[key] = UdpSocket(self, key)
        return socket

    def send_datagram(
        self, address: str, port: int, payload: object = b"", *, source_port: int = 0,
        source: str = "", trace: Trace | None = None,
    ) -> DatagramOutcome:
        """Send one datagram from a socket of its own and see what comes back."""
        socket = self.udp(address, port, source_port=source_port, source=source)
        if isinstance(socket, Unreachable):
            return socket
        try:
            return socket.send(payload, trace=trace)
        finally:
            socket.close()

    def ping(
        self, address: str, *, seq: int = 1, ident: int = 0, source: str = "", size: int = 56,
        ttl: int = 64, fragment: bool = False, trace: Trace | None = None,
    ) -> DatagramOutcome:
        """Send one echo request; `fragment`: routers may cut it (DF is not set)."""
        family, destination = parse_address(address)
        origin = self._source(family, destination, source)
        if origin is None:
            return Unreachable(error="ENETUNREACH", trace=trace)
        ident = ident or self.namespace.random.randrange(1, 65536)
        request = pk.icmp_echo(family, origin, destination, ident, seq)
        request.length += size
        request.ttl = ttl
        request.df = not fragment
        route = self.namespace.routes[family].lookup(destination)
        if route is not None and route.interface is not None and not fragment and (
            request.length > route.interface.mtu
        ):
            return Unreachable(error="EMSGSIZE", mtu=route.interface.mtu, trace=trace)
        request.trace = trace
        self.echoes[ident] = None
        problem = self.namespace.send(request)
        self.namespace.wire.run()
        answer = self.echoes.pop(ident)
        if problem == "EPERM":
            return NotPermitted(trace=trace)
        if problem:
            return Unreachable(error=problem, trace=trace)
        if answer is None:
            return TimedOut(trace=trace)
        if answer.is_icmp_error:
            return error_outcome(answer, trace)
        return Answered(payload=None, source=Endpoint.of(family, answer.src, 0), ttl=answer.ttl,
                        trace=trace)

    def _source(self, family: int, destination: int, source: str) -> int | None:
        if source:
            return parse_address(source)[1]
        return self.namespace.source_toward(family, destination)

    def _key(
        self, protocol: int, address: str, port: int, source_port: int, source: str,
    ) -> SocketKey | str:
        """The socket's key, with a free source port if none is given; or the errno's name."""
        family, destination = parse_address(address)
        origin = self._source(family, destination, source)
        if origin is None:
            return "ENETUNREACH"
        used = self.connections if protocol == pk.TCP else self.datagrams
        if source_port:
            key = (family, origin, source_port, destination, port)
            return "EADDRINUSE" if key in used else key
        low, high = EPHEMERAL
        span = high - low + 1
        start = self.namespace.random.randrange(span)
        for number in range(span):
            candidate = low + (start + number) % span
            key = (family, origin, candidate, destination, port)
            if key not in used and (protocol, candidate) not in self.listeners:
                return key
        return "EADDRNOTAVAIL"

    # ------------------------------------------------------------ what comes in

    def deliver(self, context: Context) -> None:
        """A packet for this host got through INPUT."""
        packet = context.packet
        if self.on_deliver is not None:
            self.on_deliver(packet)
        if packet.protocol == pk.TCP:
            self._deliver_tcp(packet)
        elif packet.protocol == pk.UDP:
            self._deliver_udp(context)
        elif packet.is_icmp:
            self._deliver_icmp(context)
        else:
            icmp.send_error(self.namespace, _detached(context), Problem.PROTOCOL_UNREACHABLE)

    def listener(self, packet: Packet) -> Listener | None:
        """Who listens for that packet: the one at its address before the one at any."""
        listeners = self.listeners.get((packet.protocol, packet.dport))
        if not listeners:
            return None
        where = (packet.family, packet.dst)
        at_any = None
        for listener in listeners:
            if listener.address == where:
                return listener
            if listener.address is None:
                at_any = listener
        return at_any

    def _deliver_tcp(self, packet: Packet) -> None:
        key = (packet.family, packet.dst, packet.dport, packet.src, packet.sport)
        socket = self.connections.get(key)
        fresh = packet.flags & (pk.SYN | pk.ACK | pk.RST) == pk.SYN
        if socket is not None and not (fresh and socket.handler is not None):
            _note(packet, "delivered to its connection")
            socket.segment(packet)
            return
        listener = self.listener(packet) if fresh else None
        _note(packet, "delivered to a listener" if listener else "nobody listens: RST")
        if listener is None:
            reset = icmp.reset_for(packet)
            if reset is not None:
                reset.tos = packet.tos
                self.namespace.send(reset, owner=())
            return
        socket = TcpSocket(self.namespace, key, State.SYN_RECV)
        socket.handler = listener.handler
        self.connections[key] = socket
        socket.accept(packet)

    def _deliver_udp(self, context: Context) -> None:
        packet = context.packet
        key = (packet.family, packet.dst, packet.dport, packet.src, packet.sport)
        socket = self.datagrams.get(key)
        if socket is not None:
            _note(packet, "delivered to its socket")
            socket.answer = packet
            return
        listener = self.listener(packet)
        _note(packet, "delivered to a listener" if listener else "nobody listens: ICMP error")
        if listener is None:
            icmp.send_error(self.namespace, _detached(context), Problem.PORT_UNREACHABLE)
            return
        self._answer_datagram(listener, packet)

    def _answer_datagram(self, listener: Listener, packet: Packet) -> None:
        """Call the listener's handler and send back what it returns (never to a broadcast)."""
        family = packet.family
        local = Endpoint.of(family, packet.dst, packet.dport)
        remote = Endpoint.of(family, packet.src, packet.sport)
        payload = packet.payload
        if isinstance(payload, tuple) and isinstance(payload[1], UdpSocket):
            payload[1].reached = (listener, self.namespace, local, remote)
            payload = payload[0]
        if not callable(listener.handler):
            return
        size = packet.length - packet.header_length
        answer = listener.handler(
            Datagram(payload=payload, length=size, source=remote, destination=local)
        )
        if answer is None or self._is_broadcast(packet):
            return
        reply = pk.udp(family, packet.dst, packet.src, packet.dport, packet.sport)
        reply.length += len(answer) if isinstance(answer, bytes) else size
        reply.payload = answer
        reply.trace = packet.trace
        self.namespace.send(reply)

    def _deliver_icmp(self, context: Context) -> None:
        packet = context.packet
        _note(packet, "delivered to ICMP")
        if packet.is_icmp_error:
            self._hear_error(packet)
        elif packet.icmp_type == (8 if packet.family == 4 else 128):
            if not self._is_broadcast(packet):
                self.namespace.send(icmp.echo_reply(packet), owner=())
        elif packet.icmp_type in (0, 129) and packet.icmp_id in self.echoes:
            self.echoes[packet.icmp_id] = packet

    def _is_broadcast(self, packet: Packet) -> bool:
        return not self.namespace.is_local(packet.family, packet.dst)

    def _hear_error(self, packet: Packet) -> None:
        """Tell the socket whose packet the error quotes."""
        inner = packet.inner
        if inner is None:
            return
        key = (inner.family, inner.src, inner.sport, inner.dst, inner.dport)
        if inner.protocol == pk.TCP:
            socket = self.connections.get(key)
            if socket is not None:
                socket.fail(packet)
        elif inner.protocol == pk.UDP:
            datagram = self.datagrams.get(key)
            if datagram is not None:
                datagram.error = packet
        elif inner.is_icmp and inner.icmp_id in self.echoes:
            self.echoes[inner.icmp_id] = packet


def _note(packet: Packet, text: str) -> None:
    if packet.trace is not None:
        packet.trace.add("deliver", text)


def _detached(context: Context) -> Context:
    """A delivered packet no longer has its connection (nf_reset_ct): answers look it up."""
    context.connection = None
    return context
