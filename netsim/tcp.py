"""TCP sockets: handshake, one segment of data each way, the end. Models net/ipv4/tcp_input.c.

Just enough for conntrack and the rules to see what they would see of a real connection. What a
link loses by chance is sent again, as often as Linux does; what rules or a cut link drop is not,
since it would be lost again.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from netsim import packet as pk
from netsim.packet import ACK, FIN, PSH, RST, SYN, Packet

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.namespace import Namespace
    from netsim.trace import Trace

_MSS: Final = {4: 1460, 6: 1440}
_SYN_OPTIONS: Final = 20
_OPTIONS: Final = 12
_MOST_DATA: Final = 1400
_M32: Final = 0xFFFFFFFF
_SYN_WAITS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Seconds before a SYN is sent again (tcp_syn_retries 6)."""
_DATA_WAITS: Final = tuple(0.2 * 2 ** n for n in range(9))
"""Seconds before data is sent again."""

SocketKey = tuple[int, int, int, int, int]
"""(family, local address, local port, remote address, remote port)."""


class State(Enum):
    """TCP_SYN_SENT, ..."""

    SYN_SENT = "SYN-SENT"
    SYN_RECV = "SYN-RECV"
    ESTABLISHED = "ESTAB"
    FIN_WAIT = "FIN-WAIT-1"
    LAST_ACK = "LAST-ACK"
    CLOSED = "CLOSED"


