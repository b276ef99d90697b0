"""Captures: the flow's frames, as a file that tcpdump reads."""

from __future__ import annotations

import shutil
import struct
import subprocess

import pytest

from minikube_sim.explain.places import ExplainError


def test_a_request_is_caught_where_it_begins(shop):
    capture = shop.sniff("pod/client", "http://web/")
    texts = [str(frame.packet) for frame in capture.frames]
    vip = shop.get("svc", "web")["spec"]["clusterIP"]
    assert " S " in texts[0]
    assert " SA " in texts[1]
    assert all(f"{vip}:80" in text for text in texts)
    data = b"".join(frame.data for frame in capture.frames)
    assert data.startswith(b"GET / HTTP/1.1\r\nHost: web\r\n")
    assert b"Welcome to nginx" in data


def test_at_the_server_it_has_been_translated(shop):
    capture = shop.sniff("outside", "tcp://10.96.0.10:53", at="all")
    firsts = [str(frame.packet) for frame in capture.frames[:2]]
    assert "> 10.96.0.10:53" in firsts[0]
    assert "> 172.17.0." in firsts[1]


def test_frames_come_in_the_order_of_time(shop):
    times = [frame.time for frame in shop.sniff("pod/client", "http://web/").frames]
    assert times == sorted(set(times))


def test_a_place_that_the_flow_does_not_pass(shop):
    with pytest.raises(ExplainError, match="nothing of pod/client to http://web/ was seen"):
        shop.sniff("pod/client", "http://web/", at="outside")


def test_nobody_listens_in_afterwards(shop):
    shop.sniff("pod/client", "http://web/")
    assert shop.network.fabric.wire.medium is None


def test_the_file_has_a_record_for_each_frame(shop, tmp_path):
    capture = shop.sniff("pod/client", "icmp://10.211.55.120")
    capture.write(tmp_path / "x.pcap")
    data = (tmp_path / "x.pcap").read_bytes()
    assert struct.unpack("!IHH", data[:8]) == (0xA1B2C3D4, 2, 4)
    sizes, position = [], 24
    while position < len(data):
        sizes.append(struct.unpack("!I", data[position + 8:position + 12])[0])
        position += 16 + sizes[-1]
    assert sizes == [98, 98]


@pytest.mark.skipif(not shutil.which("tcpdump"), reason="tcpdump is not installed")
@pytest.mark.parametrize("target", ["http://web/", "udp://10.211.55.120:9", "icmp://172.17.0.7",
                                    "tcp://10.96.0.99:99"])
def test_tcpdump_finds_every_checksum_right(shop, tmp_path, target):
    shop.sniff("pod/client", target).write(tmp_path / "x.pcap")
    dump = subprocess.run(["tcpdump", "-nvvr", tmp_path / "x.pcap"], capture_output=True, text=True,
                          check=True)
    assert dump.stdout
    assert "incorrect" not in dump.stdout
    assert "bad" not in dump.stdout
    assert "truncated" not in dump.stdout
