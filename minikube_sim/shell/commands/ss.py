"""ss: the sockets of a namespace, in the columns of iproute2 6.1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from minikube_sim.shell.commands.options import BadUsage, parse
from netsim.netfilter.names import port_text
from netsim.packet import TCP, UDP, address_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from minikube_sim.shell.call import Call
    from netsim.namespace import Namespace

_SHORT: Final = "nalptuxs46Horeim0wSdMTZ"
_LONG: Final = ("numeric", "all", "listening", "processes", "tcp", "udp", "summary", "ipv4", "ipv6",
                "no-header", "options", "resolve", "extended", "info", "memory")
_KINDS: Final = {"-t": "tcp", "--tcp": "tcp", "-u": "udp", "--udp": "udp"}
_IDLE: Final = ("LISTEN", "TIME-WAIT", "SYN-RECV", "UNCONN", "CLOSED")
"""States that are shown only when asked for."""
_STATES: Final = {"established": "ESTAB", "listening": "LISTEN", "time-wait": "TIME-WAIT",
                  "syn-sent": "SYN-SENT", "syn-recv": "SYN-RECV", "fin-wait-1": "FIN-WAIT-1",
                  "last-ack": "LAST-ACK", "unconnected": "UNCONN", "closed": "CLOSED"}
_BACKLOG: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketInfo:
    """One socket. Addresses None: any; ports 0: any."""

    protocol: str
    state: str
    family: int
    local: int | None
    port: int
    remote: int | None = None
    remote_port: int = 0

    def end(self, *, remote: bool, numeric: bool) -> tuple[str, str]:
        """Address and port of an end as text."""
        address, port = (self.remote, self.remote_port) if remote else (self.local, self.port)
        if address is None:
            any_6 = "[::]" if self.local is not None else "*"
            text = "0.0.0.0" if self.family == 4 else any_6
        else:
            text = address_text(self.family, address)
            text = f"[{text}]" if self.family == 6 else text
        number = TCP if self.protocol == "tcp" else UDP
        return text, port_text(port, numeric, number) if port else "*"


def sockets_of(network: Namespace) -> Iterator[SocketInfo]:
    """All sockets: UDP before TCP, listeners before connections."""
    both = 6 if any(entry.family == 6 for interface in network.interfaces.values()
                    for entry in interface.addresses if interface.name != "lo") else 4
    for protocol, number in (("udp", UDP), ("tcp", TCP)):
        for (kind, port), listeners in sorted(network.sockets.listeners.items()):
            for listener in listeners if kind == number else ():
                family, address = listener.address or (both, None)
                yield SocketInfo(protocol=protocol, family=family, local=address, port=port,
                                 state="LISTEN" if number == TCP else "UNCONN")
        opened = network.sockets.connections if number == TCP else network.sockets.datagrams
        for key, socket in opened.items():
            family, local, port, remote, remote_port = key
            state = getattr(getattr(socket, "state", None), "value", "ESTAB")
            yield SocketInfo(protocol=protocol, family=family, local=local, port=port,
                             remote=remote, remote_port=remote_port, state=state)


async def ss(call: Call) -> int:
    """`ss [-tulnaps46H] [FILTER]`."""
    try:
        options, words = parse("ss", call.args, _SHORT, _LONG)
        fits, one_state = _filter(words)
    except BadUsage as error:
        return call.complain(f"{error}\nUsage: ss [ OPTIONS ]\n       ss [ OPTIONS ] [ FILTER ]",
                             255)
    every = list(sockets_of(call.machine.network))
    if options.keys() & {"-s", "--summary"}:
        _summary(call, every)
        return 0
    kinds = {_KINDS[option] for option in options if option in _KINDS} or {"tcp", "udp"}
    found = [one for one in every if one.protocol in kinds and fits(one)
             and (one_state or _asked_for(one, options)) and _of_family(one, options)]
    hidden = ({"Netid"} if len(kinds) == 1 else set()) | ({"State"} if one_state else set())
    _table(call, found, hidden, numeric=bool(options.keys() & {"-n", "--numeric"}),
           header=not options.keys() & {"-H", "--no-header"})
    return 0


def _asked_for(one: SocketInfo, options: dict[str, str]) -> bool:
    if options.keys() & {"-a", "--all"}:
        return True
    if options.keys() & {"-l", "--listening"}:
        return one.state in ("LISTEN", "UNCONN")
    return one.state not in _IDLE


def _of_family(one: SocketInfo, options: dict[str, str]) -> bool:
    wanted = {4: ("-4", "--ipv4"), 6: ("-6", "--ipv6")}
    asked = [family for family, names in wanted.items() if options.keys() & set(names)]
    return not asked or one.family in asked


# ---------------------------------------------------------------- filters


def _filter(words: Sequence[str]) -> tuple[Callable[[SocketInfo], bool], str]:
    """What `state X`, `sport = :80`, `dst 10.0.0.1` ask for, and the state. Raises BadUsage."""
    tests: list[Callable[[SocketInfo], bool]] = []
    rest, state = list(words), ""
    while rest:
        word = rest.pop(0)
        if word in ("and", "&&", "&"):
            continue
        if not rest or word not in ("state", "sport", "dport", "src", "dst"):
            raise BadUsage(f"Error: an inet prefix is expected rather than \"{word}\".")
        if rest[0] in ("=", "==", "eq"):
            del rest[0]
        value = rest.pop(0) if rest else ""
        if word == "state":
            state = _STATES.get(value, "")
            if not state:
                raise BadUsage(f"ss: wrong state name: {value}")
        tests.append(_test(word, value, state))
    return lambda one: all(test(one) for test in tests), state


def _test(word: str, value: str, state: str) -> Callable[[SocketInfo], bool]:
    if word == "state":
        return lambda one: one.state == state
    remote = word in ("dport", "dst")
    host, _, port = value.rpartition(":") if ":" in value or "port" in word else (value, "", "")

    def test(one: SocketInfo) -> bool:
        address, number = one.end(remote=remote, numeric=True)
        named = one.end(remote=remote, numeric=False)[1]
        return host in ("", "*", address) and port in ("", "*", number, named)

    return test


# ---------------------------------------------------------------- output


def _table(call: Call, found: list[SocketInfo], hidden: set[str], *, numeric: bool,
           header: bool) -> None:
    names = [name for name in ("Netid", "State") if name not in hidden]
    rows = [[*names, "Recv-Q", "Send-Q", "Local Address", "Port", "Peer Address", "Port",
             "Process"]]
    for one in found:
        local, peer = (one.end(remote=remote, numeric=numeric) for remote in (False, True))
        queue = _BACKLOG if one.state == "LISTEN" else 0
        first = {"Netid": one.protocol, "State": one.state}
        rows.append([*(first[name] for name in names), f"{0:<6}", f"{queue:<6}", *local, *peer, ""])
    shown = rows if header else rows[1:]
    widths = [max((len(row[place]) for row in shown), default=0) for place in range(len(rows[0]))]
    for row in shown:
        *left, address, port, peer_address, peer_port, process = (
            text.rjust(width) if place in (len(names) + 2, len(names) + 4) else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True)))
        call.print(" ".join([*left, f"{address}:{port}", f"{peer_address}:{peer_port}"]) + process)


def _summary(call: Call, every: list[SocketInfo]) -> None:
    tcp = [one for one in every if one.protocol == "tcp"]
    established = sum(one.state == "ESTAB" for one in tcp)
    waiting = sum(one.state == "TIME-WAIT" for one in tcp)
    idle = sum(one.state in ("CLOSED", "TIME-WAIT") for one in tcp)
    call.print(f"Total: {len(every)}\nTCP:   {len(tcp)} (estab {established}, closed {idle}, "
               f"orphaned 0, timewait {waiting})\n")
    call.print("Transport Total     IP        IPv6")
    rows = {"RAW": (0, 0), **{
        kind.upper(): tuple(sum(one.protocol == kind and one.family == family for one in every)
                            for family in (4, 6)) for kind in ("udp", "tcp")}}
    rows["INET"] = (sum(v4 for v4, _ in rows.values()), sum(v6 for _, v6 in rows.values()))
    for name, (v4, v6) in {**rows, "FRAG": (0, 0)}.items():
        call.print(f"{name}\t  {v4 + v6:<9} {v4:<9} {v6:<9}")
    call.print()
