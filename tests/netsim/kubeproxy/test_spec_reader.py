"""The fast reader of kube-proxy's rules gives what the general one gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from netsim.kubeproxy import Balancing, Family, Form, Options, render
from netsim.kubeproxy.spec_reader import SpecReader
from netsim.netfilter.rule_text import parse_rule

from .strategies import histories
from .test_incremental import NODE, _last_words
from .test_kernel import CIDRS, SERVICES, SLICES


def _rules(text: str) -> list[str]:
    return [line.split(" ", 2)[2] for line in text.splitlines() if line.startswith("-A")]


@pytest.mark.parametrize("balancing", list(Balancing))
@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("family", list(Family))
def test_both_readers_agree_on_every_kind_of_rule(
    balancing: Balancing, form: Form, family: Family
) -> None:
    options = Options(balancing=balancing, form=form, **CIDRS)
    text = render(SERVICES, SLICES, node=NODE, options=options, family=family)
    version = 4 if family is Family.IPV4 else 6
    reader = SpecReader(version)
    for rule in _rules(text) * 2:
        assert reader.read(rule) == parse_rule(rule, version), rule


@settings(max_examples=25, deadline=None)
@given(histories)
def test_both_readers_agree_on_random_services(history: list[tuple[str, Any]]) -> None:
    options = Options(
        detect_local_mode="InterfaceNamePrefix", interface_name_prefix="veth", nfacct=False
    )
    text = render(*_last_words(history), node=NODE, options=options)
    reader = SpecReader(4)
    for rule in _rules(text):
        assert reader.read(rule) == parse_rule(rule), rule


def test_equal_parts_are_one_value() -> None:
    reader = SpecReader(4)
    first, second = (
        reader.read(f"-d 10.0.0.{n}/32 -p tcp -m tcp --dport 80 -j DROP") for n in "12"
    )
    assert first.matches[0] is second.matches[0]
    assert first.target is second.target
    assert first.protocol is second.protocol
