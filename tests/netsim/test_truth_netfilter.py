"""Rules in, packets through: every recording of the real kernel, every counter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from netsim.netfilter.save_restore import save
from tests.netsim.router import Router
from tests.netsim.truth import kit, names, needs_truth, same_lines, scenarios

if TYPE_CHECKING:
    from netsim.netfilter.ruleset import Ruleset

pytestmark = needs_truth


def counters(ruleset: Ruleset) -> dict[str, int]:
    """Packets by 'table CHAIN number' and 'table CHAIN policy'."""
    found = {}
    for table in ruleset.tables.values():
        for chain in table.chains.values() if table.present else ():
            for number, rule in enumerate(chain.rules, 1):
                found[f"{table.name} {chain.name} {number}"] = rule.packets
            if chain.policy is not None:
                found[f"{table.name} {chain.name} policy"] = chain.packets
    return found


def same_output(expected: str, got: str) -> bool:
    """Whether what came out is what should have."""
    if expected.startswith("local send"):
        return expected == got
    return bool(not got.startswith("local send") and kit().same_packet(expected, got))


def check_packet(router: Router, step: dict[str, Any]) -> None:
    """Send a packet: what comes out, which rules counted."""
    before = counters(router.ruleset)
    out = router.send(step["in"])
    after = counters(router.ruleset)
    assert len(out) == len(step["out"]), f"{step['in']}: {out}"
    for expected, got in zip(step["out"], out, strict=True):
        assert same_output(expected, got), f"{step['in']}: {got}, not {expected}"
    hits = [name for name, packets in after.items() if packets > before.get(name, 0)]
    assert sorted(hits) == sorted(step["hits"]), step["in"]


def take_step(router: Router, step: dict[str, Any]) -> None:
    """Any step of a scenario."""
    if "in" in step:
        check_packet(router, step)
    elif "sleep" in step:
        router.time += step["sleep"]
    elif "cmd" in step:
        router.command(step["cmd"])
    elif "restore" in step:
        router.restore(step["restore"])
    else:
        lines = router.conntrack_lines()
        assert same_lines(step["conntrack"], lines), lines


@pytest.mark.verified(source="truth/netfilter/netfilter, Linux 6.18")
@pytest.mark.parametrize("name", names("netfilter"))
def test_packets_meet_the_rules_as_in_the_kernel(name: str) -> None:
    scenario = scenarios("netfilter")[name]
    router = Router()
    for what in scenario.get("listen", ()):
        router.listen(what)
    for line in scenario.get("setup", ()):
        router.command(line)
    router.restore(scenario["rules"])
    for step in scenario["packets"]:
        take_step(router, step)
    lines = router.conntrack_lines()
    assert same_lines(scenario.get("conntrack", []), lines), lines
    assert save(router.ruleset, counters=True).strip() == scenario["saved"].strip()
