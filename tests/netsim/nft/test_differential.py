"""Random nft rule sets and packets, in the real kernel and in ours: same fates, same counters."""

from __future__ import annotations

import json
import random
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from netsim.link import Wire
from netsim.namespace import Namespace
from netsim.nft import Ruleset, list_ruleset, parse
from netsim.packet import endpoint_text, parse_packet
from tests.netsim.kernel import ask, require, sorted_elements

from .kernel_driver import PORTS

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

CASES = 75
PACKETS = 8
CHAINS = 4
DRIVER = Path(__file__).with_name("kernel_driver.py")


class Maker:
    """Rule sets by chance: a base chain at output and at input, and chains that lead onward."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def case(self) -> dict[str, Any]:
        """One rule set and the packets to send."""
        return {"rules": self._rules(), "packets": [self._packet() for _ in range(PACKETS)]}

    def _packet(self) -> list[Any]:
        pick = self.chance.choice
        ends = [f"127.0.0.{pick((1, 2, 3))}" for _ in range(2)]
        return [ends[0], pick((4000, 4001)), ends[1], pick(PORTS)]

    def _rules(self) -> str:
        sets = (
            f"set known {{ type ipv4_addr; elements = {{ {self._address()} }} }}\n"
            f"set pairs {{ type ipv4_addr . inet_service; "
            f"elements = {{ {self._address()} . {self._port()} }} }}\n"
            "set seen { type ipv4_addr; size 100; flags dynamic; }\n"
            "map ways { type ipv4_addr . inet_proto . inet_service : verdict; elements = { "
            f"{self._address()} . udp . {self._port()} : {self._verdict(CHAINS - 1)} }} }}\n"
        )
        bases = "".join(
            f"chain {hook} {{ type filter hook {hook} priority {self.chance.choice((-5, 0))}; "
            f"policy {self.chance.choice(('accept', 'accept', 'drop'))};\n{self._body(0)} }}\n"
            for hook in ("output", "input")
        )
        chains = "".join(f"chain c{n} {{\n{self._body(n)} }}\n" for n in range(1, CHAINS + 1))
        return f"table ip t {{\n{sets}{chains}{bases}{self._nat()}}}\n"

    def _nat(self) -> str:
        if self.chance.random() < 0.5:
            return ""
        to = f"{self._address()} . {self._port()}"
        pick = f"numgen inc mod 2 map {{ 0 : {to}, 1 : {self._address()} . {self._port()} }}"
        return (
            "chain nat { type nat hook output priority -100; policy accept;\n"
            f"{self._condition()} counter meta l4proto udp dnat ip to {pick}\n}}\n"
        )

    def _body(self, level: int) -> str:
        count = self.chance.randint(1, 4)
        return "".join(f"{self._rule(level)}\n" for _ in range(count))

    def _rule(self, level: int) -> str:
        conditions = [self._condition() for _ in range(self.chance.randint(0, 2))]
        if sum("port" in condition for condition in conditions) > 1:
            del conditions[1]  # nft joins tests of neighbouring header fields and sorts them
        return f"{' '.join(conditions)} counter {self._action(level)}"

    def _address(self) -> str:
        return f"127.0.0.{self.chance.choice((1, 2, 3))}"

    def _port(self) -> int:
        return self.chance.choice(PORTS)

    def _condition(self) -> str:
        sign = self.chance.choice(("", "", "!= "))
        end = self.chance.choice(("saddr", "daddr"))
        return self.chance.choice(
            (
                f"ip {end} {sign}{self._address()}",
                f"ip {end} {sign}127.0.0.2/31",
                f"ip {end} {sign}{{ 127.0.0.1, 127.0.0.3-127.0.0.9 }}",
                f"ip {end} {sign}@known",
                "ip daddr . th dport @pairs",
                f"th dport {sign}{self._port()}",
                f"udp sport {sign}4000",
                f"meta l4proto != {self.chance.choice((6, 17))}",
                f"meta mark {sign}0x00000001",
                "meta mark & 0x00000002 != 0x00000000",
                f"ct state {self.chance.choice(('new', 'established', 'new,established'))}",
                'oifname "lo"',
                f"fib {end} type local",
                "ip saddr @seen",
            )
        )

    def _action(self, level: int) -> str:
        return self.chance.choice(
            (
                "",
                self._verdict(level),
                self._verdict(level),
                "meta mark set meta mark | 0x00000001",
                "meta mark set meta mark ^ 0x00000003",
                "update @seen { ip saddr }",
                f"numgen inc mod 2 vmap {{ 0 : {self._verdict(level)}, 1 : continue }}",
                "ip daddr . meta l4proto . th dport vmap @ways" if level < CHAINS else "",
                f"th dport vmap {{ {PORTS[0]} : {self._verdict(level)}, {PORTS[1]} : accept }}",
            )
        )

    def _verdict(self, level: int) -> str:
        words = ["accept", "drop", "return", "continue"]
        words += [f"{verb} c{n}" for n in range(level + 1, CHAINS + 1) for verb in ("jump", "goto")]
        return self.chance.choice(words)


def _ours(case: dict[str, Any]) -> dict[str, Any]:
    stack = Namespace("host", Wire(), lambda: 1_000_000.0, random.Random(1), tracking=True)
    arrived: list[str] = []

    def delivered(packet: Any) -> None:
        source, target = (
            endpoint_text(4, *end)
            for end in ((packet.src, packet.sport), (packet.dst, packet.dport))
        )
        arrived.append(f"{source} at {target}")

    stack.sockets.on_deliver = delivered
    for port in PORTS:
        stack.listen("udp", port, lambda _: None)
    ruleset = Ruleset(stack.rules_changed)
    ruleset.attach(stack)
    parse(ruleset, case["rules"])
    outcomes = []
    for source, source_port, destination, port in case["packets"]:
        arrived.clear()
        packet = parse_packet(f"udp {source}:{source_port} > {destination}:{port} len=1")
        error = stack.send(packet)
        stack.wire.run()
        outcomes.append(error or (arrived[0] if arrived else "lost"))
    return {"outcomes": outcomes, "listing": list_ruleset(ruleset, stack.now())}


def _known(outcomes: list[str]) -> list[str]:
    """A source port that was taken is replaced by one that chance picks."""
    return [re.sub(r":(?!4000 |4001 )\d+ at", ":* at", outcome) for outcome in outcomes]


def _neutral(listing: str) -> list[str]:
    """Where a rule has said that it is about UDP, nft prints `udp dport` for `th dport`."""
    return sorted_elements(listing.replace("udp dport", "th dport"))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_kernel_and_we_do_the_same(seed: int) -> None:
    require("nft", "conntrack")
    maker = Maker(seed)
    cases = [maker.case() for _ in range(CASES)]
    told = ask(f"{sys.executable} {DRIVER}", json.dumps(cases))
    for case, real in zip(cases, json.loads(told), strict=True):
        ours = _ours(case)
        shown = f"{case['rules']}\n{case['packets']}\n{real['listing']}"
        assert _known(ours["outcomes"]) == _known(real["outcomes"]), shown
        assert _neutral(ours["listing"]) == _neutral(real["listing"]), shown
