"""Pieces of rules in the words of iptables-save, in the order in which it prints them."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from netsim.kubeproxy.values import Balancing, Family, Form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netsim.kubeproxy.values import LocalDetector, Options

__all__ = [
    "ANYWHERE",
    "ChainId",
    "Rule",
    "at",
    "balance",
    "comment",
    "head",
    "host",
    "jump",
    "local",
    "reject",
]

ChainId = tuple[str, str]
"""Table and chain."""
Rule = tuple[ChainId, str]
"""A chain and one of its rules, without `-A CHAIN`."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]+\Z")
_SPECIAL = re.compile(r"([\"'\\])")
_DECIMALS = {Form.CURRENT: 10, Form.V1_13: 5}


def comment(text: str) -> str:
    """The comment match; quoted as iptables-save quotes."""
    quoted = text if _PLAIN.match(text) else '"' + _SPECIAL.sub(r"\\\1", text) + '"'
    return f"-m comment --comment {quoted}"


def host(address: str) -> str:
    """An address as a network of one."""
    return f"{address}/128" if ":" in address else f"{address}/32"


_HEAD = {"source": "-s", "destination": "-d", "interface": "-i", "protocol": "-p"}
ANYWHERE: Mapping[str, str] = MappingProxyType({})


def head(**where: str) -> str:
    """What stands before the matches: source, destination, interface, protocol.

    A value may begin with `! `; an empty one is left out.
    """
    return " ".join(_option(o, where[name]) for name, o in _HEAD.items() if where.get(name))


def at(address: str) -> dict[str, str]:
    """The part of `head` that tells packets to an address."""
    return {"destination": host(address)}


def _option(option: str, value: str) -> str:
    return f"! {option} {value[2:]}" if value.startswith("! ") else f"{option} {value}"


def local(detector: LocalDetector, *, negated: bool = False) -> dict[str, str]:
    """The part of `head` that tells traffic of local Pods, or with `negated` all other traffic."""
    mark = "! " if negated else ""
    if detector.interface:
        return {"interface": mark + detector.interface}
    return {"source": mark + detector.source}


def jump(*parts: str) -> str:
    """The parts joined with blanks; the last is the target."""
    *matches, target = parts
    return " ".join([*(m for m in matches if m), f"-j {target}"])


def balance(left: int, options: Options) -> str:
    """The statistic match that takes one of `left` endpoints; '' for the last."""
    if left <= 1:
        return ""
    if options.balancing is Balancing.ROUND_ROBIN:
        return f"-m statistic --mode nth --every {left} --packet 0"
    return f"-m statistic --mode random --probability {_probability(left, options.form)}"


def _probability(left: int, form: Form) -> str:
    """1/left as iptables-save shows it: written with few decimals, kept in units of 2^-31."""
    written = f"{1 / left:.{_DECIMALS[form]}f}"
    return f"{round(float(written) * 2**31) / 2**31:.11f}"


def reject(family: Family) -> str:
    """REJECT with its default answer."""
    icmp = "icmp-port-unreachable" if family is Family.IPV4 else "icmp6-port-unreachable"
    return f"REJECT --reject-with {icmp}"
