"""The types of sets, and the options that each takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of set."""

    name: str
    dimensions: tuple[str, ...]
    """Of: ip, net, port, iface, mark, mac, set."""
    revision: int
    """As the kernel shows it."""


KINDS: Final = {kind.name: kind for kind in (
    Kind("hash:ip", ("ip",), 6),
    Kind("hash:net", ("net",), 7),
    Kind("hash:ip,port", ("ip", "port"), 7),
    Kind("hash:net,port", ("net", "port"), 8),
    Kind("hash:ip,port,ip", ("ip", "port", "ip"), 7),
    Kind("hash:ip,port,net", ("ip", "port", "net"), 8),
    Kind("hash:net,net", ("net", "net"), 4),
    Kind("hash:net,port,net", ("net", "port", "net"), 4),
    Kind("hash:net,iface", ("net", "iface"), 8),
    Kind("hash:ip,mark", ("ip", "mark"), 4),
    Kind("bitmap:ip", ("ip",), 3),
    Kind("bitmap:port", ("port",), 3),
    Kind("list:set", ("set",), 3),
)}

FLAGS: Final = ("counters", "comment", "forceadd", "skbinfo")
"""Options without a value."""
VALUES: Final = ("family", "hashsize", "maxelem", "timeout", "range", "size", "netmask", "markmask",
                 "bucketsize", "initval")
