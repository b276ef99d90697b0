"""`-m sctp`: ports and chunk types of an SCTP packet. Models xt_sctp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Match, Option
from netsim.netfilter.ports import (
    PortTest,
    inline_ports,
    list_ports,
    parse_both_ports,
    save_ports,
)
from netsim.packet import SCTP

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given

_CHUNKS: Final = {
    "DATA": 0, "INIT": 1, "INIT_ACK": 2, "SACK": 3, "HEARTBEAT": 4, "HEARTBEAT_ACK": 5, "ABORT": 6,
    "SHUTDOWN": 7, "SHUTDOWN_ACK": 8, "ERROR": 9, "COOKIE_ECHO": 10, "COOKIE_ACK": 11,
    "ECN_ECNE": 12, "ECN_CWR": 13, "SHUTDOWN_COMPLETE": 14, "I_DATA": 64, "RE_CONFIG": 130,
    "PAD": 132, "ASCONF": 193, "ASCONF_ACK": 128, "FORWARD_TSN": 192, "I_FORWARD_TSN": 194,
}
_NAMES: Final = {number: name for name, number in _CHUNKS.items()}
_KINDS: Final = ("all", "any", "only")


@dataclass(frozen=True, slots=True)
class ChunkTest:
    """`[!] --chunk-types any DATA,INIT`."""

    kind: str
    types: tuple[tuple[int, str], ...]
    """Chunk type and its flags as text (`:iu`), in order of the type; () means ALL."""
    inverted: bool

    def types_text(self, numeric: bool) -> str:
        """The list of types."""
        if not self.types:
            return "ALL"
        return ",".join(
            (f"0x{number:04X}" if numeric else _NAMES[number]) + flags
            for number, flags in self.types
        )


def _parse_chunks(kind: str, text: str, inverted: bool) -> ChunkTest:
    if kind not in _KINDS:
        raise RuleSyntaxError('Match type has to be one of "ALL", "ANY" or "ONLY"')
    if text.upper() == "ALL":
        return ChunkTest(kind, (), inverted)
    types = []
    for word in text.split(","):
        name, colon, flags = word.partition(":")
        if name.upper() not in _CHUNKS:
            raise RuleSyntaxError(f"Unknown sctp chunk `{name}'")
        types.append((_CHUNKS[name.upper()], ":" + "".join(sorted(flags)) if colon else ""))
    return ChunkTest(kind, tuple(sorted(types)), inverted)


@dataclass(frozen=True, slots=True)
class Sctp(Match):
    """Ports, and the type of the packet's first chunk."""

    name: ClassVar[str] = "sctp"
    protocols: ClassVar[tuple[int, ...]] = (SCTP,)
    options: ClassVar[tuple[Option, ...]] = (
        Option("--source-port", "--sport", invertible=True,
               repeated="Only one `--source-port' allowed"),
        Option("--destination-port", "--dport", invertible=True,
               repeated="Only one `--destination-port' allowed"),
        Option("--chunk-types", arguments=2, invertible=True,
               repeated="Only one `--chunk-types' allowed",
               incomplete="--chunk-types requires two args"),
    )

    sport: PortTest | None = None
    dport: PortTest | None = None
    chunks: ChunkTest | None = None

    @classmethod
    def parse(cls, given: Given) -> Self:
        """Ports as numbers, names or ranges."""
        ports = parse_both_ports(given, SCTP)
        chunks = given.get("--chunk-types")
        test = _parse_chunks(chunks.text, chunks.second, chunks.inverted) if chunks else None
        return cls(ports[0], ports[1], test)

    @property
    def exact_dport(self) -> int | None:
        """--dport with one port."""
        return self.dport.exact if self.dport else None

    @property
    def only_dport(self) -> bool:
        """--dport alone."""
        return not (self.sport or self.chunks)

    @property
    def pure(self) -> bool:
        """If it looks at the ports alone."""
        return self.chunks is None

    @property
    def always(self) -> bool:  # type: ignore[override]
        """If it tests nothing: -p does."""
        return self.pure and not (self.sport or self.dport)

    def inline(self, constant: Callable[[object], str]) -> str | None:
        """The ports, if there is nothing else."""
        if not self.pure:
            return None
        return inline_ports(self.sport, self.dport, constant, together=False)

    def save(self) -> str:
        """Ports and chunks."""
        text = save_ports("--sport", self.sport) + save_ports("--dport", self.dport)
        if self.chunks:
            text += f"{' !' if self.chunks.inverted else ''} --chunk-types {self.chunks.kind} "
            text += self.chunks.types_text(numeric=False)
        return text[1:]

    def listing(self, numeric: bool) -> str:
        """Chunk types are numbers when numbers are wanted."""
        text = "sctp" + list_ports("spt", self.sport, numeric, SCTP)
        text += list_ports("dpt", self.dport, numeric, SCTP)
        if self.chunks:
            text += f"{' !' if self.chunks.inverted else ''} {self.chunks.kind} "
            text += self.chunks.types_text(numeric)
        return text

    def matches(self, context: Context) -> bool:
        """Ports and chunks, where asked for; packets here have one chunk, whose flags are clear."""
        packet = context.packet
        if self.sport and not self.sport.accepts(packet.sport):
            return False
        if self.dport and not self.dport.accepts(packet.dport):
            return False
        if self.chunks is None:
            return True
        context.volatile = True
        return _chunk_matches(self.chunks, packet.chunk) != self.chunks.inverted


def _chunk_matches(test: ChunkTest, chunk: int) -> bool:
    listed = {number for number, _ in test.types} if test.types else set(range(256))
    if test.kind == "all":
        return listed <= {chunk}
    return chunk in listed
