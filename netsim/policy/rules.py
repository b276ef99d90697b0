"""From policies to rule text and names of sets: pure functions, which know no Pod.

    FORWARD ─> KUBE-NETWORK-POLICIES ─┬─ replies: go on
                                      ├─> KUBE-NETPOL-EGRESS   -s POD -j KUBE-NPE-<policies>
                                      └─> KUBE-NETPOL-INGRESS  -d POD -j KUBE-NPI-<policies>

Pods that the same policies select share one chain. It returns for what one of them allows, and
its last rule drops. Peers by label are `-m set`: the set of a selection's addresses. A named port
is a set of address and port of the Pods that have one of that name.
"""

from __future__ import annotations

import ipaddress
from base64 import b32encode
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from netsim.policy.values import EVERY_POD, Block, Policy, Selection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netsim.policy.values import Allowance, Port

TOP: Final = "KUBE-NETWORK-POLICIES"
EGRESS: Final = "KUBE-NETPOL-EGRESS"
INGRESS: Final = "KUBE-NETPOL-INGRESS"
_LONGEST_COMMENT: Final = 255


@dataclass(frozen=True, slots=True)
class Direction:
    """Ingress or egress: the words that differ."""

    name: str
    dispatch: str
    """The chain with one rule for each isolated Pod."""
    prefix: str
    own: str
    """The option that names the isolated Pod."""
    peer: str
    """The option that names the other end."""
    side: str
    """The same for a set: src or dst."""


DIRECTIONS: Final = (
    Direction("egress", EGRESS, "KUBE-NPE-", "-s", "-d", "dst"),
    Direction("ingress", INGRESS, "KUBE-NPI-", "-d", "-s", "src"),
)


@dataclass(frozen=True, slots=True)
class SetSpec:
    """A set that rules name: a selection's addresses, its named ports, or networks."""

    selection: Selection | None = None
    port: tuple[str, str] | None = None
    """(name, protocol): `hash:ip,port`."""
    networks: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """As ipset names it."""
        if self.selection is None:
            return "hash:net"
        return "hash:ip" if self.port is None else "hash:ip,port"

    def name(self, family: int) -> str:
        """At most 31 characters, as ipset allows."""
        text = f"{self.selection}{self.port}{self.networks}"
        return f"KUBE-NP{family}-{_hash(text)}"


@dataclass(frozen=True, slots=True)
class Rules:
    """The text of one policy's rules in one direction, and the sets that they name."""

    lines: tuple[str, ...]
    sets: frozenset[SetSpec]


TOP_RULES: Final = (
    '-m comment --comment "replies, and flows that were let through" '
    "-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN",
    f"-j {EGRESS}",
    f"-j {INGRESS}",
)
JUMP: Final = f'-m comment --comment "kubernetes network policies" -j {TOP}'


@lru_cache(maxsize=4096)
def _hash(text: str) -> str:
    return b32encode(sha256(text.encode()).digest()).decode()[:16]


def chain_name(direction: Direction, policies: Sequence[Policy]) -> str:
    """The chain of all Pods that exactly these policies isolate."""
    return direction.prefix + _hash(",".join(str(policy) for policy in policies))


def allowances(policy: Policy, direction: Direction) -> tuple[Allowance, ...] | None:
    """What the policy allows in a direction; None: it has no say there."""
    return policy.ingress if direction.name == "ingress" else policy.egress


def policy_rules(policy: Policy, direction: Direction, family: int) -> Rules:
    """One rule for each peer and port of what the policy allows."""
    lines: list[str] = []
    sets: set[SetSpec] = set()
    for number, allowance in enumerate(allowances(policy, direction) or ()):
        note = _comment(f"{policy} {direction.name} {number + 1}")
        for peer in _peers(allowance, direction, family):
            for port in _ports(allowance, policy, direction, family):
                parts = (peer.text, port.text, note, "-j RETURN")
                lines.append(" ".join(part for part in parts if part))
                sets |= {one for one in (peer.set, port.set) if one is not None}
    return Rules(tuple(lines), frozenset(sets))


def last_rule(policies: Sequence[Policy], direction: Direction) -> str:
    """What drops all that none of them allowed."""
    names = ", ".join(str(policy) for policy in policies)
    return f"{_comment(f'{direction.name} not allowed by {names}')} -j DROP"


@dataclass(frozen=True, slots=True)
class _Part:
    """Some words of a rule, and the set that they name."""

    text: str = ""
    set: SetSpec | None = None


def _comment(text: str) -> str:
    return f'-m comment --comment "{text[:_LONGEST_COMMENT]}"'


def _match(spec: SetSpec, family: int, sides: str, *, invert: bool = False) -> str:
    return f"-m set {'! ' if invert else ''}--match-set {spec.name(family)} {sides}"


def _peers(allowance: Allowance, direction: Direction, family: int) -> Iterator[_Part]:
    if not allowance.peers:
        yield _Part()
    for peer in allowance.peers:
        if isinstance(peer, Selection):
            wanted = SetSpec(peer)
            yield _Part(_match(wanted, family, direction.side), wanted)
        elif ipaddress.ip_network(peer.cidr, strict=False).version == family:
            yield _block(peer, direction, family)


def _block(block: Block, direction: Direction, family: int) -> _Part:
    network = ipaddress.ip_network(block.cidr, strict=False)
    text = f"{direction.peer} {network}" if network.prefixlen else ""
    if not block.excepted:
        return _Part(text)
    excepted = SetSpec(networks=tuple(sorted(
        str(ipaddress.ip_network(one, strict=False)) for one in block.excepted)))
    return _Part(f"{text} {_match(excepted, family, direction.side, invert=True)}".strip(),
                 excepted)


def _ports(allowance: Allowance, policy: Policy, direction: Direction,
           family: int) -> Iterator[_Part]:
    """A port is always one of the Pod that the connection goes to."""
    if not allowance.ports:
        yield _Part()
    for port in allowance.ports:
        if not port.name:
            yield _Part(_numbers(port))
            continue
        owners = policy.target if direction.name == "ingress" else EVERY_POD
        wanted = SetSpec(owners, (port.name, port.protocol))
        yield _Part(_match(wanted, family, "dst,dst"), wanted)


def _numbers(port: Port) -> str:
    protocol = port.protocol.lower()
    if port.number is None:
        return f"-p {protocol}"
    last = f":{port.last}" if port.last is not None and port.last != port.number else ""
    return f"-p {protocol} -m {protocol} --dport {port.number}{last}"