class TcpSocket:
    """One end of a connection."""

    __slots__ = ("bare", "error", "handler", "key", "namespace", "next_seq", "peer", "received",
                 "seconds", "state", "trace", "wanted_ack")

    def __init__(self, namespace: Namespace, key: SocketKey, state: State) -> None:
        self.namespace = namespace
        self.key = key
        self.state = state
        self.handler: object = None
        """Of the listener, at the server's end."""
        self.peer: TcpSocket | None = None
        """The other end, known once its segment came."""
        self.error: Packet | str | None = None
        """What ended an attempt to connect: the RST or ICMP error, or an errno's name."""
        self.next_seq = namespace.random.getrandbits(32)
        self.wanted_ack = 0
        self.received = 0
        """Bytes of data that came in."""
        self.bare = False
        """The other side speaks without TCP options."""
        self.trace: Trace | None = None
        self.seconds = 0.0
        """How long the handshake took, on links with latency or loss."""

    def _segment(self, flags: int, data: int = 0) -> Packet:
        family, local, port, remote, remote_port = self.key
        packet = Packet(family, pk.TCP, local, remote, port, remote_port)
        packet.trace = self.trace
        if flags & SYN:
            packet.options = 4 if self.bare else _SYN_OPTIONS
            packet.mss = _MSS[family]
            packet.wscale = -1 if self.bare else 7
            packet.payload = self
        elif not self.bare:
            packet.options = _OPTIONS
            packet.window = 502
        pk.tcp(packet, flags, self.next_seq, self.wanted_ack, data)
        control = bool(flags & SYN) + bool(flags & FIN)
        self.next_seq = self.next_seq + data + control & _M32
        return packet

    def _emit(self, flags: int, data: int = 0) -> str:
        return self.namespace.send(self._segment(flags, data))

    # ------------------------------------------------------------ what programs do

    def connect(self) -> None:
        """Send the SYN and let the network run."""
        began = self._spent()
        self._insist(self._synchronize, _SYN_WAITS)
        self.seconds -= began if self.seconds else 0.0

    def _spent(self) -> float:
        """Seconds that all links have taken so far."""
        medium = self.namespace.wire.medium
        return medium.elapsed + medium.waited if medium is not None else 0.0

    def _synchronize(self) -> bool:
        """Send a SYN and let the network run; whether that is the end of it."""
        error = self._emit(SYN)
        if error and error != "EPERM":
            self.error = error
            self._forget()
        self.namespace.wire.run()
        return self.state is not State.SYN_SENT

    def _insist(self, attempt: Callable[[], bool], waits: tuple[float, ...]) -> bool:
        """Attempt something, and again with the same numbers while chance loses its frames."""
        medium = self.namespace.wire.medium
        if medium is None:
            return attempt()
        unlucky, number = medium.unlucky, self.next_seq
        for wait in (*waits, 0.0):
            if attempt():
                return True
            self.next_seq = number  # it is still to be sent, now or when the link is mended
            if medium.unlucky == unlucky or not wait:
                break
            medium.waited += wait
            unlucky = medium.unlucky
        return False

    def transfer(self, sent: int, received: int) -> bool:
        """Data both ways; False if it does not arrive."""
        peer = self.peer
        return peer is not None and self._push(sent, peer) and (
            peer._push(received, self) if received else True
        )

    def _push(self, data: int, peer: TcpSocket) -> bool:
        before = peer.received
        if self.state is not State.ESTABLISHED:
            return False

        def send() -> bool:
            self._emit(PSH | ACK, min(data, _MOST_DATA))
            self.namespace.wire.run()
            return peer.received > before or data == 0

        return self._insist(send, _DATA_WAITS)

    def close(self) -> None:
        """FIN, and what follows."""
        if self.state is State.ESTABLISHED:
            self.state = State.FIN_WAIT
            self._emit(FIN | ACK)
            self.namespace.wire.run()
        self.give_up()

    def abort(self) -> None:
        """RST."""
        if self.state is not State.CLOSED:
            self._emit(RST | ACK)
            self._forget()
            self.namespace.wire.run()
            self.give_up()

    def give_up(self) -> None:
        """Forget the connection at both ends: what is left of it has nobody to speak to."""
        self._forget()
        if self.peer is not None:
            self.peer._forget()

    def _forget(self) -> None:
        self.state = State.CLOSED
        self.namespace.sockets.connections.pop(self.key, None)

    # ------------------------------------------------------------ what comes in

    def accept(self, syn: Packet) -> None:
        """A listener got a SYN: answer it."""
        self.bare = syn.options == 0
        self.trace = syn.trace
        self.wanted_ack = syn.seq + 1 & _M32
        if isinstance(syn.payload, TcpSocket):
            self.peer = syn.payload
            self.peer.peer = self
        self._emit(SYN | ACK)

    def segment(self, packet: Packet) -> None:
        """A segment of this connection."""
        flags = packet.flags
        if flags & RST:
            self._reset(packet)
        elif self.state is State.SYN_SENT:
            self._handshake(packet)
        elif flags & ACK:
            if self.state is State.SYN_RECV:
                self.state = State.ESTABLISHED
            if self.state is State.LAST_ACK:
                self._forget()
                return
            self._data(packet)

    def _reset(self, packet: Packet) -> None:
        self.error = packet
        self._forget()

    def _handshake(self, packet: Packet) -> None:
        """SYN,ACK for our SYN."""
        if packet.flags & (SYN | ACK) != SYN | ACK or packet.ack != self.next_seq:
            return
        self.state = State.ESTABLISHED
        self.seconds = self._spent()
        self.wanted_ack = packet.seq + 1 & _M32
        if isinstance(packet.payload, TcpSocket):
            self.peer = packet.payload
        self._emit(ACK)

    def _data(self, packet: Packet) -> None:
        """Data and FIN are acknowledged, out of order ones are not."""
        data = packet.length - packet.header_length
        if packet.seq != self.wanted_ack:
            return
        self.wanted_ack = self.wanted_ack + data & _M32
        self.received += data
        if packet.flags & FIN:
            self.wanted_ack = self.wanted_ack + 1 & _M32
            self._finish()
        elif data:
            self._emit(ACK)

    def _finish(self) -> None:
        """The other side has ended."""
        if self.state is State.FIN_WAIT:
            self._emit(ACK)
            self._forget()
        else:
            self.state = State.LAST_ACK
            self._emit(FIN | ACK)

    def fail(self, error: Packet) -> None:
        """An ICMP error about our segment: it ends an attempt to connect."""
        if self.state is State.SYN_SENT:
            self.error = error
            self._forget()
