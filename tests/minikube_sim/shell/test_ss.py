"""ss and netstat: the real tools' columns."""

from __future__ import annotations

import pytest


@pytest.fixture
def listening(world):
    world.node.listen("tcp", 8080, object(), "127.0.0.1")
    world.node.listen("udp", 53, lambda datagram: None)
    return world


def test_listeners_stand_in_the_columns_of_ss(listening):
    assert listening.out("ss -tln") == (
        "State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n"
        "LISTEN 0      128        127.0.0.1:8080      0.0.0.0:*          \n")
    assert listening.out("ss -tuln").splitlines()[1] == (
        "udp   UNCONN 0      0            0.0.0.0:53        0.0.0.0:*          ")


def test_without_header_columns_are_as_narrow_as_they_can(listening):
    assert listening.out("ss -Htln") == "LISTEN 0      128    127.0.0.1:8080 0.0.0.0:*\n"


def test_services_have_names_unless_numbers_are_wanted(listening):
    assert "127.0.0.1:http-alt" in listening.out("ss -tl")


def test_connections_are_shown_with_their_state(listening):
    connection = listening.node.connect("127.0.0.1", 8080)
    assert listening.out("ss -Htn").count("ESTAB") == 2
    assert listening.out("ss -tn state established").startswith("Recv-Q Send-Q Local Address:Port")
    assert len(listening.out("ss -Htn dport = :8080").splitlines()) == 1
    assert "TCP:   3 (estab 2, closed 0, orphaned 0, timewait 0)" in listening.out("ss -s")
    connection.close()


def test_netstat_has_columns_of_its_own(listening):
    assert listening.out("netstat -tln") == (
        "Active Internet connections (only servers)\n"
        "Proto Recv-Q Send-Q Local Address           Foreign Address         State      \n"
        "tcp        0      0 127.0.0.1:8080          0.0.0.0:*               LISTEN     \n")
    assert ("172.17.0.0      0.0.0.0         255.255.0.0     U         0 0          0 docker0"
            in listening.out("netstat -rn"))


def test_an_unknown_option_is_refused(world):
    code, out, err = world.run("ss --foo")
    assert (code, out) == (255, "")
    assert err.startswith("ss: unrecognized option '--foo'\n")
