"""More of what rules and packets may be, for IPv4: every option of the matches and targets that
kube-proxy's world uses, negations, ranges, odd packets.
"""

from __future__ import annotations

from hypothesis import strategies as st

bangs = st.sampled_from(("", "", "! "))
_PORTED = ("tcp", "udp", "sctp")

_STATES = ("NEW,ESTABLISHED", "RELATED", "SNAT,DNAT", "NEW,RELATED,INVALID", "ESTABLISHED",
           "UNTRACKED,NEW", "SNAT")
_STATUS = ("ASSURED", "CONFIRMED", "SEEN_REPLY,ASSURED", "EXPECTED", "NONE", "SEEN_REPLY")
_RECENT = (
    "--set --name t", "--rcheck --name t", "--update --name t --hitcount 2",
    "--rcheck --name t --seconds 60 --hitcount 3", "--update --name t --rttl --seconds 60",
    "--remove --name t", "--set --name t --mask 255.255.255.0", "--rcheck --name u --rdest",
    "--set --name u --rdest", "--rcheck --name t --seconds 60 --reap",
    "--rcheck --name t --mask 255.255.0.0",
)
_MULTIPORTS = ("dports 53,80:4000", "sports 80,81:4000,53", "ports 4000", "dports 1:52,82:65535",
               "sports 3999:4000,1", "ports 52:53", "dports 0,80")
_ICMP = ("any", "echo-request", "echo-reply", "destination-unreachable", "port-unreachable", "3/1",
         "time-exceeded", "8/0", "timestamp-request", "network-unreachable", "11/1")
_TCP = (
    "--tcp-flags ALL SYN", "--tcp-flags SYN,RST,ACK,FIN SYN", "--tcp-flags ALL NONE", "--syn",
    "--tcp-flags FIN,SYN FIN,SYN", "--tcp-flags ACK,FIN FIN", "--tcp-flags RST RST",
    "--tcp-option 3", "--sport 4000: --dport :80", "--dport 80 --syn",
)
_TYPES = ("LOCAL", "UNICAST", "BROADCAST", "MULTICAST", "LOCAL,BROADCAST", "UNICAST,MULTICAST",
          "BLACKHOLE", "UNREACHABLE,PROHIBIT", "ANYCAST")

_OWNERS = ("--uid-owner 0", "! --uid-owner 0", "--gid-owner 0-10", "--socket-exists",
           "! --socket-exists", "--uid-owner 1000")

_matches = st.one_of(
    st.builds("-m conntrack {}--ctstate {}".format, bangs, st.sampled_from(_STATES)),
    st.builds("-m state {}--state {}".format, bangs,
              st.sampled_from(("NEW", "ESTABLISHED,RELATED", "INVALID", "UNTRACKED"))),
    st.builds("-m conntrack {}--ctstatus {}".format, bangs, st.sampled_from(_STATUS)),
    st.builds("-m conntrack {}--ctexpire {}".format, bangs,
              st.sampled_from(("20:40", ":5", "100:", "0:1000000"))),
    st.builds("-m conntrack {}--ct{} {}".format, bangs,
              st.sampled_from(("origsrcport", "origdstport", "replsrcport", "repldstport")),
              st.sampled_from(("80", "53:81", "4000:", ":80"))),
    st.builds("-m conntrack {}--ct{} {}".format, bangs,
              st.sampled_from(("origsrc", "origdst", "replsrc", "repldst")),
              st.sampled_from(("10.1.0.0/24", "10.2.0.2", "10.96.0.1", "10.2.0.0/30"))),
    st.builds("-m conntrack {}--ctproto {} --ctdir {}".format, bangs,
              st.sampled_from(("tcp", "17", "icmp")), st.sampled_from(("ORIGINAL", "REPLY"))),
    st.builds("-m addrtype {}--{}-type {}".format, bangs, st.sampled_from(("src", "dst")),
              st.sampled_from(_TYPES)),
    st.builds("-m statistic --mode random {}--probability {}".format, bangs,
              st.sampled_from(("0", "1"))),
    st.builds("-m recent {}{}".format, bangs, st.sampled_from(_RECENT)),
    st.builds("-m limit --limit {} --limit-burst {}".format,
              st.sampled_from(("1/hour", "2/day", "5/hour")), st.integers(1, 4)),
    st.builds("-m length {}--length {}".format, bangs, st.sampled_from((":40", "44:", "58"))),
    st.builds("-m tos {}--tos {}".format, bangs,
              st.sampled_from(("0x10/0xff", "0x10/0x3f", "0", "Minimize-Delay"))),
    st.builds("-m ttl {}".format, st.sampled_from(("! --ttl-eq 64", "--ttl-gt 2", "--ttl-lt 64"))),
    st.builds("-m iprange {}--{}-range {}".format, bangs, st.sampled_from(("src", "dst")),
              st.sampled_from(("10.1.0.2-10.1.0.3", "10.2.0.0-10.2.0.255", "10.1.0.1-10.1.0.1"))),
    st.builds("-m pkttype {}--pkt-type {}".format, bangs,
              st.sampled_from(("unicast", "broadcast", "multicast"))),
    st.builds("-m connlimit --connlimit-{} {} --connlimit-{}addr".format,
              st.sampled_from(("above", "upto")), st.integers(0, 2), st.sampled_from("sd")),
    st.builds("-m {} {}--mark {}".format, st.sampled_from(("mark", "connmark")), bangs,
              st.sampled_from(("0", "0x2/0x2", "0x0/0x4000", "0x3"))),
)


