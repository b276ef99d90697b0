"""What a rule sees of a packet on its way through one network stack.

One `Context` accompanies a packet from the moment it enters a namespace until it leaves it or is
delivered (over `lo` it stays the same one: mark and connection survive, as in the kernel). Matches
read it, targets write it. Models the skb's control fields plus struct nf_hook_state.

A match whose answer may differ between two packets of one flow (length, TCP flags, statistic, time,
...) sets `volatile`; so does a target that changes or logs the packet. A walk that stayed
non-volatile may be remembered for the flow (see netsim.flowcache).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import random

    from netsim.conntrack import Connection
    from netsim.netfilter.hooks import Hook
    from netsim.packet import Packet
    from netsim.trace import Trace


class CtState(Enum):
    """How the packet relates to connections (`-m conntrack --ctstate`, nft `ct state`)."""

    INVALID = "INVALID"
    NEW = "NEW"
    ESTABLISHED = "ESTABLISHED"
    RELATED = "RELATED"
    UNTRACKED = "UNTRACKED"


class AddressType(IntEnum):
    """What routing says about an address (RTN_*); names as `-m addrtype` writes them."""

    UNSPEC = 0
    UNICAST = 1
    LOCAL = 2
    BROADCAST = 3
    ANYCAST = 4
    MULTICAST = 5
    BLACKHOLE = 6
    UNREACHABLE = 7
    PROHIBIT = 8


class RejectWith(Enum):
    """How REJECT answers; values as iptables and ip6tables write them (`--reject-with`)."""

    NET_UNREACHABLE = "icmp-net-unreachable"
    HOST_UNREACHABLE = "icmp-host-unreachable"
    PROTO_UNREACHABLE = "icmp-proto-unreachable"
    PORT_UNREACHABLE = "icmp-port-unreachable"
    NET_PROHIBITED = "icmp-net-prohibited"
    HOST_PROHIBITED = "icmp-host-prohibited"
    ADMIN_PROHIBITED = "icmp-admin-prohibited"
    TCP_RESET = "tcp-reset"
    NO_ROUTE6 = "icmp6-no-route"
    ADM_PROHIBITED6 = "icmp6-adm-prohibited"
    ADDR_UNREACHABLE6 = "icmp6-addr-unreachable"
    PORT_UNREACHABLE6 = "icmp6-port-unreachable"
    POLICY_FAIL6 = "icmp6-policy-fail"
    REJECT_ROUTE6 = "icmp6-reject-route"


@dataclass(frozen=True, slots=True, kw_only=True)
class NatRange:
    """Where NAT may move one end of a flow (struct nf_nat_range2). None: that part is kept.

    Addresses are ints of the packet's family, ports 1..65535; both ends inclusive.
    """

    min_address: int | None = None
    max_address: int | None = None
    min_port: int | None = None
    max_port: int | None = None
    random: bool = False
    """--random: the port is picked by chance."""
    fully_random: bool = False
    """--random-fully."""
    persistent: bool = False
    """--persistent: the same address for a client, whatever the destination."""
    base_port: int | None = None
    """--to-destination :5000-5010/4000: shift ports by (packet's port - base_port)."""


KEEP = NatRange()
"""The null binding: nothing moves unless the reply tuple is taken."""


class Stack(Protocol):
    """What rules may ask of the namespace that they stand in."""

    name: str
    random: random.Random
    ipsets: dict[str, Any]
    """Sets by name (`-m set --match-set`); the type is that of netsim.ipset."""
    recent: dict[str, Any]
    """Lists of `-m recent` by name."""

    def now(self) -> float:
        """Seconds since 1970."""

    def address_type(
        self, family: int, address: int, interface: str | None = None,
    ) -> AddressType:
        """What routing says about an address; `interface`: as seen there (--limit-iface-in/out)."""

    def is_local(self, family: int, address: int) -> bool:
        """An address of this host (the local routing table), 127/8 included."""

    def interface_address(self, family: int, interface: str) -> int | None:
        """First address of an interface: what MASQUERADE and REDIRECT use."""

    def setup_nat(self, context: Context, nat_range: NatRange) -> bool:
        """See Context.setup_nat."""

    def rules_changed(self) -> None:
        """Forget remembered verdicts: rules, sets or policies are no longer what they were."""

    def log(self, line: str) -> None:
        """A line for the kernel's log (LOG, TRACE)."""


class Context:
    """One packet's passage through one stack; see the module's docstring."""

    __slots__ = (
        "connection",
        "hits",
        "hook",
        "in_interface",
        "mark",
        "nftrace",
        "out_interface",
        "packet",
        "physdev_in",
        "physdev_out",
        "place",
        "rejection",
        "reply",
        "socket",
        "stack",
        "state",
        "trace",
        "volatile",
    )

    def __init__(self, stack: Stack, packet: Packet, hook: Hook, in_interface: str = "") -> None:
        self.stack = stack
        self.packet = packet
        self.hook = hook
        self.in_interface = in_interface
        """'' when the packet was made here."""
        self.out_interface = ""
        """'' before routing and for packets to this host."""
        self.physdev_in = ""
        """Bridge port that a bridged packet came in by."""
        self.physdev_out = ""
        self.place: object = None
        """Where it came in: an Interface or BridgePort; None: made here."""
        self.mark = 0
        self.connection: Connection | None = None
        """None: untracked or invalid, or conntrack was not asked yet."""
        self.state = CtState.INVALID
        self.reply = False
        """The packet goes against the direction in which its connection began."""
        self.rejection: RejectWith | None = None
        """Set by REJECT, whose verdict is DROP: the stack sends this answer."""
        self.trace: Trace | None = None
        self.nftrace = False
        """Set by the TRACE target and nft `meta nftrace set 1`."""
        self.volatile = False
        self.hits: list[Any] | None = None
        """When a list: each counter (an object with `packets` and `bytes`) that the walk raises is
        appended too, so that the flow cache can raise it again.
        """
        self.socket: Any = None
        """uid and gid of the sending program, for `-m owner`; (): the kernel's own socket; None: no
        socket.
        """

    def setup_nat(self, nat_range: NatRange) -> bool:
        """Bind the connection's end that this hook may change (PREROUTING, OUTPUT: destination;
        INPUT, POSTROUTING: source). Once per flow and end. False: no free tuple, drop the packet.
        """
        return self.stack.setup_nat(self, nat_range)

    def notrack(self) -> None:
        """CT --notrack: conntrack will leave this packet alone."""
        self.state = CtState.UNTRACKED
