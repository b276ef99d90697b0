"""Asking the router in a real kernel (kernel_router.py), and its answers in our words."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from netsim.packet import Packet, parse_packet
from tests.netsim.kernel import require
from tests.netsim.netfilter.generate import PORTS
from tests.netsim.netfilter.wire import decode, encode
from tests.netsim.router import out_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HELPER = Path(__file__).parent / "kernel_router.py"
EXAMPLES = int(os.environ.get("KERNEL_EXAMPLES", "0"))
"""How many of each kind `scripts/kernel` asks for; 0: what the suite runs."""
_PICKED = re.compile(r"(?<=[:=])(\d{1,5})(?=[ \]]|$)")
"""Ports as packets and flows show them."""
_SECONDS = re.compile(r"^(\w+) +\d+ \d+ ")


def examples(usual: int) -> settings:
    """How many to try. What fails is not made smaller: hundreds of kernels would be asked."""
    return settings(
        max_examples=EXAMPLES or usual, deadline=None, phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@dataclass(frozen=True, slots=True)
class State:
    """What the kernel remembers."""

    saved: str
    """iptables-save -c."""
    flows: list[str]
    """conntrack -L, without seconds, sorted."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a kernel did with some packets."""

    out: list[list[str]]
    """What left after each packet."""
    seen: list[State]
    """The state after each, if asked for."""
    state: State
    """The state at the end."""


class KernelRouter:
    """The router of the recordings in a network namespace."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["unshare", "-n", sys.executable, str(HELPER)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )

    def close(self) -> None:
        """Let it end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def play(
        self, rules: str, packets: Sequence[tuple[str, Packet]], *, family: int = 4,
        watch: bool = False,
    ) -> Played:
        """Load rules and send packets into devices (`local`: from the router itself)."""
        sent = [(device, encode(packet).hex()) for device, packet in packets]
        answer = self._ask({"family": family, "rules": rules, "packets": sent, "watch": watch})
        out = [
            [f"local send {data}" if device == "error"
             else out_text(device, decode(bytes.fromhex(data))) for device, data in answered]
            for answered in answer["out"]
        ]
        return Played(out, [_state(seen) for seen in answer["seen"]], _state(answer))

    def _ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@pytest.fixture(scope="module")
def kernel() -> Iterator[KernelRouter]:
    """The router in a real kernel; skips where there is none to ask."""
    require("iptables", "nft", "conntrack")
    if not Path("/dev/net/tun").exists():
        pytest.skip("needs /dev/net/tun")
    router = KernelRouter()
    yield router
    router.close()


def parsed(sent: list[str]) -> list[tuple[str, Packet]]:
    """`eth0 udp ...` as a device and a packet."""
    parts = [text.partition(" ") for text in sent]
    return [(device, parse_packet(rest)) for device, _, rest in parts]


def without_chance(text: str) -> str:
    """Ports that were picked by chance as *."""
    known = {str(port) for port in PORTS}
    return _PICKED.sub(lambda found: found[1] if found[1] in known else "*", text)


def _state(answer: dict[str, str]) -> State:
    lines = answer["conntrack"].splitlines()
    flows = sorted(_SECONDS.sub(r"\1 ", line).partition(" use=")[0] for line in lines)
    return State(answer["saved"], flows)
