"""The terminal between a far keyboard and a program, and HTTP over a tunnel."""

from __future__ import annotations

import asyncio

import pytest

from minikube_sim import Cluster
from minikube_sim.terminal import Terminal
from minikube_sim.tunnel import HTTPTunnel
from netsim.outcome import Connected


async def typed(*keys):
    """(lines that the program reads, what the screen shows, how often it was interrupted)."""
    screen, interrupts = bytearray(), []
    terminal = Terminal(screen.extend, lambda: interrupts.append(1))
    for each in keys:
        terminal.type(each)
    terminal.hang_up()
    return await terminal.input.read(), bytes(screen), len(interrupts)


@pytest.mark.parametrize(("keys", "lines", "screen"), [
    (b"ls\r", b"ls\n", b"ls\r\n"),
    (b"lx\x7fs\r", b"ls\n", b"lx\b \bs\r\n"),
    (b"\x7fa\r", b"a\n", b"a\r\n"),
    ("é".encode() + b"\x7fe\r", b"e\n", "é".encode() + b"\b \be\r\n"),
    (b"a\x1b[Ab\r", b"ab\n", b"ab\r\n"),
    (b"abc\x15d\r", b"d\n", b"abc" + b"\b \b" * 3 + b"d\r\n"),
    (b"half", b"half", b"half")])
def test_keys_become_lines_and_are_seen(keys, lines, screen):
    assert asyncio.run(typed(keys)) == (lines, screen, 0)


def test_ctrl_c_forgets_the_line_and_interrupts():
    assert asyncio.run(typed(b"abc\x03", b"d\r")) == (b"d\n", b"abc^C\r\nd\r\n", 1)


def test_ctrl_d_on_an_empty_line_is_the_end():
    assert asyncio.run(typed(b"\x04")) == (b"", b"", 0)


def test_what_the_program_writes_gets_carriage_returns():
    screen = bytearray()
    Terminal(screen.extend, lambda: None).show(b"a\nb\r\n")
    assert bytes(screen) == b"a\r\nb\r\n"


@pytest.fixture
def tunnel():
    with Cluster() as cluster:
        cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {
            "containers": [{"name": "c", "image": "nginx:1.27"}]}})
        cluster.advance(5)
        address = cluster.get("pod", "web")["status"]["podIP"]
        outcome = cluster.network.outside.sockets.connect(address, 80)
        assert isinstance(outcome, Connected)
        yield HTTPTunnel(cluster.clock, outcome)


def test_several_requests_go_over_one_connection_in_any_pieces(tunnel):
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    async def scenario():
        answers = [await tunnel.exchange(bytes([byte])) for byte in request * 2]
        return b"".join(answers)

    answer = asyncio.run(scenario())
    assert answer.count(b"HTTP/1.1 200 OK") == answer.count(b"Welcome to nginx!</h1>") == 2
    assert not tunnel.closed


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"\x16\x03\x01\x00\x00 no http\r\n\r\n"])
def test_the_connection_ends_when_asked_to_or_when_it_is_no_http(tunnel, data):
    asyncio.run(tunnel.exchange(data))
    assert tunnel.closed
    assert asyncio.run(tunnel.exchange(b"GET / HTTP/1.1\r\n\r\n")) == b""
