"""The router of the recordings in a real kernel: eth0 and eth1 are tun devices that we hold.

Run as a program (in a network namespace of its own) it reads one JSON line a rule set,
`{"rules": text, "packets": [[device, hex], ...]}`, and answers with what left after each packet,
`iptables-save -c` and `conntrack -L`.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import struct
import subprocess
import sys

DEVICES = ("eth0", "eth1")
SETUP = """
ip link set lo up
ip addr add 10.1.0.1/24 dev eth0; ip addr add 10.2.0.1/24 dev eth1
ip link set eth0 up; ip link set eth1 up
ip route add default via 10.2.0.254 dev eth1
for f in all default eth0 eth1; do
  echo 0 > /proc/sys/net/ipv4/conf/$f/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/$f/send_redirects
done
for f in eth0 eth1; do echo 1 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; done
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 0 > /proc/sys/net/ipv4/icmp_ratelimit
"""
TRACKING = (
    "nft 'add table ip keep; add chain ip keep keeping; add rule ip keep keeping ct state new'"
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

    def play(self, rules: str, packets: list[tuple[str, str]]) -> dict[str, object]:
        """One rule set and its packets."""
        begin = f"nft flush ruleset && {TRACKING} && conntrack -F 2>/dev/null"
        _shell(f"{begin} && iptables-restore", rules)
        self.answers()
        out = []
        for device, packet in packets:
            os.write(self.devices[device], bytes.fromhex(packet))
            out.append(self.answers())
        saved = _shell("iptables-save -c | grep -v '^#'")
        return {"out": out, "saved": saved, "conntrack": _shell("conntrack -L 2>/dev/null")}


def main() -> None:
    """Answer lines until there are no more."""
    router = _Router()
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(router.play(asked["rules"], asked["packets"])), flush=True)


if __name__ == "__main__":
    main()
