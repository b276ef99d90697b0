"""nslookup as busybox has it: the small one of 1.28 and before, and the one of today, which asks
for every name of the search list and tells of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikube_sim.shell.commands.names import RCODES, is_address, resolver_for, reverse_name
from minikube_sim.shell.commands.nslookup import TEXTS
from netsim.packet import join_host_port

if TYPE_CHECKING:
    from minikube_sim.dns.resolver import Heard, Resolver
    from minikube_sim.shell.call import Call


async def nslookup(call: Call) -> int:
    """busybox 1.29 and later; 1 when nothing is found."""
    from minikube_sim.dns.resolver import Silent

    words, kind = _words(call)
    asker = await resolver_for(call, words[1] if len(words) > 1 else "")
    if not words or asker is None:
        return call.complain(f"nslookup: bad address '{words[1]}'" if words else
                             "BusyBox v1.36.1 multi-call binary.\n\nUsage: nslookup [-type=TYPE] "
                             "HOST [DNS_SERVER]")
    names, kinds = list(asker.conf.candidates(words[0])), [kind] if kind else ["A", "AAAA"]
    if is_address(words[0]):
        names, kinds = [reverse_name(words[0])], ["PTR"]
    server = asker.conf.nameservers[0]
    call.print(f"Server:\t\t{server}\nAddress:\t{join_host_port(server, 53)}\n")
    found = False
    for name in names:
        for one in kinds:
            heard = await asker.ask(name, one)
            if isinstance(heard, Silent):
                call.print(";; connection timed out; no servers could be reached\n")
                return 1
            found |= _tell(call, heard, quiet=one == "AAAA" and not kind)
    return 0 if found else 1


def _words(call: Call) -> tuple[list[str], str]:
    options = [word for word in call.args if word.startswith("-")]
    kinds = [word.partition("=")[2].upper() for word in options if "=" in word]
    return [word for word in call.args if not word.startswith("-")], kinds[-1] if kinds else ""


def _tell(call: Call, heard: Heard, *, quiet: bool) -> bool:
    """Tell of one answer; whether it had records."""
    if heard.rcode:
        call.print(f"** server can't find {heard.name}: {RCODES.get(heard.rcode, '?')}\n")
        return False
    if not heard.records:
        if not quiet:
            call.print(f"*** Can't find {heard.name}: No answer\n")
        return False
    if not heard.reply.authoritative:
        call.print("Non-authoritative answer:")
    for record in heard.records:
        call.print(TEXTS[record.type](record).rstrip("."))
    call.print()
    return True


async def old_nslookup(call: Call) -> int:
    """busybox up to 1.28: asks the C library, and for the names of all addresses."""
    words, _ = _words(call)
    asker = await resolver_for(call, words[1] if len(words) > 1 else "")
    if not words or asker is None:
        return call.complain("nslookup: bad server" if words else "nslookup: name wanted")
    server = asker.conf.nameservers[0]
    call.print(f"Server:    {server}")
    call.print(f"Address 1: {await _named(asker, server)}\n")
    address = words[0] if is_address(words[0]) else await asker.address(words[0])
    if address is None:
        return call.complain(f"nslookup: can't resolve '{words[0]}'")
    call.print(f"Name:      {words[0]}")
    call.print(f"Address 1: {await _named(asker, address)}")
    return 0


async def _named(asker: Resolver, address: str) -> str:
    """An address, and its name if it has one."""
    from minikube_sim.dns.resolver import Silent

    heard = await asker.ask(reverse_name(address), "PTR")
    if isinstance(heard, Silent) or not heard.records:
        return address
    return f"{address} {heard.records[0].data[0]}"
