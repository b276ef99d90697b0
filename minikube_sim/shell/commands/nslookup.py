"""nslookup as bind's dnsutils print it (9.18)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from minikube_sim.shell.commands.names import (
    RCODES,
    is_address,
    known_type,
    resolver_for,
    reverse_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from minikube_sim.dns.resolver import Heard, Silent
    from minikube_sim.dns.zone import Record
    from minikube_sim.shell.call import Call

TEXTS: Final[dict[str, Callable[[Record], str]]] = {
    "A": lambda r: f"Name:\t{r.name}\nAddress: {r.data[0]}",
    "AAAA": lambda r: f"Name:\t{r.name}\nAddress: {r.data[0]}",
    "CNAME": lambda r: f"{r.name}\tcanonical name = {r.data[0]}.",
    "PTR": lambda r: f"{r.name}\tname = {r.data[0]}.",
    "NS": lambda r: f"{r.name}\tnameserver = {r.data[0]}.",
    "SRV": lambda r: f"{r.name}\tservice = {r.data[0]} {r.data[1]} {r.data[2]} {r.data[3]}.",
    "TXT": lambda r: f"{r.name}\ttext = " + " ".join(f'"{part}"' for part in r.data),
    "SOA": lambda r: (
        f"{r.name}\n\torigin = {r.data[0]}\n\tmail addr = {r.data[1]}\n\tserial = {r.data[2]}\n"
        f"\trefresh = {r.data[3]}\n\tretry = {r.data[4]}\n\texpire = {r.data[5]}\n"
        f"\tminimum = {r.data[6]}"),
}
"""Records as lines, by type."""
_ADDRESSES: Final = ("A", "AAAA")


async def nslookup(call: Call) -> int:
    """`nslookup [-type=TYPE] NAME [SERVER]`; 1 when the name is not found."""
    options = [word for word in call.args if word.startswith("-")]
    words = [word for word in call.args if not word.startswith("-")]
    kind = ""
    for option in options:
        key, _, value = option.lstrip("-").partition("=")
        if key in ("type", "query", "q", "querytype"):
            kind = value.upper()
    if not words:
        return call.complain("nslookup: interactive mode is not there; give a name")
    if kind and not known_type(kind):
        call.print(f"unknown query type: {kind}")
        kind = ""
    asker = await resolver_for(call, words[1] if len(words) > 1 else "")
    if asker is None:
        call.print(f"nslookup: couldn't get address for '{words[1]}': not found")
        return 1
    name, wanted = words[0], (kind,) if kind else _ADDRESSES
    if is_address(name) and not kind:
        name, wanted = reverse_name(name) + ".", ("PTR",)
    heard = [await asker.search(name, one) for one in wanted]
    return _tell(call, words[0], heard)


def _tell(call: Call, name: str, heard: list[Heard | Silent]) -> int:
    from minikube_sim.dns.resolver import Silent

    first = heard[0]
    if isinstance(first, Silent):
        why = "connection refused" if first.refused else "timed out"
        call.print(f";; communications error to {first.server}#53: {why}\n" * 3, end="")
        call.print(";; no servers could be reached\n")
        return 1
    answers = [one for one in heard if not isinstance(one, Silent)]
    if not any(r.type == "PTR" for r in first.records):
        call.print(f"Server:\t\t{first.server}\nAddress:\t{first.server}#53\n")
    found = dict.fromkeys(record for one in answers for record in one.records)
    if not found:
        if first.rcode:
            call.print(f"** server can't find {name}: {RCODES.get(first.rcode, 'FORMERR')}\n")
        else:
            call.print(f"*** Can't find {name}: No answer\n")
        return 1
    if not first.reply.authoritative:
        call.print("Non-authoritative answer:")
    for record in found:
        call.print(TEXTS[record.type](record))
    call.print()
    return 0
