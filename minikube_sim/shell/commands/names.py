"""What the DNS tools share: their resolver, names of answers, reverse names."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from minikube_sim.dns.resolver import Resolver
    from minikube_sim.shell.call import Call

RCODES: Final = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP",
                 5: "REFUSED"}


def is_address(text: str) -> bool:
    """Whether a word is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def reverse_name(address: str) -> str:
    """172.17.0.6 -> 6.0.17.172.in-addr.arpa. Raises ValueError."""
    return ipaddress.ip_address(address).reverse_pointer


async def reverse_names(call: Call, address: str) -> list[str] | None:
    """What the name server calls an address; None: it says nothing."""
    from minikube_sim.dns.resolver import Silent

    heard = await call.machine.resolver().ask(reverse_name(address), "PTR")
    if isinstance(heard, Silent):
        return None
    return [str(record.data[0]) for record in heard.records if record.type == "PTR"]


def known_type(text: str) -> bool:
    """Whether a word names a record type."""
    from minikube_sim.dns import wire

    return wire.known_type(text)


async def resolver_for(call: Call, server: str = "") -> Resolver | None:
    """The machine's resolver, or one that asks `server`; None: that server has no address."""
    asker = call.machine.resolver()
    if server:
        address = await call.machine.lookup(server)
        if address is None:
            return None
        asker.conf = replace(asker.conf, nameservers=(address,))
    return asker
