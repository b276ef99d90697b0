"""Connections: states, timeouts, the size of the table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsim.conntrack import ASSURED, ConntrackTable, TcpState, invert, packet_tuple
from netsim.conntrack.text import connection_text
from netsim.netfilter.context import Context, CtState
from netsim.netfilter.hooks import Hook
from netsim.packet import parse_packet


class World:
    """A table, a clock, and packets that always get through."""

    def __init__(self, max_entries: int = 1000) -> None:
        self.time = 0.0
        self.table = ConntrackTable(lambda: self.time, max_entries)

    def see(self, text: str) -> str:
        """The state of a packet; 'drop' if conntrack drops it."""
        context = Context(None, parse_packet(text), Hook.PREROUTING)  # type: ignore[arg-type]
        if not self.table.track(context) or not self.table.confirm(context):
            return "drop"
        return context.state.value

    def line(self) -> str:
        """The only entry, as conntrack -L prints it."""
        (connection,) = self.table
        return connection_text(connection, self.time)

    def seconds(self) -> float:
        """How long the only entry has."""
        (connection,) = self.table
        return connection.expires - self.time


THERE, BACK = "10.0.0.1:4000 > 10.0.0.2:80", "10.0.0.2:80 > 10.0.0.1:4000"


def handshake(world: World) -> None:
    world.see(f"tcp {THERE} S seq=100")
    world.see(f"tcp {BACK} SA seq=500 ack=101")
    world.see(f"tcp {THERE} A seq=101 ack=501")


def test_a_handshake_leads_to_established_and_assured() -> None:
    world = World()
    handshake(world)
    (connection,) = world.table
    assert connection.state == TcpState.ESTABLISHED
    assert connection.status & ASSURED
    assert world.seconds() == 432000


@pytest.mark.parametrize(("steps", "state", "seconds"), [
    ([], "ESTABLISHED", 432000),
    ([(THERE, "FA seq=101 ack=501")], "FIN_WAIT", 120),
    ([(THERE, "FA seq=101 ack=501"), (BACK, "A seq=501 ack=102")], "CLOSE_WAIT", 60),
    ([(THERE, "FA seq=101 ack=501"), (BACK, "FA seq=501 ack=102")], "LAST_ACK", 30),
    ([(THERE, "FA seq=101 ack=501"), (BACK, "FA seq=501 ack=102"),
      (THERE, "A seq=102 ack=502")], "TIME_WAIT", 120),
    ([(BACK, "RA seq=501 ack=101")], "CLOSE", 10),
])
def test_states_and_timeouts_of_the_end(
    steps: list[tuple[str, str]], state: str, seconds: float,
) -> None:
    world = World()
    handshake(world)
    for ends, rest in steps:
        assert world.see(f"tcp {ends} {rest}") == "ESTABLISHED"
    assert f" {state} " in world.line()
    assert world.seconds() <= seconds
    assert world.seconds() >= min(seconds, 300) - 180 * (state == "FIN_WAIT")


def test_unacknowledged_data_shortens_the_timeout() -> None:
    world = World()
    handshake(world)
    world.see(f"tcp {THERE} PA seq=101 ack=501 len=10")
    assert world.seconds() == 300
    world.see(f"tcp {BACK} A seq=501 ack=111")
    assert world.seconds() == 432000


def test_a_reset_for_an_unanswered_syn_ends_the_entry_at_once() -> None:
    world = World()
    world.see(f"tcp {THERE} S seq=100")
    assert world.see(f"tcp {BACK} RA seq=0 ack=101") == "ESTABLISHED"
    assert len(world.table) == 0


def test_a_syn_reopens_a_connection_that_is_over() -> None:
    world = World()
    handshake(world)
    world.see(f"tcp {THERE} FA seq=101 ack=501")
    world.see(f"tcp {BACK} FA seq=501 ack=102")
    world.see(f"tcp {THERE} A seq=102 ack=502")
    assert world.see(f"tcp {THERE} S seq=9000") == "NEW"
    assert " SYN_SENT " in world.line()


def test_a_syn_on_an_established_connection_is_let_through_and_teaches_nothing() -> None:
    world = World()
    handshake(world)
    assert world.see(f"tcp {THERE} S seq=7000") == "ESTABLISHED"
    assert " ESTABLISHED " in world.line()


@pytest.mark.parametrize("flags", ["SA", "FA", "F", "R", "RA", "-", "SF", "SR"])
def test_what_cannot_begin_a_connection_is_invalid(flags: str) -> None:
    world = World()
    assert world.see(f"tcp {THERE} {flags}") == "INVALID"
    assert len(world.table) == 0


def test_a_lone_ack_is_picked_up_with_a_short_timeout() -> None:
    world = World()
    assert world.see(f"tcp {THERE} A seq=5 ack=6") == "NEW"
    assert "ESTABLISHED" in world.line()
    assert "[UNREPLIED]" in world.line()
    assert world.seconds() == 300


@pytest.mark.parametrize("rest", ["PA seq=900000000 ack=501 len=4", "A seq=101 ack=900000000"])
def test_segments_out_of_the_window_are_invalid(rest: str) -> None:
    world = World()
    handshake(world)
    assert world.see(f"tcp {THERE} {rest}") == "INVALID"
    assert world.see(f"tcp {THERE} A seq=101 ack=501") == "ESTABLISHED"


def test_sequence_numbers_wrap() -> None:
    world = World()
    world.see(f"tcp {THERE} S seq=4294967295")
    world.see(f"tcp {BACK} SA seq=4294967290 ack=0")
    world.see(f"tcp {THERE} A seq=0 ack=4294967291")
    for number in range(5):
        text = f"tcp {BACK} PA seq={(4294967291 + 10 * number) % 2**32} ack=0 len=10"
        assert world.see(text) == "ESTABLISHED"


def test_udp_becomes_a_stream_after_two_seconds_both_ways() -> None:
    world = World()
    world.see(f"udp {THERE}")
    world.see(f"udp {BACK}")
    world.see(f"udp {THERE}")
    assert world.seconds() == 30
    assert "[ASSURED]" not in world.line()
    world.time = 2.5
    world.see(f"udp {THERE}")
    assert world.seconds() == 120
    assert "[ASSURED]" in world.line()


def test_an_expired_entry_is_gone_for_packets_lookups_and_lists() -> None:
    world = World()
    world.see(f"udp {THERE}")
    world.time = 30.0
    assert world.see(f"udp {BACK}") == "NEW"
    world.time = 100.0
    assert len(world.table) == 0


@pytest.mark.parametrize(("text", "state"), [
    ("icmp 10.0.0.1 > 10.0.0.2 echo id=1 seq=1", "NEW"),
    ("icmp 10.0.0.1 > 10.0.0.2 reply id=1 seq=1", "INVALID"),
    ("icmp 10.0.0.1 > 10.0.0.2 type 13/0", "NEW"),
    ("icmp 10.0.0.2 > 10.0.0.1 type 3/3 [udp 10.0.0.1:4000 > 10.0.0.2:80]", "INVALID"),
    ("icmpv6 fd00::1 > fd00::2 echo id=1 seq=1", "NEW"),
    ("icmpv6 fd00::1 > fd00::2 type 135/0", "UNTRACKED"),
    ("proto47 10.0.0.1 > 10.0.0.2", "NEW"),
    ("sctp 10.0.0.1:1 > 10.0.0.2:2 init", "NEW"),
    ("sctp 10.0.0.1:1 > 10.0.0.2:2 abort", "INVALID"),
])
def test_first_packets(text: str, state: str) -> None:
    assert World().see(text) == state


@pytest.mark.parametrize(("family", "flow", "error"), [
    ("udp", THERE, "icmp 10.0.0.9 > 10.0.0.1 type 11/0 [udp 10.0.0.1:4000 > 10.0.0.2:80]"),
    ("udp", "[fd00::1]:4000 > [fd00::2]:80",
     "icmpv6 fd00::2 > fd00::1 type 1/4 [udp [fd00::1]:4000 > [fd00::2]:80]"),
])
def test_an_error_about_a_known_flow_is_related(family: str, flow: str, error: str) -> None:
    world = World()
    world.see(f"{family} {flow}")
    assert world.see(error) == "RELATED"


def test_an_error_that_goes_to_somebody_else_is_invalid() -> None:
    world = World()
    world.see(f"udp {THERE}")
    error = "icmp 10.0.0.9 > 10.0.0.7 type 3/3 [udp 10.0.0.1:4000 > 10.0.0.2:80]"
    assert world.see(error) == "INVALID"


def test_sctp_goes_through_its_states() -> None:
    world = World()
    ends, back = "10.0.0.1:1 > 10.0.0.2:2", "10.0.0.2:2 > 10.0.0.1:1"
    for text in (f"{ends} init", f"{back} init_ack", f"{ends} cookie_echo", f"{back} cookie_ack"):
        world.see(f"sctp {text}")
    assert "ESTABLISHED" in world.line()
    assert world.seconds() == 210


def test_a_full_table_gives_up_an_old_entry_that_is_not_assured() -> None:
    world = World(max_entries=3)
    for port in range(1, 6):
        assert world.see(f"udp 10.0.0.1:{port} > 10.0.0.2:53") == "NEW"
    assert len(world.table) == 3
    assert [c.original[4] for c in world.table] == [3, 4, 5]


def test_a_table_full_of_assured_entries_drops_the_packet() -> None:
    world = World(max_entries=1)
    handshake(world)
    assert world.see("udp 10.0.0.1:1 > 10.0.0.2:53") == "drop"
    assert world.table.drops == 1


def test_untracked_packets_are_left_alone() -> None:
    world = World()
    context = Context(None, parse_packet(f"udp {THERE}"), Hook.PREROUTING)  # type: ignore[arg-type]
    context.notrack()
    assert world.table.track(context)
    assert context.connection is None
    assert context.state is CtState.UNTRACKED


def test_memory_stays_flat_when_flows_come_and_go() -> None:
    world = World(max_entries=10**9)
    for number in range(10_000):
        world.time = float(number)
        world.see(f"udp 10.0.0.1:{1 + number % 60000} > 10.0.0.2:53")
    assert len(world.table.originals) < 2100


@given(st.sampled_from(("tcp", "udp", "sctp")), st.integers(0, 65535), st.integers(0, 65535))
def test_inverting_a_tuple_twice_gives_it_back(protocol: str, sport: int, dport: int) -> None:
    flow = packet_tuple(parse_packet(f"{protocol} 10.0.0.1:{sport} > 10.0.0.2:{dport}"))
    assert invert(invert(flow)) == flow


@pytest.mark.verified(source="Linux 6.18, random segments through a real router")
def test_more_bytes_than_the_window_allows_may_still_be_acknowledged() -> None:
    world = World()
    world.see(f"tcp {THERE} S seq=100 window=1000")
    world.see(f"tcp {BACK} SA seq=500 ack=101 window=65535")
    world.see(f"tcp {THERE} A seq=101 ack=501")
    assert world.see(f"tcp {THERE} PA seq=70000 ack=501 len=1") == "ESTABLISHED"
    assert world.see(f"tcp {BACK} A seq=501 ack=70001") == "ESTABLISHED"


@pytest.mark.verified(source="Linux 6.18, random segments through a real router")
def test_a_reset_of_a_closing_connection_is_believed_whatever_its_numbers() -> None:
    world = World()
    handshake(world)
    world.see(f"tcp {THERE} FA seq=101 ack=501")
    assert world.see(f"tcp {BACK} RA seq=900000 ack=900000") == "ESTABLISHED"
    assert " CLOSE " in world.line()


@pytest.mark.verified(source="Linux 6.18, random segments through a real router")
def test_only_a_syn_begins_a_direction_anew() -> None:
    world = World()
    world.see(f"tcp {THERE} S seq=100")
    world.see(f"tcp {BACK} SA seq=500 ack=101")
    assert world.see(f"tcp {BACK} A seq=900000 ack=101") == "INVALID"
    assert world.see(f"tcp {BACK} SA seq=900000 ack=101") == "ESTABLISHED"
