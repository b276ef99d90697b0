"""Runs inside a network namespace of its own: loads nft rule sets into the real kernel, sends UDP
datagrams over lo, and prints what became of them and how the rules look afterwards.

Input: a JSON list of {"rules": text, "packets": [[source, source port, destination, port], ...]}.
"""

from __future__ import annotations

import errno
import json
import socket
import subprocess
import sys
from typing import Any

PORTS = (1000, 1001, 1002)


def _nft(*arguments: str, text: str = "") -> str:
    done = subprocess.run(
        ["nft", *arguments], input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{done.stderr}\n{text}")
    return done.stdout


def _listeners() -> dict[tuple[str, int], socket.socket]:
    found = {}
    for last in (1, 2, 3):
        for port in PORTS:
            found[f"127.0.0.{last}", port] = _udp(f"127.0.0.{last}", port)
    return found


def _udp(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    sock.setblocking(False)
    return sock


def _arrived(sockets: dict[tuple[str, int], socket.socket]) -> str:
    for (address, port), sock in sockets.items():
        try:
            _, (host, source) = sock.recvfrom(100)
        except BlockingIOError:
            continue
        return f"{host}:{source} at {address}:{port}"
    return "lost"


def _send(packet: list[Any], sockets: dict[tuple[str, int], socket.socket]) -> str:
    source, source_port, destination, port = packet
    with _udp(source, source_port) as sock:
        try:
            sock.sendto(b"x", (destination, port))
        except OSError as error:
            return errno.errorcode[error.errno or 0]
    return _arrived(sockets)


def main() -> None:
    """Do all cases."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    sockets, results = _listeners(), []
    for case in json.load(sys.stdin):
        _nft("flush", "ruleset")
        _nft("-f", "-", text=case["rules"])
        outcomes = [_send(packet, sockets) for packet in case["packets"]]
        results.append({"outcomes": outcomes, "listing": _nft("list", "ruleset")})
        subprocess.run(["conntrack", "-F"], capture_output=True, check=False)
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
