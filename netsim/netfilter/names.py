"""Numbers that rule text may write as names: protocols, services, and the reverse.

Models getprotobyname(3) and getservbyname(3) on a Debian node. Where a name stands for several
numbers or a number has several names, the first line of the table wins.
"""

from __future__ import annotations

from typing import Final

from netsim.netfilter.errors import RuleSyntaxError

_PROTOCOLS: Final = """
tcp 6, sctp 132, udp 17, udplite 136, icmp 1, ipv6-icmp 58, icmpv6 58, esp 50, ah 51,
mobility-header 135, ipv6-mh 135, mh 135, igmp 2, ggp 3, ipencap 4, st 5, egp 8, igp 9, pup 12,
hmp 20, xns-idp 22, rdp 27, iso-tp4 29, dccp 33, xtp 36, ddp 37, idpr-cmtp 38, ipv6 41,
ipv6-route 43, ipv6-frag 44, idrp 45, rsvp 46, gre 47, skip 57, ipv6-nonxt 59, ipv6-opts 60,
rspf 73, vmtp 81, eigrp 88, ospf 89, ax.25 93, ipip 94, etherip 97, encap 98, pim 103, ipcomp 108,
vrrp 112, l2tp 115, isis 124, fc 133, mpls-in-ip 137, manet 138, shim6 139, wesp 141, rohc 142,
ethernet 143
"""

_SERVICES: Final = """
tcpmux 1, echo 7, discard 9, systat 11, daytime 13, netstat 15, qotd 17, chargen 19, ftp-data 20,
ftp 21, ssh 22, telnet 23, smtp 25, time 37, whois 43, tacacs 49, domain 53, bootps 67, bootpc 68,
tftp 69, gopher 70, finger 79, http 80, www 80, kerberos 88, iso-tsap 102, acr-nema 104, pop3 110,
pop-3 110, sunrpc 111, auth 113, nntp 119, ntp 123, epmap 135, netbios-ns 137, netbios-dgm 138,
netbios-ssn 139, imap2 143, imap 143, snmp 161, snmp-trap 162, snmptrap 162, cmip-man 163,
cmip-agent 164, mailq 174, xdmcp 177, bgp 179, smux 199, qmtp 209, z3950 210, ipx 213,
ptp-event 319, ptp-general 320, pawserv 345, zserv 346, rpc2portmap 369, codaauth2 370,
clearcase 371,
ldap 389, svrloc 427, https 443, snpp 444, microsoft-ds 445, kpasswd 464, submissions 465, saft 487,
isakmp 500, rtsp 554, nqs 607, asf-rmcp 623, qmqp 628, ipp 631, ldp 646, ldaps 636, submission 587,
nntps 563, kerberos-adm 749, domain-s 853, rsync 873, ftps-data 989, ftps 990, telnets 992,
imaps 993, pop3s 995, socks 1080, proofd 1093, rootd 1094, openvpn 1194, rmiregistry 1099,
lotusnote 1352, ms-sql-s 1433, ms-sql-m 1434, ingreslock 1524, radius 1812, radius-acct 1813,
nfs 2049, gnunet 2086, gsigatekeeper 2119, gris 2135, cvspserver 2401, mysql 3306, rdp 3389,
ms-wbt-server 3389, nut 3493, distcc 3632, daap 3689, svn 3690, epmd 4369, remctl 4373,
f5-iquery 4353, ntske 4460, ipsec-nat-t 4500, iax 4569, sip 5060, sip-tls 5061, xmpp-client 5222,
xmpp-server 5269, cfengine 5308, mdns 5353, postgresql 5432, amqps 5671, amqp 5672, x11 6000,
redis 6379, syslog-tls 6514, gnutella-svc 6346, http-alt 8080, webcache 8080, puppet 8140,
zabbix-agent 10050, zabbix-trapper 10051
"""

_UDP_SERVICES: Final = "syslog 514, rip 520, biff 512, who 513, talk 517, ntalk 518, timed 525, "
_TCP_SERVICES: Final = (
    "exec 512, login 513, shell 514, printer 515, gdomap 538, uucp 540, klogin 543, kshell 544, "
)


def _numbers(text: str) -> dict[str, int]:
    pairs = (entry.split() for entry in text.replace("\n", " ").split(",") if entry.strip())
    return {name: int(number) for name, number in pairs}


def _names(numbers: dict[str, int]) -> dict[int, str]:
    return {number: name for name, number in reversed(numbers.items())}


PROTOCOL_NUMBER: Final = _numbers(_PROTOCOLS)
_PROTOCOL_NAME: Final = _names(PROTOCOL_NUMBER)
_PORTS: Final = {
    6: _numbers(_TCP_SERVICES + _SERVICES),
    17: _numbers(_UDP_SERVICES + _SERVICES),
}
_PORT_NAMES: Final = {protocol: _names(numbers) for protocol, numbers in _PORTS.items()}


def parse_protocol(text: str) -> int:
    """`tcp`, `TCP`, `6` or `all` (0) as a number. Raises RuleSyntaxError."""
    name = text.lower()
    if name in PROTOCOL_NUMBER:
        return PROTOCOL_NUMBER[name]
    if name in ("all", "ip"):
        return 0
    if name.isascii() and name.isdigit() and int(name) <= 255:
        return int(name)
    raise RuleSyntaxError(f'unknown protocol "{text}" specified')


def protocol_text(protocol: int) -> str:
    """The name of a protocol number, or the number."""
    return _PROTOCOL_NAME.get(protocol, str(protocol)) if protocol else "all"


def port_number(text: str, protocol: int = 6) -> int | None:
    """A port number or service name; None if it is neither."""
    if text.isascii() and text.isdigit():
        return int(text) if int(text) <= 65535 else None
    return _PORTS.get(protocol, _PORTS[6]).get(text)


def parse_port(text: str, protocol: int = 6) -> int:
    """A port number or service name as a number. Raises RuleSyntaxError."""
    number = port_number(text, protocol)
    if number is None:
        raise RuleSyntaxError(f"invalid port/service `{text}' specified")
    return number


def port_text(port: int, numeric: bool, protocol: int = 6) -> str:
    """A port as `iptables -L` prints it: its number, or the service's name."""
    return str(port) if numeric else _PORT_NAMES.get(protocol, {}).get(port, str(port))
