"""Random rule sets and packets for the router of the recordings (eth0 10.1.0.1, eth1 10.2.0.1).

Addresses, ports and marks come from small sets, so that rules match often, several rules want the
same key, and runs of exact rules are long enough to be looked up.
"""

from __future__ import annotations

from hypothesis import strategies as st

from tests.netsim.netfilter.wide import (
    wide_conditions,
    wide_packets,
    wide_targets,
    wide_transport,
)

CLIENTS = ("10.1.0.2", "10.1.0.3", "10.1.0.4")
SERVERS = ("10.2.0.2", "10.2.0.3", "10.1.0.1", "10.96.0.1")
PORTS = (53, 80, 81, 4000)
HOOKS = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}
CHAINS = ("A", "B", "C", "D")
BEFORE = ("", "", "-m comment --comment x ", "-m length --length 28 ",
          "-m statistic --mode nth --every 2 --packet 0 ")
MULTIPORTS = ("dports 53,80", "sports 81,4000", "ports 80:81", "ports 53,80:81,4000")
NTH = "-m statistic --mode nth --every 2 --packet 0 "

ports = st.sampled_from(PORTS)
bangs = st.sampled_from(("", "", "", "! "))
networks = st.sampled_from((*CLIENTS, *SERVERS, "10.1.0.0/30", "10.0.0.0/8", "10.2.0.2/31"))
marks = st.sampled_from(("0x1", "0x3/0x3", "0x0/0x1", "0x4000/0x4000"))


@st.composite
def transports(draw: st.DrawFn) -> str:
    """-p with its match."""
    protocol = draw(st.sampled_from(("tcp", "tcp", "udp", "udp", "sctp", "icmp")))
    parts = [f"-p {protocol} -m {protocol}"]
    if protocol == "icmp":
        kind = draw(st.sampled_from(("8", "0", "3", "3/3", "11")))
        return f"-p icmp -m icmp {draw(bangs)}--icmp-type {kind}"
    if protocol != "sctp" and not draw(st.integers(0, 5)):
        return f"-p {protocol} -m multiport {draw(bangs)}--{draw(st.sampled_from(MULTIPORTS))}"
    if draw(st.booleans()):
        parts.append(f"{draw(bangs)}--sport {draw(ports)}")
    if draw(st.integers(0, 3)):
        low, high = sorted((draw(ports), draw(ports)))
        parts.append(f"{draw(bangs)}--dport {low if draw(st.booleans()) else f'{low}:{high}'}")
    if protocol == "tcp" and not draw(st.integers(0, 3)):
        parts.append(f"{draw(bangs)}--tcp-flags SYN,ACK {draw(st.sampled_from(('SYN', 'ACK')))}")
    return " ".join(parts)


matches = st.one_of(
    st.builds("-m mark {}--mark {}".format, bangs, marks),
    st.builds("-m connmark {}--mark {}".format, bangs, marks),
    st.builds(
        "-m conntrack {}--ctstate {}".format, bangs,
        st.sampled_from(("NEW", "ESTABLISHED", "RELATED,ESTABLISHED", "INVALID", "DNAT", "NEW,SNAT",
                         "UNTRACKED")),
    ),
    st.builds("-m conntrack --ctdir {}".format, st.sampled_from(("ORIGINAL", "REPLY"))),
    st.builds("-m conntrack {}--ctstatus SEEN_REPLY".format, bangs),
    st.builds("-m conntrack {}--ctorigdst {}".format, bangs, st.sampled_from(SERVERS)),
    st.builds("-m addrtype {}--dst-type {}".format, bangs, st.sampled_from(("LOCAL", "UNICAST"))),
    st.builds("-m addrtype {}--src-type LOCAL".format, bangs),
    st.builds(
        lambda bang, every, packet: (
            f"-m statistic --mode nth {bang}--every {every} --packet {packet % every}"
        ),
        bangs, st.integers(1, 4), st.integers(0, 3),
    ),
    st.builds("-m length {}--length {}".format, bangs, st.sampled_from(("0:30", "41:100", "28"))),
    st.builds("-m ttl --ttl-{} {}".format, st.sampled_from(("eq", "lt", "gt")),
              st.sampled_from((63, 64))),
    st.builds("-m iprange {}--src-range 10.1.0.2-10.1.0.3".format, bangs),
    st.builds("-m comment --comment {}".format, st.sampled_from(("x", '"two words"'))),
    st.builds("-m recent --name {} {}".format, st.sampled_from(("r", "s")),
              st.sampled_from(("--set", "--rcheck", "--update --seconds 60 --hitcount 2",
                               "--remove", "--rcheck --rsource", "--set --rdest"))),
    st.just("-m limit --limit 1/hour --limit-burst 2"),
    st.builds("-m dscp {}--dscp {}".format, bangs, st.sampled_from(("0x00", "0x2e"))),
    st.builds("-m conntrack {}--ctproto {}".format, bangs, st.sampled_from(("tcp", "udp"))),
    st.builds("-m conntrack {}--ctreplsrc {}".format, bangs, st.sampled_from(SERVERS)),
    st.builds("-m conntrack {}--ctorigsrc {}".format, bangs, st.sampled_from(CLIENTS)),
    st.builds("-m conntrack {}--ctorigdstport {}".format, bangs, ports),
)


