"""nft text: what is read is what is listed, as nft 1.0.6 lists it."""
# ruff: noqa: E101, E501 (listings are wide and indented with tabs)

from __future__ import annotations

import re

import pytest

from netsim.nft import NftError, NftSyntaxError, Ruleset, list_ruleset, parse, parse_rule
from netsim.nft.datatypes import duration_text, parse_duration
from tests.netsim.kernel import ask, require, sorted_elements

LISTING = """\
table ip t {
	comment "c"
	set a {
		type ipv4_addr
		comment "x"
		elements = { 10.0.0.1, 10.0.0.2,
			     10.0.0.3 }
	}

	set p {
		type inet_service
		elements = { 1, 2, 3, 4, 5,
			     6, 7 }
	}

	set affinity-ABC-ns/svc/tcp/__10.0.0.1/80 {
		type ipv4_addr
		size 65535
		flags dynamic,timeout
		timeout 1m30s
	}

	map m {
		type ipv4_addr . inet_proto . inet_service : verdict
		comment "d"
		elements = { 10.0.0.1 . tcp . 80 comment "hi" : drop,
			     10.0.0.2 . udp . 53 : goto z }
	}

	chain z {
		comment "zz"
		reject
	}

	chain b {
		type nat hook prerouting priority dstnat; policy accept;
		jump z
	}

	chain early {
		type filter hook prerouting priority dstnat - 10; policy drop;
	}

	chain out {
		type filter hook output priority -110; policy accept;
	}

	chain c {
		counter packets 0 bytes 0 meta l4proto tcp dnat ip to numgen inc mod 2 map { 0 : 10.0.0.1 . 80, 1 : 10.0.0.2 . 443 }
		ip saddr != { 10.0.0.0/8, 192.168.0.1-192.168.0.3 } drop
		ip daddr . meta l4proto . th dport vmap @m
		numgen random mod 2 vmap { 0 : goto z, 1 : return }
		tcp dport { 80, 443 } accept comment "web"
		iifname "veth*" accept
		iifname != "docker0" meta mark set meta mark | 0x00004000
		meta mark & 0x00004000 != 0x00000000 meta mark set meta mark ^ 0x00004000 masquerade fully-random
		ct state established,related accept
		ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpins masquerade
		fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto tcp dnat to 10.0.0.1:80
		update @affinity-ABC-ns/svc/tcp/__10.0.0.1/80 { ip saddr }
		meta l4proto udp redirect to :8080
		reject with tcp reset
		reject with icmp admin-prohibited
	}

	set hairpins {
		type ipv4_addr . ipv4_addr . inet_proto . inet_service
	}
}
"""


def _listed(text: str) -> str:
    ruleset = Ruleset()
    parse(ruleset, text)
    return list_ruleset(ruleset)


def _sets_first(text: str) -> str:
    """The listing with its last set moved before the chains."""
    start, end = text.index("\tset hairpins"), text.rindex("}")
    hairpins, chains = text[start:end], text.index("\tchain z")
    return text[:chains] + hairpins + "\n" + text[chains : start - 1] + text[end:]


def test_a_listing_is_read_and_listed_the_same() -> None:
    assert _listed(LISTING) == _sets_first(LISTING)


@pytest.mark.kernel
def test_the_real_nft_lists_the_same() -> None:
    require("nft")
    listed = ask("nft -f - && nft list ruleset", LISTING)
    assert sorted_elements(listed) == sorted_elements(_sets_first(LISTING))


@pytest.mark.parametrize(
    ("given", "listed"),
    [
        ("mark and 0x4000 != 0", "meta mark & 0x00004000 != 0x00000000"),
        ("ip saddr { 10.0.0.0/9, 10.128.0.0/9 } drop", "ip saddr { 10.0.0.0/8 } drop"),
        ("ct state { new }", "ct state { new }"),
        ("dnat to [fd00::1]:80", "dnat to [fd00::1]:80"),
        ("numgen inc mod 2 vmap { 0: accept, 1: drop }",
         "numgen inc mod 2 vmap { 0 : accept, 1 : drop }"),
    ],
)  # fmt: skip
def test_what_is_written_otherwise_is_listed_in_the_usual_form(given: str, listed: str) -> None:
    table = Ruleset().ensure_table("ip", "t")
    assert str(parse_rule(table, given)) == listed


@pytest.mark.parametrize(
    "chains",
    [
        "chain a { jump a; }",
        "chain a { goto b; }\nchain b { ip saddr 10.0.0.1 goto a; }",
        "map m { type inet_service : verdict; elements = { 1 : jump a }; }\n"
        "chain a { tcp dport vmap @m; }",
        "chain a { numgen inc mod 1 vmap { 0 : goto a }; }",
    ],
)
def test_chains_that_lead_back_to_themselves_are_refused(chains: str) -> None:
    with pytest.raises(NftError, match="Too many links"):
        parse(Ruleset(), f"table ip t {{\n{chains}\n}}")


@pytest.mark.parametrize(
    "text",
    [
        "table ip t { chain c { ip saddr 10.0.0.300 drop } }",
        "table ip t { chain c { frobnicate } }",
        "table ip t { set s { comment \"no type\" } }",
        "table ip t { set s { type colour } }",
        "table ip t { chain c { drop }",
        "paint it black",
        "table ip t { chain c { policy drop; } }",
    ],
)  # fmt: skip
def test_text_that_is_not_known_is_refused(text: str) -> None:
    with pytest.raises(NftSyntaxError):
        parse(Ruleset(), text)


def test_a_set_is_made_once() -> None:
    ruleset = Ruleset()
    parse(ruleset, "table ip t { set s { type ipv4_addr; } }")
    with pytest.raises(NftError, match="File exists"):
        parse(ruleset, "table ip t { set s { type ipv4_addr; } }")


def test_flush_and_delete() -> None:
    ruleset = Ruleset()
    parse(ruleset, "table ip a { chain c { drop; } }\ntable ip b { }\n")
    parse(ruleset, "flush table ip a\ndelete table ip b")
    assert list_ruleset(ruleset) == "table ip a {\n\tchain c {\n\t}\n}\n"
    parse(ruleset, "flush ruleset")
    assert list_ruleset(ruleset) == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(10800, "3h"), (90, "1m30s"), (86400, "1d"), (0.25, "250ms"), (0, "0s")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["3", "10800s", "3h"])
def test_durations_may_be_written_in_several_ways(text: str) -> None:
    assert parse_duration(text) in (3, 10800)


@pytest.mark.parametrize("text", ["3x", "h", "1.5s", ""])
def test_bad_durations_are_refused(text: str) -> None:
    with pytest.raises(NftSyntaxError):
        parse_duration(text)


def test_comments_in_the_text_do_not_count() -> None:
    text = re.sub(r"^", "# note\n", LISTING, count=1)
    assert _listed(text) == _sets_first(LISTING)
