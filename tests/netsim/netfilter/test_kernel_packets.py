"""Random rule sets and packets, here and in a real kernel: what leaves, each counter and flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsim.netfilter.save_restore import save
from tests.netsim.netfilter.asking import examples, kernel, parsed, without_chance
from tests.netsim.netfilter.generate import packets, rulesets, some_packets
from tests.netsim.router import Router, conntrack_lines, in_ipv6

if TYPE_CHECKING:
    from tests.netsim.netfilter.asking import KernelRouter

__all__ = ["kernel"]

pytestmark = [pytest.mark.kernel, pytest.mark.slow]


def plain(lines: list[str]) -> list[str]:
    """Lines without what differs from run to run."""
    return sorted(without_chance(line.replace(" [ASSURED]", "")) for line in lines)


@pytest.mark.parametrize("family", [4, 6])
@examples(25)
@given(rulesets(), st.lists(packets(), min_size=1, max_size=8))
def test_a_real_kernel_does_the_same(
    kernel: KernelRouter, family: int, rules: str, sent: list[str]
) -> None:
    if family == 6:
        rules, sent = in_ipv6(rules), [in_ipv6(packet) for packet in sent]
    agree(kernel, family, rules, sent)


def agree(kernel: KernelRouter, family: int, rules: str, sent: list[str]) -> None:
    """Play them here and there: same packets out, same counters, same flows."""
    router = Router(family=family)
    router.restore(rules)
    theirs = kernel.play(rules, parsed(sent), family=family)
    for packet, left in zip(sent, theirs.out, strict=True):
        assert plain(router.send(packet)) == plain(left), packet
    assert save(router.ruleset, counters=True) == theirs.state.saved
    ours = conntrack_lines(router.stack, states=True)
    assert plain(ours) == plain(theirs.state.flows)


@examples(25)
@given(rulesets(wide=True), st.lists(some_packets(wide=True), min_size=1, max_size=8))
def test_a_real_kernel_does_the_same_with_every_option(
    kernel: KernelRouter, rules: str, sent: list[str]
) -> None:
    agree(kernel, 4, rules, sent)