@st.composite
def exact_conditions(draw: st.DrawFn) -> str:
    """What an index can look up: one address, or one protocol and port, or both."""
    protocol = draw(st.sampled_from(("udp", "udp", "tcp")))
    before = draw(st.sampled_from(BEFORE))
    to_port = f"-p {protocol} {before}-m {protocol} --dport {draw(st.sampled_from(PORTS[:2]))}"
    to_address = f"-d {draw(st.sampled_from(SERVERS[:2]))}/32"
    form = draw(st.sampled_from((to_port, to_address, f"{to_address} {to_port}",
                                 f"{to_address} -p {protocol}")))
    return form + draw(st.sampled_from(("", "", f" -m mark ! --mark 0x1 {NTH}".rstrip())))


@st.composite
def conditions(draw: st.DrawFn, chain: str, *, wide: bool = False) -> str:
    """The conditions of a rule; `wide`: see wide.py."""
    parts = []
    if draw(st.booleans()):
        parts.append(f"{draw(bangs)}-s {draw(networks)}")
    if draw(st.booleans()):
        parts.append(f"{draw(bangs)}-d {draw(networks)}")
    if chain in ("PREROUTING", "INPUT", "FORWARD") and not draw(st.integers(0, 3)):
        parts.append(f"{draw(bangs)}-i {draw(st.sampled_from(('eth0', 'eth1', 'eth+')))}")
    if wide and draw(st.booleans()):
        if draw(st.booleans()):
            parts.append(draw(wide_transport()))
        return " ".join([*parts, *draw(st.lists(wide_conditions(chain), max_size=2))])
    if draw(st.booleans()):
        parts.append(draw(transports()))
    parts += draw(st.lists(matches, max_size=2))
    return " ".join(parts)


MARKING = (
    "-j MARK --set-xmark 0x1/0x1", "-j MARK --set-xmark 0x4000/0x0", "-j MARK --or-mark 0x2",
    "-j MARK --and-mark 0x1", "-j CONNMARK --save-mark", "-j CONNMARK --set-xmark 0x3/0x3",
    "-j CONNMARK --restore-mark --nfmask 0x1 --ctmask 0x1",
)
REJECTING = ("-j REJECT", "-j REJECT", "-j REJECT --reject-with icmp-host-prohibited",
             "-p tcp -j REJECT --reject-with tcp-reset")
TO_SERVERS = (
    "-j DNAT --to-destination 10.2.0.2", "-j DNAT --to-destination 10.2.0.3", "-j REDIRECT",
    "-j DNAT --to-destination 10.2.0.2-10.2.0.5",
)
TO_PORTS = (
    "-j DNAT --to-destination 10.2.0.3:80", "-j DNAT --to-destination 10.1.0.1:81",
    "-j DNAT --to-destination 10.2.0.2:80-81", "-j REDIRECT --to-ports 80",
    "-j REDIRECT --to-ports 80-81",
)
FROM_HERE = ("-j MASQUERADE", "-j SNAT --to-source 10.2.0.9",
             "-j SNAT --to-source 10.2.0.7-10.2.0.9")
FROM_PORTS = ("-j MASQUERADE --to-ports 5000-5007", "-j SNAT --to-source 10.2.0.9:80",
              "-j SNAT --to-source 10.2.0.9:5000-5001", "-j MASQUERADE --to-ports 81")


def _targets(table: str, chain: str, ported: bool) -> st.SearchStrategy[str]:
    """What a rule of that chain may end in; '' for nothing. `ported`: it wants TCP or UDP."""
    found: tuple[str, ...] = ("", "-j ACCEPT", "-j RETURN")
    if table != "nat":
        found += MARKING
    if table == "raw":
        found += ("-j CT --notrack",)
    if table == "mangle":
        found += ("-j TTL --ttl-set 33", "-j TOS --set-tos 0x10/0xff", "-j DSCP --set-dscp 0x2e",
                  "-j DROP")
    if table == "filter":
        found += ("-j DROP", *REJECTING[: 4 if not ported else 3])
    if table == "nat" and chain in ("PREROUTING", "OUTPUT"):
        found += TO_SERVERS + (TO_PORTS if ported else ())
    if table == "nat" and chain == "POSTROUTING":
        found += FROM_HERE + (FROM_PORTS if ported else ())
    return st.sampled_from(found)


