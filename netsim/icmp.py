"""ICMP errors, REJECT's answers and echo replies. Models net/ipv4/icmp.c and nf_reject_ipv4.c.

Sending is not limited in rate (icmp_ratelimit 0), so that outcomes do not depend on the past.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from netsim import packet as pk
from netsim.netfilter.context import Context, CtState, RejectWith
from netsim.netfilter.hooks import Hook
from netsim.packet import LIMITED_BROADCAST, Packet, icmp_error, is_multicast
from netsim.routing import RouteKind

if TYPE_CHECKING:
    from netsim.namespace import Namespace


class Problem(Enum):
    """Why an ICMP error is sent; values are (type, code) in IPv4 and in IPv6."""

    NET_UNREACHABLE = ((3, 0), (1, 0))
    HOST_UNREACHABLE = ((3, 1), (1, 3))
    PROTOCOL_UNREACHABLE = ((3, 2), (4, 1))
    PORT_UNREACHABLE = ((3, 3), (1, 4))
    TOO_BIG = ((3, 4), (2, 0))
    NET_PROHIBITED = ((3, 9), (1, 1))
    HOST_PROHIBITED = ((3, 10), (1, 1))
    PROHIBITED = ((3, 13), (1, 1))
    TTL_EXPIRED = ((11, 0), (3, 0))
    POLICY_FAIL = ((3, 13), (1, 5))
    REJECT_ROUTE = ((3, 13), (1, 6))


_NOT_ANSWERED: Final = frozenset((1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12))
_LAST_KNOWN: Final = 18
_REDIRECT6: Final = 137
_REJECTIONS: Final = {
    RejectWith.NET_UNREACHABLE: Problem.NET_UNREACHABLE,
    RejectWith.HOST_UNREACHABLE: Problem.HOST_UNREACHABLE,
    RejectWith.PROTO_UNREACHABLE: Problem.PROTOCOL_UNREACHABLE,
    RejectWith.PORT_UNREACHABLE: Problem.PORT_UNREACHABLE,
    RejectWith.NET_PROHIBITED: Problem.NET_PROHIBITED,
    RejectWith.HOST_PROHIBITED: Problem.HOST_PROHIBITED,
    RejectWith.ADMIN_PROHIBITED: Problem.PROHIBITED,
    RejectWith.NO_ROUTE6: Problem.NET_UNREACHABLE,
    RejectWith.ADM_PROHIBITED6: Problem.PROHIBITED,
    RejectWith.ADDR_UNREACHABLE6: Problem.HOST_UNREACHABLE,
    RejectWith.PORT_UNREACHABLE6: Problem.PORT_UNREACHABLE,
    RejectWith.POLICY_FAIL6: Problem.POLICY_FAIL,
    RejectWith.REJECT_ROUTE6: Problem.REJECT_ROUTE,
}
NEIGHBOUR_SECONDS: Final = 3.0
"""How long the kernel asks for a neighbour before it says host unreachable."""


class NeighbourFailed:
    """Payload of the error about a packet whose next hop nobody has: it comes this much later."""

    seconds = NEIGHBOUR_SECONDS


def send_error(
    stack: Namespace, about: Context, problem: Problem, payload: object = None, mtu: int = 0,
) -> None:
    """Tell the sender of a packet what is wrong with it; never about an ICMP error, nor to or
    about a broadcast.
    """
    packet = about.packet
    if _is_not_answered(packet) or not packet.src or is_multicast(packet.family, packet.src):
        return
    route = stack.routes[packet.family].lookup(packet.dst)
    limited = packet.family == 4 and packet.dst == LIMITED_BROADCAST
    if limited or is_multicast(packet.family, packet.dst) or (
        route is not None and route.kind is RouteKind.BROADCAST
    ):
        return
    if route is not None and route.kind is RouteKind.LOCAL:
        source: int | None = packet.dst
    else:
        source = stack.source_toward(packet.family, packet.src)
    if source is None:
        return
    kind, code = problem.value[0 if packet.family == 4 else 1]
    error = icmp_error(source, packet, kind, code)
    error.payload = payload
    error.icmp_seq = mtu  # the header's place for it is the same
    context = _attached(stack, error, about)
    context.socket = ()
    stack.output(context)


def _is_not_answered(packet: Packet) -> bool:
    """ICMP errors, and what the kernel takes for such (icmp_pointers, is_ineligible)."""
    kind = packet.icmp_type
    if packet.protocol == pk.ICMP:
        return kind in _NOT_ANSWERED or kind > _LAST_KNOWN
    return packet.protocol == pk.ICMPV6 and (kind < 128 or kind == _REDIRECT6)


def reject(stack: Namespace, about: Context) -> None:
    """Answer a packet that REJECT dropped, as its `rejection` says."""
    rejection = about.rejection
    about.rejection = None
    if rejection is RejectWith.TCP_RESET:
        reset = reset_for(about.packet)
        if reset is not None:
            stack.output(_attached(stack, reset, about))
    elif rejection is not None and not _is_own_echo_reply(about):
        send_error(stack, about, _REJECTIONS[rejection])


def _is_own_echo_reply(about: Context) -> bool:
    """What the stack's ICMP is sending: it cannot send another meanwhile (icmp_xmit_lock)."""
    packet = about.packet
    return about.hook is Hook.OUTPUT and packet.is_icmp and packet.icmp_type in (0, 129)


def reset_for(segment: Packet) -> Packet | None:
    """The RST that answers a segment: with its ack if it has one, else acknowledging it."""
    if segment.protocol != pk.TCP or segment.flags & pk.RST:
        return None
    reset = Packet(segment.family, pk.TCP, segment.dst, segment.src, segment.dport, segment.sport)
    reset.window = 0
    reset.trace = segment.trace
    if segment.flags & pk.ACK:
        return pk.tcp(reset, pk.RST, segment.ack, 0)
    control = bool(segment.flags & pk.SYN) + bool(segment.flags & pk.FIN)
    acknowledged = segment.seq + control + segment.length - segment.header_length
    return pk.tcp(reset, pk.RST | pk.ACK, 0, acknowledged & 0xFFFFFFFF)


def echo_reply(request: Packet) -> Packet:
    """The answer to an echo request."""
    reply = Packet(request.family, request.protocol, request.dst, request.src)
    reply.icmp_type = 0 if request.family == 4 else 129
    reply.icmp_id, reply.icmp_seq = request.icmp_id, request.icmp_seq
    reply.length, reply.payload, reply.trace = request.length, request.payload, request.trace
    reply.tos, reply.df = request.tos, False
    return reply


def _attached(stack: Namespace, answer: Packet, about: Context) -> Context:
    """A context for an answer that belongs to the connection of what it answers
    (nf_ct_attach), whatever its tuple.
    """
    context = Context(stack, answer, Hook.OUTPUT)
    context.trace = answer.trace
    if about.connection is not None:
        context.connection = about.connection
        context.state = CtState.RELATED
        context.reply = not about.reply
    return context
