"""Kernel settings of a namespace by their sysctl names, as text.

Only settings that the simulation obeys exist here; the others do not (KeyError), so that nobody
believes in a setting that does nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.namespace import Namespace

_INTERFACE: Final = re.compile(r"net\.ipv4\.conf\.(.+)\.route_localnet")
_STATES: Final = ("syn_sent", "syn_recv", "established", "fin_wait", "close_wait", "last_ack",
                  "time_wait", "close")
_TIMEOUT: Final = re.compile(r"net\.netfilter\.nf_conntrack_(\w+_timeout\w*|tcp_loose)")
_TIMEOUT_FIELDS: Final = {
    "udp_timeout": "udp",
    "udp_timeout_stream": "udp_stream",
    "icmp_timeout": "icmp",
    "generic_timeout": "generic",
    "tcp_timeout_unacknowledged": "unacknowledged",
    "tcp_timeout_max_retrans": "retransmitted",
}


def _forwarding(family: int) -> tuple[Callable[[Namespace], int], Callable[[Namespace, int], None]]:
    def put(stack: Namespace, value: int) -> None:
        stack.forwarding[family] = bool(value)

    return lambda stack: stack.forwarding[family], put


def _bridge(family: int) -> tuple[Callable[[Namespace], int], Callable[[Namespace, int], None]]:
    def put(stack: Namespace, value: int) -> None:
        stack.bridge_nf[family] = bool(value)

    return lambda stack: stack.bridge_nf[family], put


def _put_max(stack: Namespace, value: int) -> None:
    stack.conntrack.max_entries = value


_SETTINGS: Final[
    dict[str, tuple[Callable[[Namespace], int], Callable[[Namespace, int], None]]]
] = {
    "net.ipv4.ip_forward": _forwarding(4),
    "net.ipv4.conf.all.forwarding": _forwarding(4),
    "net.ipv6.conf.all.forwarding": _forwarding(6),
    "net.bridge.bridge-nf-call-iptables": _bridge(4),
    "net.bridge.bridge-nf-call-ip6tables": _bridge(6),
    "net.netfilter.nf_conntrack_max": (lambda stack: stack.conntrack.max_entries, _put_max),
}


def names(stack: Namespace) -> list[str]:
    """All settings, sorted."""
    timeouts = [f"tcp_timeout_{state}" for state in _STATES]
    conntrack = [*_TIMEOUT_FIELDS, *timeouts, "tcp_loose", "count"]
    return sorted([
        *_SETTINGS,
        *(f"net.ipv4.conf.{name}.route_localnet" for name in ["all", *stack.interfaces]),
        *(f"net.netfilter.nf_conntrack_{name}" for name in conntrack),
    ])


def read(stack: Namespace, name: str) -> str:
    """A setting. Raises KeyError if there is no such one."""
    name = name.replace("/", ".")
    if name in _SETTINGS:
        return str(int(_SETTINGS[name][0](stack)))
    if found := _INTERFACE.fullmatch(name):
        owner = stack if found[1] == "all" else stack.interfaces[found[1]]
        return str(int(owner.route_localnet))
    if name == "net.netfilter.nf_conntrack_count":
        return str(len(stack.conntrack))
    if found := _TIMEOUT.fullmatch(name):
        return str(int(_read_timeout(stack, found[1])))
    raise KeyError(name)


def write(stack: Namespace, name: str, value: str) -> None:
    """Change a setting. Raises KeyError if there is no such one, ValueError for a bad value."""
    name = name.replace("/", ".")
    number = int(value, 0)
    if name in _SETTINGS:
        _SETTINGS[name][1](stack, number)
    elif found := _INTERFACE.fullmatch(name):
        owner = stack if found[1] == "all" else stack.interfaces[found[1]]
        owner.route_localnet = bool(number)
    elif found := _TIMEOUT.fullmatch(name):
        _write_timeout(stack, found[1], number)
    else:
        raise KeyError(name)
    stack.rules_changed()


def _tcp_state(field: str) -> int:
    """'tcp_timeout_established' -> 3. Raises KeyError."""
    state = field.removeprefix("tcp_timeout_")
    if state not in _STATES:
        raise KeyError(field)
    return _STATES.index(state) + 1


def _read_timeout(stack: Namespace, field: str) -> float:
    timeouts = stack.conntrack.timeouts
    if field == "tcp_loose":
        return timeouts.tcp_loose
    if field in _TIMEOUT_FIELDS:
        value: float = getattr(timeouts, _TIMEOUT_FIELDS[field])
        return value
    return timeouts.tcp[_tcp_state(field)]


def _write_timeout(stack: Namespace, field: str, value: int) -> None:
    table = stack.conntrack
    if field == "tcp_loose":
        table.timeouts = replace(table.timeouts, tcp_loose=bool(value))
    elif field in _TIMEOUT_FIELDS:
        changed: dict[str, float] = {_TIMEOUT_FIELDS[field]: value}
        table.timeouts = replace(table.timeouts, **changed)  # type: ignore[arg-type]
    else:
        tcp = list(table.timeouts.tcp)
        tcp[_tcp_state(field)] = value
        table.timeouts = replace(table.timeouts, tcp=tuple(tcp))