@st.composite
def rules(
    draw: st.DrawFn, table: str, chain: str, *, exact: bool = False, wide: bool = False,
) -> str:
    """One rule; user chains lead only to those after them."""
    after = CHAINS[CHAINS.index(chain) + 1 :] if chain in CHAINS else CHAINS
    text = f"-A {chain} {draw(exact_conditions() if exact else conditions(chain, wide=wide))}"
    if after and not draw(st.integers(0, 3)):
        return f"{text} {draw(st.sampled_from(('-j', '-j', '-g')))} {draw(st.sampled_from(after))}"
    ported = "-p tcp" in text or "-p udp" in text
    found = draw(_targets(table, chain, ported))
    target = draw(wide_targets(table, chain, ported)) if wide and draw(st.booleans()) else found
    return f"{text} {target}" if "-p tcp" not in target or " -p " not in text else text


@st.composite
def tables(draw: st.DrawFn, table: str, *, wide: bool = False) -> str:
    """One table as restore text."""
    lines = [f"*{table}"]
    for hook in HOOKS[table]:
        if wide and not draw(st.integers(0, 4)):
            continue  # it comes into being with its first rule, and its policy does not count
        drop = table == "filter" and not draw(st.integers(0, 5))
        lines.append(f":{hook} {'DROP' if drop else 'ACCEPT'} [0:0]")
    lines += [f":{chain} - [0:0]" for chain in CHAINS]
    for chain in (*HOOKS[table], *CHAINS):
        lines += draw(st.lists(rules(table, chain, wide=wide), max_size=3))
        if chain in ("PREROUTING", "FORWARD", "A") and draw(st.booleans()):
            run = st.lists(rules(table, chain, exact=True), min_size=4, max_size=8)
            lines += draw(run) + draw(st.lists(rules(table, chain), max_size=2))
    return "\n".join([*lines, "COMMIT", ""])


@st.composite
def rulesets(draw: st.DrawFn, *, wide: bool = False) -> str:
    """Restore text of one to three tables."""
    names = sorted(HOOKS) if wide else [name for name in sorted(HOOKS) if name != "security"]
    chosen = draw(st.sets(st.sampled_from(names), min_size=1, max_size=3))
    return "".join(draw(tables(table, wide=wide)) for table in sorted(chosen))


def some_packets(*, wide: bool = False) -> st.SearchStrategy[str]:
    """Packets of a few flows; `wide`: odd ones among them."""
    return st.one_of(packets(), packets(), wide_packets()) if wide else packets()


@st.composite
def packets(draw: st.DrawFn) -> str:
    """A packet of one of a few flows, in either direction, or one that the router itself sends."""
    client = draw(st.sampled_from(CLIENTS))
    server = draw(st.sampled_from((*SERVERS[:2] * 2, *SERVERS)))
    sport, dport = draw(ports), draw(st.sampled_from((*PORTS[:2] * 2, *PORTS)))
    protocol = draw(st.sampled_from(("tcp", "tcp", "udp", "udp", "udp", "sctp", "icmp")))
    tail = _tail(draw, protocol) + draw(st.sampled_from(("", "", "", " tos=0x10", " tos=0xb8")))
    way = draw(st.integers(0, 5))
    if protocol == "icmp":
        return _icmp(draw, way, client, server, sport, dport)
    if way == 0:
        return f"local {protocol} 10.2.0.1:{sport} > {server}:{dport} {tail}"
    if way <= 2:
        answering = server if server.startswith("10.2.") else "10.2.0.2"
        return f"eth1 {protocol} {answering}:{dport} > {client}:{sport} {tail}"
    return f"eth0 {protocol} {client}:{sport} > {server}:{dport} {tail}"


def _tail(draw: st.DrawFn, protocol: str) -> str:
    """What a packet carries."""
    if protocol == "tcp":
        return f"{draw(st.sampled_from(('S', 'S', 'SA', 'A', 'R')))} seq=1000 ack=1000"
    if protocol == "sctp":
        return str(draw(st.sampled_from(("init", "init", "init_ack", "cookie_echo", "data"))))
    return f"len={draw(st.sampled_from((0, 0, 30)))}"


def _icmp(
    draw: st.DrawFn, way: int, client: str, server: str, sport: int, dport: int,
) -> str:
    """An echo, its reply, or an error about one of the flows."""
    answering = server if server.startswith("10.2.") else "10.2.0.2"
    if way == 0:
        return f"local icmp 10.2.0.1 > {server} echo id=7 seq=1"
    if way == 1:
        return f"eth1 icmp {answering} > {client} reply id=7 seq=1"
    if way <= 3:
        return f"eth0 icmp {client} > {server} echo id=7 seq=1"
    kind = draw(st.sampled_from(("3/1", "3/3", "11/0")))
    if way == 4:
        quoted = f"udp {client}:{sport} > {answering}:{dport} ttl=63"
        return f"eth1 icmp 10.2.0.254 > {client} type {kind} [{quoted}]"
    quoted = f"udp {answering}:{dport} > {client}:{sport} ttl=63"
    return f"eth0 icmp {client} > {answering} type {kind} [{quoted}]"