@st.composite
def wide_conditions(draw: st.DrawFn, chain: str) -> str:
    """One condition, with the protocol that it needs."""
    kind = draw(st.integers(0, 6))
    if kind == 1 and chain in ("OUTPUT", "POSTROUTING"):
        return f"-m owner {draw(st.sampled_from(_OWNERS))}"
    if kind == 0:
        return f"-m addrtype {draw(bangs)}--dst-type LOCAL{_interface(draw, chain)}"
    return str(draw(_matches))


def _interface(draw: st.DrawFn, chain: str) -> str:
    """--limit-iface-in or -out, where the chain takes it."""
    allowed = {"PREROUTING": " --limit-iface-in", "INPUT": " --limit-iface-in",
               "OUTPUT": " --limit-iface-out", "POSTROUTING": " --limit-iface-out"}
    if chain == "FORWARD":
        return draw(st.sampled_from((" --limit-iface-in", " --limit-iface-out")))
    return allowed.get(chain, "")


@st.composite
def wide_transport(draw: st.DrawFn) -> str:
    """-p with an option of its match."""
    protocol = draw(st.sampled_from(("tcp", "udp", "sctp", "icmp")))
    if protocol == "icmp":
        return f"-p icmp -m icmp {draw(bangs)}--icmp-type {draw(st.sampled_from(_ICMP))}"
    if protocol == "tcp" and draw(st.booleans()):
        return f"-p tcp -m tcp {draw(st.sampled_from(_TCP))}"
    return (f"-p {protocol} -m multiport {draw(bangs)}"
            f"--{draw(st.sampled_from(_MULTIPORTS))}")


_REJECTS = ("icmp-net-unreachable", "icmp-host-unreachable", "icmp-proto-unreachable",
            "icmp-net-prohibited", "icmp-admin-prohibited", "icmp-port-unreachable")
_MARKS = ("-j MARK --xor-mark 0x3", "-j MARK --set-mark 0x5/0x7",
          "-j CONNMARK --save-mark --nfmask 0x3 --ctmask 0x3", "-j CONNMARK --xor-mark 0x1",
          "-j CONNMARK --restore-mark --mask 0x3", "-j CONNMARK --or-mark 0x4",
          "-j CONNMARK --and-mark 0x2", '-j LOG --log-prefix "x "')


def wide_targets(table: str, chain: str, ported: bool) -> st.SearchStrategy[str]:
    """What else a rule of that chain may end in."""
    found: tuple[str, ...] = ("-j RETURN", "-j ACCEPT")
    if table != "nat":
        found += _MARKS
    if table == "raw":
        found += ("-j TRACE", "-j NOTRACK")
    if table == "mangle":
        found += ("-j TTL --ttl-inc 3", "-j TTL --ttl-dec 63", "-j TOS --or-tos 0x4",
                  "-j TOS --xor-tos 0x10", "-j DSCP --set-dscp-class AF11")
    if table == "filter":
        found += tuple(f"-j REJECT --reject-with {kind}" for kind in _REJECTS)
    if table == "security":
        found += ("-j DROP",)
    if table == "nat" and chain in ("PREROUTING", "OUTPUT"):
        found += ("-j DNAT --to-destination 10.2.0.2-10.2.0.4 --persistent",
                  "-j DNAT --to-destination 10.2.0.3 --random", "-j NETMAP --to 10.2.0.0/24")
        found += ("-p tcp -j DNAT --to-destination 10.2.0.2:8000-8100/53",) if not ported else ()
    if table == "nat" and chain == "POSTROUTING":
        found += ("-j SNAT --to-source 10.2.0.7-10.2.0.9 --persistent",
                  "-j NETMAP --to 10.9.0.0/16",
                  "-j MASQUERADE --random-fully", "-j MASQUERADE --random")
    if table == "nat" and chain == "INPUT":
        found += ("-j SNAT --to-source 10.1.0.9",)
    return st.sampled_from(found)


@st.composite
def wide_packets(draw: st.DrawFn) -> str:
    """Packets that are seldom: odd flags, no time to live, broadcasts, martians, timestamps."""
    client = draw(st.sampled_from(("10.1.0.2", "10.1.0.3")))
    server = draw(st.sampled_from(("10.2.0.2", "10.2.0.3", "10.1.0.1", "10.96.0.1")))
    sport, dport = draw(st.sampled_from((53, 4000))), draw(st.sampled_from((53, 80)))
    ttl = draw(st.sampled_from(("", "", " ttl=1", " ttl=2", " ttl=255")))
    kind = draw(st.integers(0, 6))
    if kind <= 2:
        flags = draw(st.sampled_from(("-", "F", "FA", "PA", "RA", "SF", "SR", "SAF", "U", "FPU")))
        return (f"eth0 tcp {client}:{sport} > {server}:{dport} {flags} seq=1001 ack=1001"
                f"{draw(st.sampled_from(('', ' len=10')))}{ttl}")
    if kind == 3:
        where = draw(st.sampled_from((
            "10.1.0.255", "224.0.0.1", "224.0.0.5", "255.255.255.255", "127.0.0.1", "10.1.0.0")))
        return f"eth0 udp {client}:{sport} > {where}:{dport}{ttl}"
    if kind == 4:
        source = draw(st.sampled_from(("10.1.0.1", "127.0.0.1", "10.2.0.3", "0.0.0.0", "0.1.2.3")))
        return f"eth0 udp {source}:{sport} > {server}:{dport}{ttl}"
    if kind == 5:
        query = draw(st.sampled_from(("13/0", "14/0", "9/0", "10/0", "echo id=7 seq=1")))
        return f"eth0 icmp {client} > {draw(st.sampled_from((server, '10.1.0.255')))} {query}"
    size = draw(st.sampled_from((1, 100)))
    return f"eth0 udp {client}:{sport} > {server}:{dport} len={size}{ttl}"
