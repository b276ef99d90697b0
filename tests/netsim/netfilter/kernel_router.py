"""The router of the recordings in a real kernel: eth0 and eth1 are tun devices that we hold.

Run as a program (in a network namespace of its own) it reads one JSON line a rule set,
`{"family": 4 or 6, "rules": text, "packets": [[device, hex], ...]}`, and answers with what left
after each packet, `iptables-save -c` and `conntrack -L`; with `"watch": true` also with the
connections and counters after every packet. A packet of the device `local` is sent by the router
itself. The addresses of IPv6 are those of IPv4 as `six` writes them.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import sys

DEVICES = ("eth0", "eth1")
SETUP = """
for f in all default; do
  echo 0 > /proc/sys/net/ipv4/conf/$f/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/$f/send_redirects
done
for f in eth0 eth1; do
  ip link set $f multicast off; ip link set $f addrgenmode none
  echo 0 > /proc/sys/net/ipv4/conf/$f/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/$f/send_redirects
done
ip link set lo up
ip addr add 10.1.0.1/24 dev eth0; ip addr add 10.2.0.1/24 dev eth1
ip addr add fd00:10:1::1/64 dev eth0 nodad; ip addr add fd00:10:2::1/64 dev eth1 nodad
ip link set eth0 up; ip link set eth1 up
ip route add default via 10.2.0.254 dev eth1; ip route add default via fd00:10:2::254 dev eth1
echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
echo 0 > /proc/sys/net/ipv4/icmp_ratelimit; echo 0 > /proc/sys/net/ipv6/icmp/ratelimit
for f in icmp_msgs_per_sec icmp_msgs_burst; do
  echo 1000000 > /proc/sys/net/ipv4/$f 2>/dev/null || true
done
"""
TRACKING = (
    "nft 'add table inet keep; add chain inet keep keeping; "
    "add rule inet keep keeping ct state new'"
)
"""Connections are tracked in a namespace only while a rule asks for it."""
QUIET = 0.004
"""Seconds without a packet after which nothing more is expected."""
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 1, 0x1000


def _open(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return device


def _shell(script: str, text: str = "") -> str:
    done = subprocess.run(["sh", "-c", script], input=text, capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stderr}")
    return done.stdout


def _local(packet: bytes) -> str:
    """Send a packet of the router itself; '' or the errno's name."""
    six = packet[0] >> 4 == 6
    family = socket.AF_INET6 if six else socket.AF_INET
    to = (socket.inet_ntop(family, packet[24:40]) if six
          else socket.inet_ntop(family, packet[16:20]))
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
        try:
            sender.sendto(packet, (to, 0))
        except OSError as failed:
            return errno.errorcode[failed.errno or 0]
    return ""


class _Router:
    def __init__(self) -> None:
        self.devices = {name: _open(name) for name in DEVICES}
        _shell(SETUP)

    def answers(self) -> list[tuple[str, str]]:
        """What left, until nothing more comes."""
        names = {device: name for name, device in self.devices.items()}
        found = []
        while ready := select.select(list(names), [], [], QUIET)[0]:
            found += [(names[device], os.read(device, 65536).hex()) for device in ready]
        return found

    def send(self, device: str, packet: bytes) -> list[tuple[str, str]]:
        """What leaves because of one packet; ("error", name) if it could not be sent."""
        if device != "local":
            os.write(self.devices[device], packet)
            return self.answers()
        failed = _local(packet)
        return ([("error", failed)] if failed else []) + self.answers()

    def play(
        self, family: int, rules: str, packets: list[tuple[str, str]], watch: bool,
    ) -> dict[str, object]:
        """One rule set and its packets."""
        tool = "iptables" if family == 4 else "ip6tables"
        state = {
            "saved": f"{tool}-save -c | grep -v '^#' || true",
            "conntrack": f"conntrack -L -f ipv{family} 2>/dev/null",
        }
        begin = f"nft flush ruleset && {TRACKING} && conntrack -F 2>/dev/null"
        _shell(f"{begin} && {tool}-restore", rules)
        self.answers()
        out, seen = [], []
        for device, packet in packets:
            out.append(self.send(device, bytes.fromhex(packet)))
            if watch:
                seen.append({name: _shell(script) for name, script in state.items()})
        return {"out": out, "seen": seen,
                **{name: _shell(script) for name, script in state.items()}}


def main() -> None:
    """Answer lines until there are no more."""
    router = _Router()
    for line in sys.stdin:
        asked = json.loads(line)
        played = router.play(asked["family"], asked["rules"], asked["packets"],
                             asked.get("watch", False))
        print(json.dumps(played), flush=True)


if __name__ == "__main__":
    main()
