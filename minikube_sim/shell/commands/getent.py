"""getent hosts, and host: names to addresses and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from minikube_sim.shell.commands.names import RCODES, is_address, resolver_for, reverse_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from minikube_sim.dns.zone import Record
    from minikube_sim.shell.call import Call

_NOT_FOUND: Final = 2
_DATABASES: Final = {"hosts": ("AAAA", "A"), "ahosts": ("AAAA", "A"), "ahostsv4": ("A",),
                     "ahostsv6": ("AAAA",)}
"""What each asks for; the first that there is."""
_TEXTS: Final[dict[str, Callable[[Record], str]]] = {
    "A": lambda r: f"{r.name} has address {r.data[0]}",
    "AAAA": lambda r: f"{r.name} has IPv6 address {r.data[0]}",
    "CNAME": lambda r: f"{r.name} is an alias for {r.data[0]}.",
    "PTR": lambda r: f"{r.name} domain name pointer {r.data[0]}.",
    "NS": lambda r: f"{r.name} name server {r.data[0]}.",
    "SRV": lambda r: f"{r.name} has SRV record {r.data[0]} {r.data[1]} {r.data[2]} {r.data[3]}.",
    "TXT": lambda r: f"{r.name} descriptive text " + " ".join(f'"{part}"' for part in r.data),
    "SOA": lambda r: f"{r.name} has SOA record " + " ".join(str(part) for part in r.data),
}


async def getent(call: Call) -> int:
    """`getent hosts NAME...`, ahostsv4, ahostsv6: /etc/hosts, then DNS; 2 when one is not found."""
    if len(call.args) < 2 or call.args[0] not in _DATABASES:
        return call.complain(f"Unknown database: {' '.join(call.args[:1])}")
    code = 0
    for name in call.args[1:]:
        lines = await _hosts(call, name, _DATABASES[call.args[0]])
        for line in lines:
            call.print(line)
        code = code if lines else _NOT_FOUND
    return code


async def _hosts(call: Call, name: str, kinds: tuple[str, ...]) -> list[str]:
    for line in call.machine.files.get("/etc/hosts", "").splitlines():
        words = line.partition("#")[0].split()
        if name in words:
            return [f"{words[0]:<15} {' '.join(words[1:])}"]
    if is_address(name):
        found = await _records(call, reverse_name(name) + ".", "PTR")
        return [f"{name:<15} {r.data[0]}" for r in found if r.type == "PTR"][:1]
    for kind in kinds:
        found = await _records(call, name, kind)
        lines = [f"{r.data[0]!s:<15} {r.name}" for r in found if r.type == kind]
        if lines:
            return lines
    return []


async def _records(call: Call, name: str, kind: str) -> tuple[Record, ...]:
    from minikube_sim.dns.resolver import Silent

    heard = await call.machine.resolver().search(name, kind)
    return () if isinstance(heard, Silent) else heard.records


async def host(call: Call) -> int:
    """`host [-t TYPE] NAME [SERVER]`."""
    from minikube_sim.dns.resolver import Silent

    words = list(call.args)
    kind = ""
    if "-t" in words[:-1]:
        place = words.index("-t")
        kind = words[place + 1].upper()
        del words[place:place + 2]
    asker = await resolver_for(call, words[1] if len(words) > 1 else "")
    if not words or asker is None:
        return call.complain("Usage: host [-t type] name [server]")
    name, kinds = words[0], [kind] if kind else ["A", "AAAA"]
    if is_address(name):
        name, kinds = reverse_name(name) + ".", ["PTR"]
    records: dict[Record, None] = {}
    code = 0
    for one in kinds:
        heard = await asker.search(name, one)
        if isinstance(heard, Silent):
            why = "connection refused" if heard.refused else "timed out"
            call.print(f";; communications error to {heard.server}#53: {why}\n" * 2
                       + ";; no servers could be reached")
            return 1
        records |= dict.fromkeys(heard.records)
        code = heard.rcode
    for record in records:
        call.print(_TEXTS[record.type](record))
    if not records:
        call.print(f"Host {name.rstrip('.')} not found: {code}({RCODES.get(code, '?')})" if code
                   else f"{name} has no {kinds[0]} record")
    return 0 if records or not code else 1
