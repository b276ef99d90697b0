"""A packet as tcpdump prints it: `IP 10.0.0.1.4000 > 10.0.0.2.80: Flags [S], seq 1, ...`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from netsim.netfilter.names import port_text
from netsim.packet import SCTP, TCP, UDP, Packet, TcpFlags, address_text
from netsim.pcap import ip_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

_FLAGS: Final = ((TcpFlags.FIN, "F"), (TcpFlags.SYN, "S"), (TcpFlags.RST, "R"),
                 (TcpFlags.PSH, "P"), (TcpFlags.ACK, "."), (TcpFlags.URG, "U"))
_NAMES: Final = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6", 132: "SCTP"}
_DNS: Final = 53
_M32: Final = 0xFFFFFFFF
_UNREACHABLE: Final = {
    0: "net {dst} unreachable", 1: "host {dst} unreachable",
    2: "{dst} protocol {proto} unreachable",
    4: "{dst} unreachable - need to frag (mtu {mtu})",
    9: "net {dst} unreachable - admin prohibited",
    10: "host {dst} unreachable - admin prohibited",
    13: "host {dst} unreachable - admin prohibited filter",
}
_UNREACHABLE6: Final = {0: "unreachable route", 1: "unreachable prohibited",
                        3: "unreachable address", 4: "unreachable port",
                        5: "source address failed policy", 6: "reject route to destination"}
_OTHER: Final = {(11, 0): "time exceeded in-transit", (11, 1): "ip reassembly time exceeded",
                 (13, 0): "time stamp query", (14, 0): "time stamp reply"}

_FlowKey = tuple[int, int, int, int, int]


@dataclass(slots=True)
class Printer:
    """The options, and the sequence numbers that connections began with."""

    numeric: int = 0
    """How many times -n was given; any: numbers instead of names."""
    verbose: bool = False
    quiet: bool = False
    absolute: bool = False
    """-S: sequence numbers as they are."""
    hexadecimal: bool = False
    text: bool = False
    """-A: the packet's bytes as text."""
    _begun: dict[_FlowKey, int] = field(default_factory=dict)

    def line(self, packet: Packet, *, bare: bool = False) -> str:
        """One packet; `bare`: without `IP` in front, as behind -e."""
        front = "" if bare and not self.verbose else ("IP " if packet.family == 4 else "IP6 ")
        if self.verbose:
            front += self._header(packet)
        text = f"{front}{self._ends(packet)}: {self._body(packet)}"
        if self.hexadecimal:
            text += _hex(_bytes(packet))
        if self.text:
            text += "\n" + "".join(map(_letter, _bytes(packet)))
        return text

    def _header(self, packet: Packet) -> str:
        name = f"{_NAMES.get(packet.protocol, 'unknown')} ({packet.protocol})"
        if packet.family == 6:
            size = packet.length - 40
            return f"(hlim {packet.ttl}, next-header {name} payload length: {size}) "
        flags = "DF" if packet.df else "none"
        ident = 0 if packet.df else packet.seq + packet.icmp_seq & 0xFFFF
        return (f"(tos {packet.tos:#x}, ttl {packet.ttl}, id {ident}, offset 0, flags [{flags}], "
                f"proto {name}, length {packet.length})\n    ")

    def _ends(self, packet: Packet) -> str:
        ported = packet.protocol in (TCP, UDP, SCTP)
        return " > ".join(
            address_text(packet.family, address)
            + (f".{port_text(port, bool(self.numeric), packet.protocol)}" if ported else "")
            for address, port in ((packet.src, packet.sport), (packet.dst, packet.dport)))

    def _body(self, packet: Packet) -> str:
        size = packet.length - packet.header_length
        if packet.protocol == TCP:
            return f"tcp {size}" if self.quiet else self._tcp(packet, size)
        if packet.protocol == UDP:
            dns = _DNS in (packet.sport, packet.dport) and not self.quiet and _dns(packet, size)
            return dns or f"UDP, length {size}"
        if packet.is_icmp:
            size = packet.length - (20 if packet.family == 4 else 40)
            what = self._icmp(packet) if packet.family == 4 else self._icmp6(packet)
            return f"{'ICMP' if packet.family == 4 else 'ICMP6,'} {what}, length {size}"
        if packet.protocol == SCTP:
            return f"sctp{_sctp(packet)}"
        return f"ip-proto-{packet.protocol} {size}"

    # ------------------------------------------------------------ TCP

    def _tcp(self, packet: Packet, size: int) -> str:
        flags = "".join(letter for bit, letter in _FLAGS if packet.flags & bit) or "none"
        text = f"Flags [{flags}]"
        first, second = self._relative(packet)
        if size or packet.flags & (TcpFlags.SYN | TcpFlags.FIN | TcpFlags.RST):
            text += f", seq {first}" + (f":{first + size}" if size else "")
        if packet.flags & TcpFlags.ACK:
            text += f", ack {second}"
        text += f", win {packet.window}{_options(packet)}, length {size}"
        data = _payload(packet)
        if size and data and 80 in (packet.sport, packet.dport):
            line = data.split(b"\r\n", 1)[0].decode("latin-1")
            text += f": HTTP: {line}"
        return text

    def _relative(self, packet: Packet) -> tuple[int, int]:
        """Sequence and acknowledged number, counted from where the connection began."""
        here = (packet.family, packet.src, packet.sport, packet.dst, packet.dport)
        there = (packet.family, packet.dst, packet.dport, packet.src, packet.sport)
        if packet.flags & TcpFlags.SYN:
            self._begun[here] = packet.seq
            return packet.seq, packet.ack
        if self.absolute:
            return packet.seq, packet.ack
        resets = packet.flags & TcpFlags.RST and here not in self._begun
        first = packet.seq if resets else packet.seq - self._begun.setdefault(here, packet.seq - 1)
        known = self._begun.get(there)
        if resets or known is None:
            known = 0 if resets else self._begun.setdefault(there, packet.ack - 1)
        return first & _M32, packet.ack - known & _M32

    # ------------------------------------------------------------ ICMP

    def _icmp(self, packet: Packet) -> str:
        kind, code, inner = packet.icmp_type, packet.icmp_code, packet.inner
        if kind in (0, 8):
            word = "request" if kind == 8 else "reply"
            return f"echo {word}, id {packet.icmp_id}, seq {packet.icmp_seq}"
        if kind == 3 and inner is not None:
            return self._unreachable(inner, code, packet)
        return _OTHER.get((kind, code), f"type-#{kind}")

    def _unreachable(self, inner: Packet, code: int, packet: Packet) -> str:
        dst = address_text(inner.family, inner.dst)
        if code == 3 and inner.protocol in (TCP, UDP):
            name = _NAMES[inner.protocol].lower()
            port = port_text(inner.dport, bool(self.numeric), inner.protocol)
            return f"{dst} {name} port {port} unreachable"
        form = _UNREACHABLE.get(code, "{dst} unreachable - #" + str(code))
        return form.format(dst=dst, proto=inner.protocol, mtu=packet.icmp_seq)

    def _icmp6(self, packet: Packet) -> str:
        kind, code, inner = packet.icmp_type, packet.icmp_code, packet.inner
        if kind in (128, 129):
            word = "request" if kind == 128 else "reply"
            return f"echo {word}, id {packet.icmp_id}, seq {packet.icmp_seq}"
        dst = address_text(6, inner.dst) if inner is not None else ""
        if kind == 1 and inner is not None:
            text = f"destination unreachable, {_UNREACHABLE6.get(code, f'unknown code {code}')}"
            if code == 4 and inner.protocol in (TCP, UDP):
                port = port_text(inner.dport, bool(self.numeric), inner.protocol)
                return f"{text}, {dst} {_NAMES[inner.protocol].lower()} port {port}"
            return text
        if kind == 2:
            return f"packet too big, mtu {packet.icmp_seq}"
        return f"time exceeded in-transit for {dst}" if kind == 3 else f"type-#{kind}"


