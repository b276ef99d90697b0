"""What became of a connection, a datagram or a ping: values, never exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netsim.packet import address_text

if TYPE_CHECKING:
    from netsim.namespace import Namespace
    from netsim.tcp import TcpSocket
    from netsim.trace import Trace


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and a port, as text and number."""

    address: str
    port: int

    @classmethod
    def of(cls, family: int, address: int, port: int) -> Endpoint:
        """From numbers."""
        return cls(address_text(family, address), port)

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address \
            else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """A TCP connection stands. `local` and `remote` are the client's view, `server_local` and
    `server_remote` the view of the listener that was reached.
    """

    handler: object
    """What the listener was made with."""
    server: Namespace
    """Where the listener is."""
    local: Endpoint
    remote: Endpoint
    server_local: Endpoint
    server_remote: Endpoint
    socket: TcpSocket
    trace: Trace | None = None

    def transfer(self, sent: int, received: int) -> bool:
        """Let bytes pass both ways; False if one of the ways is broken by now."""
        return self.socket.transfer(sent, received)

    def close(self) -> None:
        """End it in the orderly way: FIN, FIN, ACK."""
        self.socket.close()

    def abort(self) -> None:
        """End it with RST."""
        self.socket.abort()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A datagram or echo request got an answer."""

    payload: object
    source: Endpoint
    """Whom the answer came from, as the sender sees it."""
    handler: object = None
    server: Namespace | None = None
    server_local: Endpoint | None = None
    server_remote: Endpoint | None = None
    ttl: int = 64
    trace: Trace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """ECONNREFUSED."""

    by: str
    """'tcp-reset' or 'icmp 3/3 from 10.0.0.1'."""
    trace: Trace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """An error of the network, or of the host's own routing."""

    error: str
    """The errno's name: EHOSTUNREACH, ENETUNREACH, ..."""
    by: str = ""
    """'icmp 3/1 from 10.0.0.1', or '' if the host itself knew."""
    seconds: float = 0.0
    """How long it takes until the error is known."""
    mtu: int = 0
    """With EMSGSIZE: what would have fitted."""
    trace: Trace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPermitted:
    """EPERM: a rule of the sending host dropped the datagram."""

    trace: Trace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedOut:
    """Nothing came back."""

    handler: object = None
    """The listener that a datagram did reach and that said nothing; None: none was reached."""
    trace: Trace | None = None


ConnectOutcome = Connected | Refused | Unreachable | TimedOut
DatagramOutcome = Answered | Refused | Unreachable | NotPermitted | TimedOut

__all__ = [
    "Answered",
    "ConnectOutcome",
    "Connected",
    "DatagramOutcome",
    "Endpoint",
    "NotPermitted",
    "Refused",
    "TimedOut",
    "Unreachable",
]
