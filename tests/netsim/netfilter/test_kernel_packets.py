"""Random rule sets and packets, here and in a real kernel: what leaves, each counter and flow."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netsim.netfilter.save_restore import save
from netsim.packet import parse_packet
from tests.netsim.kernel import require
from tests.netsim.netfilter.generate import PORTS, packets, rulesets
from tests.netsim.netfilter.wire import decode, encode
from tests.netsim.router import Router, out_text

if TYPE_CHECKING:
    from collections.abc import Iterator

HELPER = Path(__file__).parent / "kernel_router.py"
PICKED = re.compile(r"(?<=[:=])(\d{1,5})(?=[ \]]|$)")
"""Ports as packets and flows show them."""
SECONDS = re.compile(r"^(\w+) +\d+ \d+ ")

pytestmark = [pytest.mark.kernel, pytest.mark.slow]


@pytest.fixture(scope="module")
def kernel() -> Iterator[subprocess.Popen[str]]:
    """The router in a real kernel."""
    require("iptables", "nft", "conntrack")
    if not Path("/dev/net/tun").exists():
        pytest.skip("needs /dev/net/tun")
    with subprocess.Popen(
        ["unshare", "-n", sys.executable, str(HELPER)], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def on_the_kernel(process: subprocess.Popen[str], rules: str, sent: list[str]) -> dict[str, Any]:
    """What the kernel does."""
    bytes_sent = []
    for text in sent:
        device, _, rest = text.partition(" ")
        bytes_sent.append((device, encode(parse_packet(rest)).hex()))
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"rules": rules, "packets": bytes_sent}) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    out = [
        [out_text(device, decode(bytes.fromhex(data))) for device, data in answered]
        for answered in answer["out"]
    ]
    return {"out": out, "saved": answer["saved"], "conntrack": answer["conntrack"]}


def without_chance(text: str) -> str:
    """Ports that were picked by chance as *."""
    known = {str(port) for port in PORTS}
    return PICKED.sub(lambda found: found[1] if found[1] in known else "*", text)


def flows(listed: str) -> list[str]:
    """conntrack -L as the recordings write it."""
    lines = [SECONDS.sub(r"\1 ", line).partition(" use=")[0] for line in listed.splitlines()]
    return sorted(without_chance(line.replace(" [ASSURED]", "")) for line in lines)


@settings(max_examples=60, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rulesets(), st.lists(packets().filter(lambda p: not p.startswith("local")),
                            min_size=1, max_size=8))
def test_a_real_kernel_does_the_same(
    kernel: subprocess.Popen[str], rules: str, sent: list[str]
) -> None:
    router = Router()
    router.restore(rules)
    theirs = on_the_kernel(kernel, rules, sent)
    for number, packet in enumerate(sent):
        ours = [without_chance(text) for text in router.send(packet)]
        expected = [without_chance(text) for text in theirs["out"][number]]
        assert sorted(ours) == sorted(expected), packet
    assert save(router.ruleset, counters=True) == theirs["saved"]
    ours_flows = sorted(
        without_chance(line.replace(" [ASSURED]", "")) for line in router.conntrack_lines()
    )
    assert ours_flows == flows(theirs["conntrack"])
