"""Sets of addresses, networks and ports, for `-m set`. Models net/netfilter/ipset and ipset(8).

A type is `hash:` or `bitmap:` and the dimensions of an element: ip, net, port. Elements are kept
per combination of prefix lengths, so that a lookup costs one probe a combination.
"""

from __future__ import annotations

import ipaddress
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from netsim.packet import SCTP, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from netsim.packet import Packet

_BITS: Final = {4: 32, 6: 128}
_PROTOCOLS: Final = {"tcp": TCP, "udp": UDP, "sctp": SCTP}
_DIMENSIONS: Final = frozenset(("ip", "net", "port"))

Part = tuple[int, int]
"""An address (network, prefix length) or a port (protocol, number; protocol 0: any)."""


class IpsetError(Exception):
    """What the command says, without `ipset v7.17: `."""


@dataclass(slots=True)
class IpSet:
    """One set."""

    name: str
    kind: str
    family: int = 4
    options: str = ""
    elements: dict[tuple[Part, ...], str] = field(default_factory=dict)
    """Elements and how `ipset list` prints them."""
    lengths: dict[tuple[int, ...], int] = field(default_factory=dict)
    """How many elements there are of each combination of prefix lengths."""

    @property
    def dimensions(self) -> list[str]:
        """'hash:ip,port' -> ['ip', 'port']."""
        return self.kind.partition(":")[2].split(",")

    def holds(self, packet: Packet, directions: Sequence[str]) -> bool:
        """Whether an element covers the packet's ends; one direction a dimension."""
        if packet.family != self.family or len(directions) < len(self.dimensions):
            return False
        ends = [_end(packet, d, way) for d, way in zip(self.dimensions, directions, strict=False)]
        return any(self._probe(ends, lengths) for lengths in self.lengths)

    def _probe(self, ends: list[Part], lengths: tuple[int, ...]) -> bool:
        bits = _BITS[self.family]
        key = tuple(
            end if kind == "port" else (end[0] >> bits - length << bits - length, length)
            for end, kind, length in zip(ends, self.dimensions, lengths, strict=True)
        )
        return key in self.elements

    def parse(self, text: str) -> list[tuple[Part, ...]]:
        """Elements that a text stands for (a port range is many). Raises IpsetError."""
        words = text.split(",")
        if len(words) != len(self.dimensions):
            raise IpsetError("Syntax error: number of dimensions of the element is wrong.")
        plain = self.kind == "bitmap:port"
        parts = [
            list(_ports(word, plain)) if kind == "port" else list(self._networks(word))
            for word, kind in zip(words, self.dimensions, strict=True)
        ]
        return list(itertools.product(*parts))

    def _networks(self, word: str) -> Iterator[Part]:
        first, dash, last = word.partition("-")
        try:
            if dash:
                low, high = ipaddress.ip_address(first), ipaddress.ip_address(last)
                nets: Any = ipaddress.summarize_address_range(low, high)
            else:
                nets = [ipaddress.ip_network(word, strict=False)]
            for net in nets:
                yield int(net.network_address), net.prefixlen
        except (ValueError, TypeError):
            raise IpsetError(f"Syntax error: cannot parse {word}: resolving to address failed"
                             ) from None

    def add(self, element: tuple[Part, ...], text: str) -> None:
        """Put an element in."""
        self.elements[element] = text
        lengths = self._lengths(element)
        self.lengths[lengths] = self.lengths.get(lengths, 0) + 1

    def remove(self, element: tuple[Part, ...]) -> None:
        """Take an element out. Raises KeyError."""
        del self.elements[element]
        lengths = self._lengths(element)
        self.lengths[lengths] -= 1
        if not self.lengths[lengths]:
            del self.lengths[lengths]

    def _lengths(self, element: tuple[Part, ...]) -> tuple[int, ...]:
        return tuple(
            0 if kind == "port" else part[1]
            for part, kind in zip(element, self.dimensions, strict=True)
        )

    def clear(self) -> None:
        """Take all elements out."""
        self.elements.clear()
        self.lengths.clear()


