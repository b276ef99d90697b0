"""`-j LOG`: a line in the kernel's log. Models nf_log_syslog."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Option, Target
from netsim.netfilter.integers import parse_integer
from netsim.netfilter.text import save_string
from netsim.packet import ICMP, ICMPV6, TCP, UDP, TcpFlags, address_text

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given, Walk
    from netsim.netfilter.hooks import Verdict
    from netsim.packet import Packet

_LEVELS: Final = {
    "emerg": 0, "panic": 0, "alert": 1, "crit": 2, "error": 3, "warning": 4,
    "notice": 5, "info": 6, "debug": 7,
}
_LISTED: Final = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
"""Levels as nftables, and so iptables -L, names them."""
_FLAGS: Final = {
    "--log-tcp-sequence": 1, "--log-tcp-options": 2, "--log-ip-options": 4, "--log-uid": 8,
    "--log-macdecode": 32,
}
_WARNING: Final = 4
_PREFIX: Final = 29
_NAMES: Final = {TCP: "TCP", UDP: "UDP", ICMP: "ICMP", ICMPV6: "ICMPv6"}
_LOGGED: Final = (
    TcpFlags.URG, TcpFlags.ACK, TcpFlags.PSH, TcpFlags.RST, TcpFlags.SYN, TcpFlags.FIN,
)


def _parse_level(text: str) -> int:
    number = parse_integer(text)
    if number is not None and number <= 7:
        return number
    if text not in _LEVELS:
        raise RuleSyntaxError(f'log level "{text}" unknown\n')
    return _LEVELS[text]


@dataclass(frozen=True, slots=True)
class Log(Target):
    """Level, prefix and what else the line shows."""

    name: ClassVar[str] = "LOG"
    options: ClassVar[tuple[Option, ...]] = (
        Option("--log-level"),
        Option("--log-prefix"),
        *(Option(flag, arguments=0) for flag in _FLAGS),
    )

    level: int = _WARNING
    prefix: str = ""
    flags: int = 0

    @classmethod
    def parse(cls, given: Given) -> Self:
        """The prefix is cut after 29 characters."""
        level = _parse_level(given.text("--log-level")) if given.has("--log-level") else _WARNING
        if given.text("--log-prefix", "-") == "":
            raise RuleSyntaxError("Argument must have a minimum length of 1 characters\n")
        flags = sum(bit for option, bit in _FLAGS.items() if given.has(option))
        return cls(level, given.text("--log-prefix")[:_PREFIX], flags)

    def save(self) -> str:
        """The level only if it is not warning."""
        parts = [f"--log-prefix {save_string(self.prefix)}"] if self.prefix else []
        parts += [f"--log-level {self.level}"] if self.level != _WARNING else []
        return " ".join(parts + [option for option, bit in _FLAGS.items() if self.flags & bit])

    def listing(self, numeric: bool) -> str:
        """Flags and level as numbers if numbers are wanted."""
        prefix = f' prefix "{self.prefix}"' if self.prefix else ""
        if numeric:
            return f"LOG flags {self.flags} level {self.level}{prefix}"
        level = _LISTED[self.level]
        words = [option[6:] for option, bit in _FLAGS.items() if self.flags & bit]
        return f"LOG level {level}" + "".join(f" {word}" for word in words) + prefix

    def act(self, context: Context) -> Verdict | Walk | None:
        """The walk goes on."""
        context.volatile = True
        context.stack.log(log_line(context, self.prefix, self.flags))
        return None


def log_line(context: Context, prefix: str, flags: int = 0) -> str:
    """What the kernel logs about a packet; `flags`: those of LOG's options."""
    packet = context.packet
    line = f"{prefix}IN={context.in_interface} OUT={context.out_interface} "
    if context.physdev_in:
        line += f"PHYSIN={context.physdev_in} "
    if context.physdev_out:
        line += f"PHYSOUT={context.physdev_out} "
    line += f"{_network_part(packet)} {_transport_part(packet, flags)} "
    if flags & _FLAGS["--log-uid"] and context.socket:
        line += "UID={} GID={} ".format(*context.socket)
    return line + (f"MARK={context.mark:#x} " if context.mark else "")


def _network_part(packet: Packet) -> str:
    if packet.family == 6:
        ends = (ipaddress.IPv6Address(address).exploded for address in (packet.src, packet.dst))
        source, destination = ends
    else:
        source, destination = (address_text(4, address) for address in (packet.src, packet.dst))
    line = f"SRC={source} DST={destination} LEN={packet.length} "
    if packet.family == 6:
        return f"{line}TC={packet.tos} HOPLIMIT={packet.ttl} FLOWLBL=0"
    fragment = " DF" if packet.df else ""
    tos, precedence = packet.tos & 0x1E, packet.tos & 0xE0
    return f"{line}TOS=0x{tos:02X} PREC=0x{precedence:02X} TTL={packet.ttl} ID=0{fragment}"


def _transport_part(packet: Packet, flags: int) -> str:
    line = f"PROTO={_NAMES.get(packet.protocol, packet.protocol)}"
    if packet.is_icmp:
        return f"{line} TYPE={packet.icmp_type} CODE={packet.icmp_code}{_icmp_part(packet)}"
    if packet.protocol in (TCP, UDP):
        line += f" SPT={packet.sport} DPT={packet.dport}"
    if packet.protocol == UDP:
        return f"{line} LEN={packet.length - (20 if packet.family == 4 else 40)}"
    if packet.protocol == TCP:
        if flags & _FLAGS["--log-tcp-sequence"]:
            line += f" SEQ={packet.seq} ACK={packet.ack}"
        words = "".join(f" {flag.name}" for flag in _LOGGED if packet.flags & flag)
        return f"{line} WINDOW={packet.window} RES=0x00{words} URGP=0"
    return line


def _icmp_part(packet: Packet) -> str:
    """Numbers of an echo; what an error is about."""
    if packet.inner is None:
        return f" ID={packet.icmp_id} SEQ={packet.icmp_seq}"
    quoted = f" [{_network_part(packet.inner)} {_transport_part(packet.inner, 0)} ]"
    too_big = (packet.family, packet.icmp_type, packet.icmp_code) in ((4, 3, 4), (6, 2, 0))
    return quoted + (f" MTU={packet.icmp_seq}" if too_big else "")
