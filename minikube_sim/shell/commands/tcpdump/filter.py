"""Filter expressions, as pcap-filter(7) describes them: `tcp port 80 and not src host 10.0.0.1`.

    expression = term { ("and" | "or") term }      from left to right, as libpcap reads them
    term       = "not" term | "(" expression ")" | primitive
    primitive  = [protocol] [direction] [type] value | protocol | less N | greater N
               | tcp[tcpflags] & (tcp-syn|tcp-ack) != 0
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from netsim.netfilter.names import port_number
from netsim.packet import ICMP, ICMPV6, SCTP, TCP, UDP, Packet

if TYPE_CHECKING:
    from collections.abc import Sequence

Test: TypeAlias = Callable[[Packet], bool]

_PROTOCOLS: Final[dict[str, Test]] = {
    "ip": lambda p: p.family == 4, "ip6": lambda p: p.family == 6,
    "tcp": lambda p: p.protocol == TCP, "udp": lambda p: p.protocol == UDP,
    "icmp": lambda p: p.protocol == ICMP, "icmp6": lambda p: p.protocol == ICMPV6,
    "sctp": lambda p: p.protocol == SCTP, "arp": lambda p: False, "rarp": lambda p: False,
}
_PORTED: Final = (TCP, UDP, SCTP)
_TYPES: Final = ("host", "net", "port", "portrange")
_FLAGS: Final = {"tcp-fin": 1, "tcp-syn": 2, "tcp-rst": 4, "tcp-push": 8, "tcp-ack": 16,
                 "tcp-urg": 32}
_ICMP_TYPES: Final = {"icmp-echoreply": 0, "icmp-unreach": 3, "icmp-redirect": 5, "icmp-echo": 8,
                      "icmp-timxceed": 11}
_COMPARE: Final[dict[str, Callable[[int, int], bool]]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt,
    "<=": operator.le, ">=": operator.ge,
}
_FIELDS: Final[dict[str, Callable[[Packet], int]]] = {
    "tcp[tcpflags]": lambda p: p.flags, "tcp[13]": lambda p: p.flags,
    "icmp[icmptype]": lambda p: p.icmp_type, "icmp[0]": lambda p: p.icmp_type,
    "icmp[icmpcode]": lambda p: p.icmp_code, "icmp[1]": lambda p: p.icmp_code,
    "ip[8]": lambda p: p.ttl, "ip[1]": lambda p: p.tos,
}
_TOKEN: Final = re.compile(
    r"\s*((?:tcp|icmp|ip)\s*\[\s*\w+\s*\]|&&|\|\||[!=<>]=|[()&|!=<>]|[^\s()&|!=<>]+)"
)


class FilterError(Exception):
    """An expression that pcap does not read."""


_SYNTAX: Final = "can't parse filter expression: syntax error"


def read_filter(words: Sequence[str]) -> Test:
    """What the words of an expression ask of a packet; no words: nothing. Raises FilterError."""
    text = " ".join(words)
    if not text.strip():
        return lambda packet: True
    tokens = _TOKEN.findall(text)
    reader = _Reader([token.replace(" ", "") if "[" in token else token for token in tokens])
    test = reader.expression()
    if reader.tokens:
        raise FilterError(_SYNTAX)
    return test


class _Reader:
    """One pass over the tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.qualifiers: tuple[str, str, str] = ("", "", "")
        """Protocol, direction and type of the last primitive: `port 80 or 443` repeats them."""

    def expression(self) -> Test:
        """Terms joined by and, or."""
        test = self._term()
        while self.tokens and self.tokens[0] in ("and", "&&", "or", "||"):
            both = self._next() in ("and", "&&")
            test = _joined(test, self._term(), both=both)
        return test

    def _next(self) -> str:
        if not self.tokens:
            raise FilterError(_SYNTAX)
        return self.tokens.pop(0)

    def _term(self) -> Test:
        word = self._next()
        if word in ("not", "!"):
            inner = self._term()
            return lambda packet: not inner(packet)
        if word == "(":
            inner = self.expression()
            if self._next() != ")":
                raise FilterError(_SYNTAX)
            return inner
        if "[" in word:
            return self._field(word)
        return self._primitive(word)

    # ------------------------------------------------------------ tcp[tcpflags] & tcp-syn != 0

    def _field(self, name: str) -> Test:
        if name not in _FIELDS:
            raise FilterError(f"can't parse filter expression: {name}: not simulated")
        read, protocol, mask = _FIELDS[name], _PROTOCOLS[name.partition("[")[0]], -1
        if self.tokens[:1] == ["&"]:
            self._next()
            mask = self._bits()
        compare = _COMPARE.get(self._next())
        if compare is None:
            raise FilterError(_SYNTAX)
        value = self._bits()
        return lambda packet: protocol(packet) and compare(read(packet) & mask, value)

    def _bits(self) -> int:
        """`tcp-syn`, `2`, `(tcp-syn|tcp-ack)`."""
        word = self._next()
        if word == "(":
            bits = self._bits()
            if self._next() != ")":
                raise FilterError(_SYNTAX)
        else:
            bits = _number(word)
        while self.tokens[:1] == ["|"]:
            self._next()
            bits |= self._bits()
        return bits

    # ------------------------------------------------------------ primitives

    def _primitive(self, word: str) -> Test:
        if word in ("less", "greater"):
            return _sized(_number(self._next()), least=word == "greater")
        protocol = direction = kind = ""
        if word in _PROTOCOLS:
            protocol, word = word, self._peek()
        if word in ("src", "dst"):
            direction, word = word, self._peek_after(word, protocol)
            if word in ("or", "and") and self.tokens[1:2] and self.tokens[1] in ("src", "dst"):
                direction = "" if word == "or" else "both"
                del self.tokens[:2]
                word = self._peek()
        if word in _TYPES:
            kind = word
            self._drop(word)
            word = self._peek()
        return self._value(protocol, direction, kind, word)

    def _peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def _peek_after(self, word: str, protocol: str) -> str:
        """The word behind a direction, which stands in front if a protocol did."""
        if protocol:
            self._drop(word)
        return self._peek()

    def _drop(self, word: str) -> None:
        if self.tokens[:1] == [word]:
            del self.tokens[0]

    def _value(self, protocol: str, direction: str, kind: str, word: str) -> Test:
        if protocol and not direction and not kind and not _is_value(word):
            return _PROTOCOLS[protocol]
        if not (protocol or direction or kind):
            protocol, direction, kind = self.qualifiers
        else:
            self._drop(word)
        if not word:
            raise FilterError(_SYNTAX)
        self.qualifiers = (protocol, direction, kind)
        test = _ends(kind or _guess(word), word, direction)
        return _joined(_PROTOCOLS[protocol], test, both=True) if protocol else test