def _end(packet: Packet, kind: str, direction: str) -> Part:
    if kind == "port":
        return packet.protocol, packet.sport if direction == "src" else packet.dport
    return (packet.src if direction == "src" else packet.dst), 0


def _ports(word: str, plain: bool) -> Iterator[Part]:
    """'udp:53', '80', '1000-1010'. A bitmap of ports does not tell protocols apart."""
    name, colon, numbers = word.rpartition(":")
    if colon and name not in _PROTOCOLS:
        raise IpsetError(f"Syntax error: '{name}' is invalid as a protocol")
    first, _, last = numbers.partition("-")
    protocols = (TCP, UDP, SCTP) if plain else (_PROTOCOLS.get(name, TCP),)
    try:
        for number in range(int(first), int(last or first) + 1):
            for protocol in protocols:
                yield protocol, number
    except ValueError:
        raise IpsetError(f"Syntax error: cannot parse '{word}' as a port") from None


# ---------------------------------------------------------------- the command

_Sets = dict[str, IpSet]


def _create(sets: _Sets, words: list[str], exist: bool) -> str:
    name, kind, *options = words
    family = 6 if "inet6" in options else 4
    where, _, dimensions = kind.partition(":")
    if where not in ("hash", "bitmap") or not set(dimensions.split(",")) <= _DIMENSIONS:
        raise IpsetError(f"Syntax error: unknown settype {kind}")
    if name in sets:
        if exist and sets[name].kind == kind:
            return ""
        raise IpsetError("Set cannot be created: set with the same name already exists")
    sets[name] = IpSet(name, kind, family, " ".join(options))
    return ""


def _find(sets: _Sets, name: str) -> IpSet:
    if name not in sets:
        raise IpsetError("The set with the given name does not exist")
    return sets[name]


def _add(sets: _Sets, words: list[str], exist: bool) -> str:
    found = _find(sets, words[0])
    for element in found.parse(words[1]):
        if element not in found.elements:
            found.add(element, words[1])
        elif not exist:
            raise IpsetError("Element cannot be added to the set: it's already added")
    return ""


def _delete(sets: _Sets, words: list[str], exist: bool) -> str:
    found = _find(sets, words[0])
    for element in found.parse(words[1]):
        if element in found.elements:
            found.remove(element)
        elif not exist:
            raise IpsetError("Element cannot be deleted from the set: it's not added")
    return ""


def _test(sets: _Sets, words: list[str], exist: bool) -> str:
    found = _find(sets, words[0])
    if all(element in found.elements for element in found.parse(words[1])):
        return f"{words[1]} is in set {words[0]}.\n"
    raise IpsetError(f"{words[1]} is NOT in set {words[0]}.")


def _flush(sets: _Sets, words: list[str], exist: bool) -> str:
    for found in [_find(sets, words[0])] if words else list(sets.values()):
        found.clear()
    return ""


def _destroy(sets: _Sets, words: list[str], exist: bool) -> str:
    for name in [_find(sets, words[0]).name] if words else list(sets):
        del sets[name]
    return ""


def _list(sets: _Sets, words: list[str], exist: bool) -> str:
    chosen = [_find(sets, words[0])] if words else list(sets.values())
    return "\n".join(
        f"Name: {s.name}\nType: {s.kind}\nHeader: {s.options}\nMembers:\n"
        + "".join(f"{text}\n" for text in dict.fromkeys(s.elements.values()))
        for s in chosen
    )


_COMMANDS: Final[dict[str, Callable[[_Sets, list[str], bool], str]]] = {
    "create": _create, "add": _add, "del": _delete, "test": _test, "flush": _flush,
    "destroy": _destroy, "list": _list,
}


def ipset(sets: dict[str, IpSet], argv: Sequence[str]) -> str:
    """Run `ipset argv`; what it prints. Raises IpsetError."""
    words = [word for word in argv if word not in ("-exist", "-!")]
    if not words or words[0] not in _COMMANDS:
        raise IpsetError("No command specified.")
    try:
        return _COMMANDS[words[0]](sets, words[1:], len(words) < len(argv))
    except (IndexError, ValueError) as problem:
        raise IpsetError("Syntax error: missing argument.") from problem
