"""ip route: show, get, add, del, replace, flush; ip rule: show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from minikube_sim.shell.commands.iproute.options import (
    IpError,
    is_verb,
    print_json,
    refused,
    take,
)
from netsim.packet import address_text, parse_address
from netsim.routing import BITS, RouteKind, parse_network

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call
    from minikube_sim.shell.commands.iproute.options import Options
    from netsim.routing import Route

_LOCAL: Final = (RouteKind.LOCAL, RouteKind.BROADCAST)
_KINDS: Final = {"blackhole": RouteKind.BLACKHOLE, "unreachable": RouteKind.UNREACHABLE,
                 "prohibit": RouteKind.PROHIBIT, "unicast": RouteKind.UNICAST}
_REFUSALS: Final = {RouteKind.BLACKHOLE: "Invalid argument",
                    RouteKind.UNREACHABLE: "No route to host",
                    RouteKind.PROHIBIT: "Permission denied"}
_METRIC6: Final = 1024


def rule(call: Call, options: Options, words: list[str]) -> None:
    """Show the rules: always the three that every namespace has. Raises IpError."""
    if words and not is_verb(words[0], "show", "list", "lst"):
        raise IpError(f"ip rule {words[0]}: not simulated", 255)
    tables = [(0, "local"), (32766, "main")]
    for priority, table in tables if options.family == 6 else [*tables, (32767, "default")]:
        call.print(f"{priority}:\tfrom all lookup {table}")


def route(call: Call, options: Options, words: list[str]) -> None:
    """Show and change routes. Raises IpError."""
    verb, rest = (words[0], words[1:]) if words else ("show", [])
    if is_verb(verb, "add", "append"):
        _add(call, options, rest, replace=False)
    elif is_verb(verb, "replace", "change"):
        _add(call, options, rest, replace=True)
    elif is_verb(verb, "del", "delete"):
        _delete(call, options, rest)
    elif is_verb(verb, "get"):
        _get(call, options, rest)
    elif is_verb(verb, "show", "list", "lst"):
        _show(call, options, rest)
    else:
        raise IpError(f'Command "{verb}" is unknown, try "ip route help".', 255)


# ---------------------------------------------------------------- show


def _show(call: Call, options: Options, words: list[str]) -> None:
    table, device = take(words, "table", "main"), take(words, "dev")
    found = [
        entry for entry in _all(call, options.family or 4)
        if (table == "all" or (table == "local") == (entry.kind in _LOCAL))
        and device in ("", entry.interface.name if entry.interface else "")
    ]
    if words:
        found = _selected(found, options, words)
    if options.json:
        print_json(call, options, map(_facts, found))
        return
    for entry in found:
        text = route_text(entry, show_table=table == "all")
        call.print(text.replace(f"dev {device} ", "", 1) if device else text)


def _all(call: Call, family: int) -> list[Route]:
    routes = call.machine.network.routes[family]
    return sorted(routes, key=lambda r: (
        r.kind in _LOCAL, (r.length == 0) == (family == 6), r.network, r.length))


def _selected(found: list[Route], options: Options, words: list[str]) -> list[Route]:
    """Those that [exact|match|root] PREFIX chooses."""
    how = words.pop(0) if words[0] in ("exact", "match", "root", "to") else "exact"
    _, network, length = _prefix(words[0] if words else "", options)
    chosen = []
    for entry in found:
        shorter = min(entry.length, length)
        shift = BITS[entry.family] - shorter
        inside = entry.network >> shift == network >> shift
        if inside and (entry.length == length if how in ("exact", "to")
                       else (entry.length <= length) == (how == "match")):
            chosen.append(entry)
    return chosen


def _network(entry: Route) -> str:
    if entry.length == 0:
        return "default"
    text = address_text(entry.family, entry.network)
    return text if entry.length == BITS[entry.family] else f"{text}/{entry.length}"


def _source(entry: Route) -> str:
    """The preferred source, as the kernel sets it for what it makes itself."""
    if entry.source is not None:
        return address_text(entry.family, entry.source)
    if entry.family == 4 and entry.kind in _LOCAL and entry.interface is not None:
        near = entry.interface.address(4, entry.network)
        return address_text(4, near) if near is not None else ""
    return ""


def _pairs(entry: Route, *, show_table: bool = False) -> list[tuple[str, str]]:
    """Keyword and value, in the order in which they are printed."""
    local = entry.kind in _LOCAL
    pairs = []
    if entry.gateway is not None:
        pairs.append(("via", address_text(entry.family, entry.gateway)))
    if entry.interface is not None:
        pairs.append(("dev", entry.interface.name))
    if show_table and local:
        pairs.append(("table", "local"))
    if local or entry.protocol:
        pairs.append(("proto", entry.protocol or "kernel"))
    if entry.family == 4 and entry.interface is not None and entry.gateway is None:
        pairs.append(("scope", "host" if entry.kind is RouteKind.LOCAL else "link"))
    if source := _source(entry):
        pairs.append(("src", source))
    metric = entry.metric
    if entry.family == 6 and not metric:
        metric = 0 if local else 256 if entry.protocol else _METRIC6
    if metric or entry.family == 6:
        pairs.append(("metric", str(metric)))
    return pairs


def route_text(entry: Route, *, show_table: bool = False) -> str:
    """A route as `ip route` prints it, with the blank at its end."""
    words = [] if entry.kind is RouteKind.UNICAST else [entry.kind.value]
    words.append(_network(entry))
    words += [f"{key} {value}" for key, value in _pairs(entry, show_table=show_table)]
    return " ".join([*words, "pref medium" if entry.family == 6 else ""])


def _facts(entry: Route) -> dict[str, Any]:
    names = {"via": "gateway", "proto": "protocol", "src": "prefsrc"}
    kind = {} if entry.kind is RouteKind.UNICAST else {"type": entry.kind.value}
    pairs: dict[str, Any] = {names.get(key, key): value for key, value in _pairs(entry)}
    if "metric" in pairs:
        pairs["metric"] = int(pairs["metric"])
    return {**kind, "dst": _network(entry), **pairs, "flags": []}


# ---------------------------------------------------------------- get


def _get(call: Call, options: Options, words: list[str]) -> None:
    source, device = take(words, "from"), take(words, "iif")
    if not words:
        raise IpError("need at least a destination address")
    family, number = _address(words[0])
    network = call.machine.network
    if device and device not in network.interfaces:
        raise IpError(f'Cannot find device "{device}"')
    found = network.routes[family].lookup(number)
    if found is None:
        raise refused("Network is unreachable")
    if found.kind in _REFUSALS:
        raise refused(_REFUSALS[found.kind])
    local = found.kind is RouteKind.LOCAL
    words = ["local"] if local else []
    words.append(address_text(family, number))
    if source or family == 6:
        words.append(f"from {source or '::'}")
    if found.gateway is not None:
        words.append(f"via {address_text(family, found.gateway)}")
    words.append(f"dev {'lo' if local else found.interface.name if found.interface else ''}")
    if family == 6 and (local or found.protocol):
        words.append(f"{'table local ' if local else ''}proto {found.protocol or 'kernel'}")
    near = network.source_toward(family, number)
    if near is not None and not device:
        words.append(f"src {address_text(family, near)}")
    words.append(_get_tail(found, family, device))
    cache = "<local> " if local else ""
    iif = f"iif {device} " if device else ""
    call.print(" ".join(words) + ("" if family == 6 else f"\n    cache {cache}{iif}"))


def _get_tail(found: Route, family: int, device: str) -> str:
    if family == 6:
        return dict(_pairs(found)).get("metric", "0").join(("metric ", " pref medium"))
    return "" if device else "uid 0 "


def _address(text: str) -> tuple[int, int]:
    try:
        return parse_address(text.partition("/")[0])
    except ValueError:
        raise IpError(f'Error: any valid prefix is expected rather than "{text}".') from None


# ---------------------------------------------------------------- changes


def _prefix(text: str, options: Options) -> tuple[int, int, int]:
    """Family, network and length of `default` or a prefix. Raises IpError."""
    if text == "default":
        return options.family or 4, 0, 0
    try:
        return parse_network(text)
    except ValueError:
        raise IpError(f'Error: any valid prefix is expected rather than "{text}".') from None


def _read(words: list[str], options: Options) -> tuple[RouteKind, str, str, int, str]:
    """Kind, gateway, device, metric and prefix of what is to be changed. Raises IpError."""
    kind = _KINDS[words.pop(0)] if words and words[0] in _KINDS else RouteKind.UNICAST
    gateway, device = take(words, "via"), take(words, "dev")
    metric = take(words, "metric", "0")
    for name in ("proto", "scope", "src", "table"):
        take(words, name)
    if len(words) != 1:
        word = words[1] if words else ""
        raise IpError(f'Error: either "to" is duplicate, or "{word}" is a garbage.', 255)
    if gateway and "default" in words:
        options.family = options.family or _address(gateway)[0]
    return kind, gateway, device, int(metric), words[0]


def _add(call: Call, options: Options, words: list[str], *, replace: bool) -> None:
    kind, gateway, device, metric, text = _read(words, options)
    family, number, length = _prefix(text, options)
    network = call.machine.network
    if device and device not in network.interfaces:
        raise IpError(f'Cannot find device "{device}"')
    if kind is RouteKind.UNICAST and not gateway and not device:
        raise refused("No such device")
    old = next((r for r in network.routes[family] if (r.network, r.length, r.metric)
                == (number, length, metric) and r.kind not in _LOCAL), None)
    if old is not None and not replace:
        raise refused("File exists")
    name = text if length else ("default" if family == 4 else "default6")
    try:
        network.add_route(name, via=gateway or None, interface=device or None, kind=kind,
                          metric=metric)
    except ValueError as error:
        raise IpError(f"Error: {error}", 2) from None
    if old is not None:
        network.remove_route(old)


def _delete(call: Call, options: Options, words: list[str]) -> None:
    _, gateway, device, _, text = _read(words, options)
    family, number, length = _prefix(text, options)
    network = call.machine.network
    for entry in network.routes[family]:
        fits = (entry.network, entry.length) == (number, length) and entry.kind not in _LOCAL
        by = entry.interface.name if entry.interface else ""
        via = address_text(family, entry.gateway) if entry.gateway is not None else ""
        if fits and device in ("", by) and gateway in ("", via):
            network.remove_route(entry)
            return
    raise refused("No such process")
