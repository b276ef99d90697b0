"""Questions and answers as bytes, by dnslib."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import dnslib
from dnslib import CLASS, QTYPE
from dnslib.label import DNSLabelError

from minikube_sim.dns.zone import Answer, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

UDP_SIZE: Final = 512
"""Longest answer over UDP to a client that names no other size (RFC 1035)."""
EDNS_SIZE: Final = 1232
_OPT: Final = 41


class Malformed(Exception):
    """Bytes that are no DNS message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question as it came."""

    ident: int
    name: str
    """As it was asked, without the last dot."""
    type: str
    recursion: bool = True
    size: int = 0
    """EDNS's size of answers; 0: no EDNS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as it came."""

    ident: int
    answer: Answer
    authoritative: bool = False
    truncated: bool = False
    recursion_available: bool = False
    size: int = 0
    """EDNS's size; 0: no EDNS."""


_DATA: Final[dict[str, Callable[[tuple[Any, ...]], Any]]] = {
    "A": lambda d: dnslib.A(d[0]),
    "AAAA": lambda d: dnslib.AAAA(d[0]),
    "CNAME": lambda d: dnslib.CNAME(d[0]),
    "NS": lambda d: dnslib.NS(d[0]),
    "PTR": lambda d: dnslib.PTR(d[0]),
    "TXT": lambda d: dnslib.TXT(list(d)),
    "SRV": lambda d: dnslib.SRV(d[0], d[1], d[2], d[3]),
    "SOA": lambda d: dnslib.SOA(d[0], d[1], tuple(d[2:])),
}


def _name(label: Any) -> str:
    return str(label).rstrip(".")


_FIELDS: Final[dict[str, Callable[[Any], tuple[str | int, ...]]]] = {
    "A": lambda d: (str(d),),
    "AAAA": lambda d: (str(d),),
    "CNAME": lambda d: (_name(d.label),),
    "NS": lambda d: (_name(d.label),),
    "PTR": lambda d: (_name(d.label),),
    "TXT": lambda d: tuple(part.decode("utf-8", "replace") for part in d.data),
    "SRV": lambda d: (d.priority, d.weight, d.port, _name(d.target)),
    "SOA": lambda d: (_name(d.mname), _name(d.rname), *d.times),
}


def ask(query: Query) -> bytes:
    """A query as bytes. Raises ValueError for an unknown type or a name that is too long."""
    record = dnslib.DNSRecord(dnslib.DNSHeader(id=query.ident, rd=int(query.recursion)))
    try:
        record.add_question(dnslib.DNSQuestion(query.name, getattr(QTYPE, query.type)))
        if query.size:
            record.add_ar(dnslib.EDNS0(udp_len=query.size))
        return bytes(record.pack())
    except (dnslib.DNSError, DNSLabelError, UnicodeError) as error:
        raise ValueError(f"{query.name!r} is not a legal name: {error}") from None


def read_query(data: bytes) -> Query:
    """A query from bytes. Raises Malformed."""
    record = _parse(data)
    if record.header.qr or len(record.questions) != 1:
        raise Malformed("not a query with one question")
    size = next((rr.edns_len for rr in record.ar if rr.rtype == _OPT), 0)
    question = record.questions[0]
    return Query(ident=record.header.id, name=_name(question.qname),
                 type=_type(question.qtype), recursion=bool(record.header.rd), size=size)


def answer(query: Query, found: Answer, *, limit: int = 0, authoritative: bool = True,
           recursion: bool = False) -> bytes:
    """An answer as bytes; what is longer than `limit` (0: none) loses its records and says so."""
    record = _packed(query, found, authoritative)
    record.header.ra = int(recursion)
    data = bytes(record.pack())
    if limit and len(data) > limit:
        cut = _packed(query, Answer(found.rcode), authoritative)
        cut.header.tc = 1
        data = bytes(cut.pack())
    return data


def _packed(query: Query, found: Answer, authoritative: bool) -> Any:
    header = dnslib.DNSHeader(id=query.ident, qr=1, aa=int(authoritative), ra=0,
                              rd=int(query.recursion))
    header.rcode = found.rcode
    question = dnslib.DNSQuestion(query.name, getattr(QTYPE, query.type, 255))
    record = dnslib.DNSRecord(header, q=question)
    record.add_answer(*_resources(found.answers, query.name))
    record.add_auth(*_resources(found.authority, query.name))
    record.add_ar(*_resources(found.additional, query.name))
    if query.size:
        record.add_ar(dnslib.EDNS0(udp_len=query.size))
    return record


def _resources(records: Iterable[Record], asked: str) -> list[Any]:
    """As dnslib has them; the name that was asked keeps its letters' case."""
    return [dnslib.RR(asked if r.name == asked.lower() else r.name, getattr(QTYPE, r.type),
                      CLASS.IN, r.ttl, _DATA[r.type](r.data)) for r in records]


def read_reply(data: bytes) -> Reply:
    """An answer from bytes. Raises Malformed."""
    record = _parse(data)
    header = record.header
    size = next((rr.edns_len for rr in record.ar if rr.rtype == _OPT), 0)
    found = Answer(header.rcode, _records(record.rr), _records(record.auth), _records(record.ar))
    return Reply(ident=header.id, answer=found, authoritative=bool(header.aa),
                 truncated=bool(header.tc), recursion_available=bool(header.ra), size=size)


def _records(resources: Iterable[Any]) -> tuple[Record, ...]:
    return tuple(Record(_name(rr.rname), _type(rr.rtype), _FIELDS[_type(rr.rtype)](rr.rdata),
                        rr.ttl) for rr in resources if _type(rr.rtype) in _FIELDS)


def _type(number: int) -> str:
    try:
        return str(QTYPE[number])
    except dnslib.DNSError:
        return f"TYPE{number}"


def known_type(text: str) -> bool:
    """Whether a word is the name of a record type."""
    return text.upper() in QTYPE.reverse


def _parse(data: bytes) -> Any:
    try:
        return dnslib.DNSRecord.parse(data)
    except (dnslib.DNSError, DNSLabelError, UnicodeError, IndexError, ValueError) as error:
        raise Malformed(str(error)) from None
