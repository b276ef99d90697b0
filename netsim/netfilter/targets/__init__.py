"""All targets, by the name that `-j` takes. One file each; a new one is a file and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netsim.netfilter.targets.connmark import ConnMarkTarget
from netsim.netfilter.targets.ct import Ct
from netsim.netfilter.targets.dnat import Dnat
from netsim.netfilter.targets.dscp import DscpTarget
from netsim.netfilter.targets.hl import HopLimitTarget
from netsim.netfilter.targets.log import Log
from netsim.netfilter.targets.mark import SetMark
from netsim.netfilter.targets.masquerade import Masquerade
from netsim.netfilter.targets.netmap import NetMap
from netsim.netfilter.targets.notrack import NoTrack
from netsim.netfilter.targets.redirect import Redirect
from netsim.netfilter.targets.reject import Reject
from netsim.netfilter.targets.set import SetTarget
from netsim.netfilter.targets.snat import Snat
from netsim.netfilter.targets.standard import Accept, Drop, Return
from netsim.netfilter.targets.tcpmss import TcpMss
from netsim.netfilter.targets.tos import TosTarget
from netsim.netfilter.targets.trace import TraceTarget
from netsim.netfilter.targets.ttl import TtlTarget

if TYPE_CHECKING:
    from netsim.netfilter.extension import Target

_ALL: Final[tuple[type[Target], ...]] = (
    Accept, ConnMarkTarget, Ct, Dnat, Drop, DscpTarget, HopLimitTarget, Log, Masquerade, NetMap,
    NoTrack, Redirect, Reject, Return, SetMark, SetTarget, Snat, TcpMss, TosTarget, TraceTarget,
    TtlTarget,
)

TARGETS: Final[dict[str, type[Target]]] = {target.name: target for target in _ALL}