def _options(packet: Packet) -> str:
    """TCP's options, in Linux' order; the simulation keeps no timestamps."""
    if not packet.options:
        return ""
    words = [f"mss {packet.mss}"] if packet.mss else ["nop", "nop", "TS val 0 ecr 0"]
    if packet.mss and packet.options >= 20:
        words += ["sackOK", "TS val 0 ecr 0"]
        words += ["nop", f"wscale {packet.wscale}"] if packet.wscale >= 0 else []
    return f", options [{','.join(words)}]"


def _sctp(packet: Packet) -> str:
    names = {0: "DATA", 1: "INIT", 2: "INIT ACK", 3: "SACK", 4: "HB REQ", 5: "HB ACK", 6: "ABORT",
             7: "SHUTDOWN", 8: "SHUTDOWN ACK", 9: "OP ERR", 10: "COOKIE ECHO", 11: "COOKIE ACK",
             14: "SHUTDOWN COMPLETE"}
    return f" (1) [{names.get(packet.chunk, packet.chunk)}]" if packet.chunk >= 0 else ""


def _payload(packet: Packet) -> bytes:
    payload: Any = packet.payload
    if isinstance(payload, tuple):
        payload = payload[0]
    return payload if isinstance(payload, bytes) else b""


def _bytes(packet: Packet) -> bytes:
    return ip_bytes(packet, _payload(packet))


def _letter(byte: int) -> str:
    return chr(byte) if 32 <= byte < 127 or byte in b"\t\n\r" else "."


def _hex(data: bytes) -> str:
    lines = []
    for start in range(0, len(data), 16):
        row = data[start : start + 16].hex()
        lines.append(f"\n\t0x{start:04x}:  "
                     + " ".join(row[place : place + 4] for place in range(0, len(row), 4)))
    return "".join(lines)


def _dns(packet: Packet, size: int) -> str:
    """A question or an answer of DNS; '' if it is none."""
    import dnslib

    try:
        record = dnslib.DNSRecord.parse(_payload(packet))
    except dnslib.DNSError:
        return ""
    header = record.header
    if not header.qr:
        more = f" [{len(record.ar)}au]" if record.ar else ""
        asked = ", ".join(f"{dnslib.QTYPE[q.qtype]}? {_name(q.qname)}" for q in record.questions)
        return f"{header.id}{'+' if header.rd else ''}{more} {asked} ({size})"
    code = "" if not header.rcode else f" {_RCODES.get(header.rcode, header.rcode)}"
    flags = ("*" if header.aa else "") + ("" if header.ra else "-") + ("|" if header.tc else "")
    answers = f" {_answers(record.rr)}" if record.rr else ""
    return (f"{header.id}{code}{flags} {len(record.rr)}/{len(record.auth)}/{len(record.ar)}"
            f"{answers} ({size})")


_RCODES: Final = {1: "FormErr", 2: "ServFail", 3: "NXDomain", 4: "NotImp", 5: "Refused"}


def _name(label: object) -> str:
    return str(label) if str(label).endswith(".") else f"{label}."


def _answers(records: Iterable[Any]) -> str:
    import dnslib

    texts = []
    for record in records:
        kind, data = dnslib.QTYPE[record.rtype], str(record.rdata)
        if kind == "SRV":
            data = f"{_name(record.rdata.target)}:{record.rdata.port} {record.rdata.priority} " \
                   f"{record.rdata.weight}"
        texts.append(f"{kind} {data}")
    return ", ".join(texts)
