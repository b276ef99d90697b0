"""All matches, by the name that `-m` takes. One file each; a new one is a file and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netsim.netfilter.matches.addrtype import AddrType
from netsim.netfilter.matches.comment import Comment
from netsim.netfilter.matches.connlimit import ConnLimit
from netsim.netfilter.matches.connmark import ConnMark
from netsim.netfilter.matches.conntrack import Conntrack
from netsim.netfilter.matches.dscp import Dscp
from netsim.netfilter.matches.hl import HopLimit
from netsim.netfilter.matches.icmp import Icmp
from netsim.netfilter.matches.icmp6 import Icmp6
from netsim.netfilter.matches.iprange import IpRange
from netsim.netfilter.matches.length import Length
from netsim.netfilter.matches.limit import Limit
from netsim.netfilter.matches.mark import Mark
from netsim.netfilter.matches.multiport import Multiport
from netsim.netfilter.matches.nfacct import NfAcct
from netsim.netfilter.matches.owner import Owner
from netsim.netfilter.matches.physdev import PhysDev
from netsim.netfilter.matches.pkttype import PktType
from netsim.netfilter.matches.recent import Recent
from netsim.netfilter.matches.sctp import Sctp
from netsim.netfilter.matches.set import Set
from netsim.netfilter.matches.state import State
from netsim.netfilter.matches.statistic import Statistic
from netsim.netfilter.matches.tcp import Tcp
from netsim.netfilter.matches.tos import Tos
from netsim.netfilter.matches.ttl import Ttl
from netsim.netfilter.matches.udp import Udp

if TYPE_CHECKING:
    from netsim.netfilter.extension import Match

_ALL: Final[tuple[type[Match], ...]] = (
    AddrType, Comment, ConnLimit, ConnMark, Conntrack, Dscp, HopLimit, Icmp, Icmp6, IpRange, Length,
    Limit, Mark, Multiport, NfAcct, Owner, PhysDev, PktType, Recent, Sctp, Set, State, Statistic,
    Tcp, Tos, Ttl, Udp,
)

MATCHES: Final[dict[str, type[Match]]] = {match.name: match for match in _ALL}
