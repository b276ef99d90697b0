"""Bindings: which tuple a flow gets, and what becomes of its packets."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from netsim import nat
from netsim.conntrack import SRC_NAT, Connection, ConntrackTable, invert, packet_tuple
from netsim.netfilter.context import Context, CtState, NatRange
from netsim.netfilter.hooks import Hook
from netsim.packet import parse_address, parse_packet
from tests.netsim.router import Router

A, B = (parse_address(text)[1] for text in ("10.2.0.1", "10.2.0.9"))
NAT = "*nat\n{}\nCOMMIT\n"


class World:
    """A table and the bindings of flows that get through."""

    def __init__(self) -> None:
        self.table = ConntrackTable(lambda: 0.0)
        self.chance = random.Random(1)

    def bind(self, text: str, hook: Hook, wanted: NatRange) -> Connection | None:
        """Bind one end of a new flow and confirm it."""
        packet = parse_packet(text)
        flow = packet_tuple(packet)
        connection = Connection(flow, invert(flow))
        connection.expires = 1.0
        context = Context(None, packet, hook)  # type: ignore[arg-type]
        context.connection, context.state = connection, CtState.NEW
        bound = nat.setup(self.table, self.chance, context, wanted)
        return connection if bound and self.table.confirm(context) else None


def snat(world: World, client: int, port: int, **ports: object) -> int | None:
    """Source port after SNAT to one address."""
    wanted = NatRange(min_address=A, max_address=A, **ports)  # type: ignore[arg-type]
    found = world.bind(f"udp 10.1.0.{client}:{port} > 10.2.0.2:53", Hook.POSTROUTING, wanted)
    return found.reply[5] if found else None


def test_a_free_source_port_is_kept() -> None:
    assert snat(World(), 2, 4000) == 4000


def test_a_taken_source_port_is_changed_within_its_class() -> None:
    world = World()
    snat(world, 2, 4000)
    assert 1024 <= (snat(world, 3, 4000) or 0) != 4000
    snat(world, 2, 600)
    assert 600 <= (snat(world, 3, 600) or 0) < 1024
    snat(world, 2, 100)
    assert 0 < (snat(world, 3, 100) or 0) < 512


def test_a_client_keeps_its_translation_towards_other_servers() -> None:
    world = World()
    snat(world, 2, 4000)
    moved = snat(world, 3, 4000)
    wanted = NatRange(min_address=A, max_address=A)
    other = world.bind("udp 10.1.0.3:4000 > 10.2.0.7:53", Hook.POSTROUTING, wanted)
    assert other is not None
    assert other.reply[5] == moved


def test_a_range_of_ports_is_used_up_and_then_there_is_none() -> None:
    world = World()
    ports = {snat(world, client, 4000, min_port=7000, max_port=7003) for client in range(2, 6)}
    assert ports == {7000, 7001, 7002, 7003}
    assert snat(world, 6, 4000, min_port=7000, max_port=7003) is None


def test_random_fully_does_not_keep_the_port() -> None:
    world = World()
    ports = [snat(world, 2 + n, 4000, fully_random=True) for n in range(5)]
    assert 4000 not in ports
    assert len(set(ports)) == 5


def test_an_address_range_spreads_clients_and_is_stable() -> None:
    wanted = NatRange(min_address=A, max_address=B)
    found = [
        World().bind(f"udp 10.1.0.{n}:4000 > 10.2.0.2:53", Hook.POSTROUTING, wanted)
        for n in (2, 2, 3, 4, 5, 6)
    ]
    addresses = [c.reply[3] for c in found if c]
    assert all(A <= address <= B for address in addresses)
    assert addresses[0] == addresses[1]
    assert len(set(addresses)) > 1


def test_shifted_ports_keep_their_distance() -> None:
    wanted = NatRange(min_address=A, max_address=A, min_port=5000, max_port=5100, base_port=4000)
    found = World().bind("udp 10.1.0.2:9 > 10.1.0.1:4007", Hook.PREROUTING, wanted)
    assert found is not None
    assert found.reply[4] == 5007


def test_protocols_without_ports_change_only_the_address() -> None:
    wanted = NatRange(min_address=A, max_address=A)
    found = World().bind("proto47 10.1.0.2 > 10.2.0.2", Hook.POSTROUTING, wanted)
    assert found is not None
    assert found.reply[3:] == (A, 0, 0)


def test_the_end_of_a_confirmed_flow_is_not_bound_again() -> None:
    world = World()
    wanted = NatRange(min_address=A, max_address=A)
    found = world.bind("udp 10.1.0.2:4000 > 10.2.0.2:53", Hook.POSTROUTING, wanted)
    assert found is not None
    before = found.reply
    context = Context(None, parse_packet("udp 10.1.0.2:4000 > 10.2.0.2:53"),  # type: ignore[arg-type]
                      Hook.POSTROUTING)
    context.connection = found
    assert nat.setup(world.table, world.chance, context, NatRange(min_address=B, max_address=B))
    assert found.reply == before
    assert found.status & SRC_NAT


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(2, 5), st.integers(4000, 4002), st.integers(1, 3)),
                max_size=25))
def test_no_two_flows_ever_share_a_tuple_and_answers_come_home(
    flows: list[tuple[int, int, int]],
) -> None:
    router = Router()
    router.restore(NAT.format(
        "-A PREROUTING -d 10.2.0.10/31 -p udp -j DNAT --to-destination 10.2.0.2:53\n"
        "-A PREROUTING -d 10.2.0.12/32 -p udp -j DNAT --to-destination 10.2.0.2:53\n"
        "-A POSTROUTING -s 10.1.0.4/31 -j MASQUERADE"))
    for client, port, server in flows:
        (out,) = router.send(f"eth0 udp 10.1.0.{client}:{port} > 10.2.0.{9 + server}:80")
        _, _, source, _, target, *_ = out.split()
        (back,) = router.send(f"eth1 udp {target} > {source}")
        assert back.split()[2:5] == [f"10.2.0.{9 + server}:80", ">", f"10.1.0.{client}:{port}"]
    replies = [c.reply for c in router.stack.conntrack]
    assert len(replies) == len(set(replies)) == len(set(flows))
