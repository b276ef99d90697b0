"""Settings by name: every one that exists does something."""

from __future__ import annotations

import pytest

from netsim import sysctl
from tests.netsim.router import Router


def test_every_setting_is_read_as_it_was_written() -> None:
    stack = Router().stack
    for name in sysctl.names(stack):
        if name.endswith("_count"):
            continue
        before = sysctl.read(stack, name)
        sysctl.write(stack, name, "1" if before == "0" else "0")
        assert sysctl.read(stack, name) == ("1" if before == "0" else "0"), name


@pytest.mark.parametrize("name", [
    "net.ipv4.tcp_sack", "net.ipv4.conf.eth0.rp_filter", "nonsense",
    "net.netfilter.nf_conntrack_tcp_timeout_nonsense", "net.ipv4.conf.eth9.route_localnet",
])
def test_other_settings_do_not_exist(name: str) -> None:
    stack = Router().stack
    with pytest.raises(KeyError):
        sysctl.read(stack, name)
    with pytest.raises(KeyError):
        sysctl.write(stack, name, "1")


def test_a_bad_value_changes_nothing() -> None:
    stack = Router().stack
    with pytest.raises(ValueError, match="invalid literal"):
        sysctl.write(stack, "net.ipv4.ip_forward", "yes")
    assert sysctl.read(stack, "net.ipv4.ip_forward") == "1"


def test_slashes_do_as_well_as_dots() -> None:
    stack = Router().stack
    sysctl.write(stack, "net/ipv4/ip_forward", "0")
    assert stack.forwarding == {4: False, 6: True}


def test_a_timeout_holds_for_the_next_packet() -> None:
    router = Router()
    sysctl.write(router.stack, "net.netfilter.nf_conntrack_udp_timeout", "5")
    router.send("eth0 udp 10.1.0.2:1 > 10.2.0.2:2")
    assert sysctl.read(router.stack, "net.netfilter.nf_conntrack_count") == "1"
    router.time += 5
    assert sysctl.read(router.stack, "net.netfilter.nf_conntrack_count") == "0"


def test_without_loose_tracking_a_lone_ack_is_invalid() -> None:
    router = Router()
    sysctl.write(router.stack, "net.netfilter.nf_conntrack_tcp_loose", "0")
    router.send("eth0 tcp 10.1.0.2:1 > 10.2.0.2:2 A")
    assert len(router.stack.conntrack) == 0


def test_without_forwarding_nothing_is_forwarded() -> None:
    router = Router()
    sysctl.write(router.stack, "net.ipv4.ip_forward", "0")
    assert router.send("eth0 udp 10.1.0.2:1 > 10.2.0.2:2") == []