def _sized(size: int, *, least: bool) -> Test:
    """By the length of the frame."""
    if least:
        return lambda packet: packet.length + 14 >= size
    return lambda packet: packet.length + 14 <= size


def _is_value(word: str) -> bool:
    """Whether a word behind a protocol is its value (`tcp port 80` has a type in between)."""
    return bool(word) and word[0].isdigit()


def _guess(word: str) -> str:
    return "net" if "/" in word else "host"


def _joined(first: Test, second: Test, *, both: bool) -> Test:
    if both:
        return lambda packet: first(packet) and second(packet)
    return lambda packet: first(packet) or second(packet)


def _number(word: str) -> int:
    known = _FLAGS.get(word, _ICMP_TYPES.get(word))
    if known is not None:
        return known
    try:
        return int(word, 0)
    except ValueError:
        raise FilterError(_SYNTAX) from None


def _ends(kind: str, word: str, direction: str) -> Test:
    """A test of one end, either or both."""
    if kind in ("port", "portrange"):
        low, high = _ports(word)

        def source(p: Packet) -> bool:
            return p.protocol in _PORTED and low <= p.sport <= high

        def destination(p: Packet) -> bool:
            return p.protocol in _PORTED and low <= p.dport <= high
    else:
        network = _network(word)
        size = 32 if network.version == 4 else 128
        shift, wanted = size - network.prefixlen, int(network.network_address)

        def source(p: Packet) -> bool:
            return p.family == network.version and (p.src ^ wanted) >> shift == 0

        def destination(p: Packet) -> bool:
            return p.family == network.version and (p.dst ^ wanted) >> shift == 0
    if direction == "src":
        return source
    if direction == "dst":
        return destination
    return _joined(source, destination, both=direction == "both")


def _ports(word: str) -> tuple[int, int]:
    low, _, high = word.partition("-")
    numbers = [port_number(part) or port_number(part, UDP) for part in (low, high or low)]
    if numbers[0] is None or numbers[1] is None:
        raise FilterError(f"can't parse filter expression: illegal port name: {word}")
    return numbers[0], numbers[1]


def _network(word: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    text, _, length = word.partition("/")
    if re.fullmatch(r"\d+(\.\d+){0,2}", text):
        parts = text.split(".")
        length = length or str(8 * len(parts))
        text = ".".join([*parts, *["0"] * (4 - len(parts))])
    try:
        return ipaddress.ip_network(f"{text}/{length}" if length else text, strict=False)
    except ValueError:
        raise FilterError(f"unknown host '{word}'") from None
