"""The node, Pods and outside hosts of cluster.yaml, drawn with network namespaces of a real kernel.

Run as a program in a namespace of its own, which is the node's. It reads one JSON object,
`{"load": shell command, "rules": its input, "save": shell command, "connects": [[source, protocol,
address, port, source port], ...]}`, makes the connections one after the other, and answers with who
answered each and whom that one saw, and what `save` printed.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import socket
import subprocess
import sys

PODS = {"b1": 6, "b2": 7, "b3": 8, "client": 100, "client2": 101}
OUTSIDE = {"ext": 2, "ext2": 3}
PORTS = (5000, 8080)
DATAGRAMS = 5353
SERVICES = {"10.211.55.120": ("10.96.0.0/12", "203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24"),
            "fd00:10:211::120": ("fd00:10:96::/112",)}
"""What outside hosts route through the node, by its address."""
SECONDS = {4: 0.4, 6: 1.5}
"""How long a connection may take here. By IPv6 the kernel believes an ICMP error about a SYN only
when it has sent that again, after a second.
"""
_NEWNET = 0x40000000
_BRIDGES = """
ip link set lo up
ip link add docker0 type bridge; ip link add eth0 type veth peer name node netns {switch}
nsenter -t {switch} -n sh -ec '
ip link add lan type bridge; ip link set lan up; ip link set node master lan; ip link set node up'
ip addr add 172.17.0.1/16 dev docker0; ip addr add 10.211.55.120/24 dev eth0
for f in docker0 eth0; do echo 0 > /proc/sys/net/ipv6/conf/$f/accept_dad; done
ip addr add fd00:172:17::1/64 dev docker0 nodad; ip addr add fd00:10:211::120/64 dev eth0 nodad
ip link set docker0 up; ip link set eth0 up; ip route add default via 10.211.55.1
ip route add default via fd00:10:211::1
echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
echo 1 > /proc/sys/net/bridge/bridge-nf-call-ip6tables
for f in all default docker0 eth0; do echo 0 > /proc/sys/net/ipv4/conf/$f/rp_filter; done
for f in all default docker0 eth0; do echo 0 > /proc/sys/net/ipv4/conf/$f/send_redirects; done
echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet
"""


def shell(script: str, text: str = "") -> str:
    """What a script prints; fails when it fails."""
    done = subprocess.run(["sh", "-ec", script], input=text, capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stderr}")
    return done.stdout


def _plug(name: str, bridge: str, addresses: tuple[str, str], routes: str) -> str:
    """The script that wires {pid}'s namespace to a bridge; an address of each family."""
    four, six = addresses
    return f"""
ip link add v-{name} type veth peer name eth0 netns {{pid}}
ip link set v-{name} master {bridge}; ip link set v-{name} up
bridge link set dev v-{name} hairpin on
nsenter -t {{pid}} -n sh -ec "
ip link set lo up; ip addr add {four} dev eth0; ip addr add {six} dev eth0 nodad
echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad; ip link set eth0 up; {routes}"
"""


class Host:
    """A Pod or outside host: a process in a namespace of its own that connects and answers."""

    def __init__(self, name: str, setup: str = "") -> None:
        """`setup` may name the process as {pid}: its namespace."""
        self.name = name
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel = ours
        self.pid = os.fork()
        if self.pid == 0:
            if ctypes.CDLL(None).unshare(_NEWNET):
                os._exit(1)
            theirs.send(b"ready")
            serve(name, theirs)
            os._exit(0)
        theirs.close()
        ours.recv(100)
        shell(setup.format(pid=self.pid))

    def ask(self, question: list[object]) -> object:
        """Let it connect; who answered and whom that one saw."""
        self.channel.send(json.dumps(question).encode())
        return json.loads(self.channel.recv(65536))


def serve(name: str, channel: socket.socket) -> None:
    """Answer on all ports with who we are and whom we see; connect when told."""
    listeners, datagrams = [], []
    for family in (socket.AF_INET, socket.AF_INET6):
        for port in PORTS if name.startswith("b") else ():
            listeners.append(socket.create_server(("", port), family=family))
        datagrams.append(socket.socket(family, socket.SOCK_DGRAM))
        if family == socket.AF_INET6:
            datagrams[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        datagrams[-1].bind(("", DATAGRAMS))
    # while it waits for its own answer it must answer too: it may have reached itself
    if os.fork() == 0:
        channel.close()
        while ready := select.select([*listeners, *datagrams], [], [])[0]:
            for one in ready:
                answer(name, one)
    while question := channel.recv(65536):
        channel.send(json.dumps(connect(*json.loads(question))).encode())


def answer(name: str, ready: socket.socket) -> None:
    """One connection or datagram."""
    if ready.type == socket.SOCK_DGRAM:
        _, peer = ready.recvfrom(100)
        ready.sendto(json.dumps([f"{name}:{DATAGRAMS}", *peer]).encode(), peer)
        return
    connection, peer = ready.accept()
    with connection:
        port = connection.getsockname()[1]
        connection.sendall(json.dumps([f"{name}:{port}", *peer]).encode())


def connect(protocol: str, address: str, port: int, source_port: int) -> object:
    """[who, source address, source port] as the one who answered says; or what went wrong."""
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    version = 6 if ":" in address else 4
    with socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, kind) as own:
        own.settimeout(SECONDS[version])
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.bind(("", source_port))
        try:
            own.connect((address, port))
            if protocol == "udp":
                own.send(b"x")
            return json.loads(own.recv(1000))
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return "timeout"


def main() -> None:
    """Build, load, connect, tell."""
    asked = json.loads(sys.stdin.read())
    hosts = {"switch": Host("switch")}
    switch = hosts["switch"].pid
    shell(_BRIDGES.format(switch=switch))
    for name, last in PODS.items():
        routes = "ip route add default via 172.17.0.1; ip route add default via fd00:172:17::1"
        addresses = f"172.17.0.{last}/16", f"fd00:172:17::{last}/64"
        hosts[name] = Host(name, _plug(name, "docker0", addresses, routes))
    routes = "; ".join(f"ip route add {network} via {node}"
                       for node, networks in SERVICES.items() for network in networks)
    for name, last in OUTSIDE.items():
        addresses = f"10.211.55.{last}/24", f"fd00:10:211::{last}/64"
        plug = _plug(name, "lan", addresses, routes)
        hosts[name] = Host(name, f"nsenter -t {switch} -n sh -ec '\n{plug}\n'")
    shell(asked["load"], asked["rules"])
    answers = [
        connect(*question) if source == "node" else hosts[source].ask(question)
        for source, *question in asked["connects"]
    ]
    print(json.dumps({"answers": answers, "saved": shell(asked["save"])}))
    sys.stdout.flush()
    for host in hosts.values():
        host.channel.close()


if __name__ == "__main__":
    main()
