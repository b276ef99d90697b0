"""curl, wget, ping, ip and iptables on a simulated node."""

from __future__ import annotations

import re

import pytest


def test_curl_prints_the_body(world):
    assert world.out("curl http://172.17.0.6:5000/info") == "GET /info \n"
    assert world.out("curl -s web:5000/a 172.17.0.6:5000/b") == "GET /a \nGET /b \n"


def test_curl_sends_data_and_methods(world):
    assert world.out("curl -s -d a=1 web:5000/") == "POST / a=1\n"
    assert world.out("curl -s -X DELETE web:5000/x?y=1") == "DELETE /x?y=1 \n"


def test_curl_writes_out_variables(world):
    line = "curl -s -o /dev/null -w '%{http_code} %{remote_ip}:%{remote_port}\\n' web:5000/missing"
    assert world.out(line) == "404 172.17.0.6:5000\n"


def test_curl_verbose_shows_the_conversation(world):
    _, out, err = world.run("curl -v http://172.17.0.6:5000/info")
    assert out == "GET /info \n"
    assert err.startswith("*   Trying 172.17.0.6:5000...\n"
                          "* Connected to 172.17.0.6 (172.17.0.6) port 5000 (#0)\n"
                          "> GET /info HTTP/1.1\n> Host: 172.17.0.6:5000\n"
                          "> User-Agent: curl/7.88.1\n> Accept: */*\n> \n< HTTP/1.1 200 OK\n")
    assert err.endswith("* Connection #0 to host 172.17.0.6 left intact\n")


def test_curl_include_shows_the_headers(world):
    out = world.out("curl -si web:5000/")
    assert out.startswith("HTTP/1.1 200 OK\r\n")
    assert "Content-Length: " in out


def test_curl_follows_redirects_when_told(world):
    assert world.out("curl -s web:5000/old") == ""
    assert world.out("curl -sL web:5000/old") == "GET /info \n"


@pytest.mark.parametrize(("line", "code", "message"), [
    ("curl http://172.17.0.6:81/", 7,
     "curl: (7) Failed to connect to 172.17.0.6 port 81 after 0 ms: Couldn't connect to server"),
    ("curl nosuch", 6, "curl: (6) Could not resolve host: nosuch"),
    ("curl --max-time 2 10.96.0.1", 28, "curl: (28) Connection timed out after 2001 milliseconds"),
    ("curl -sS -f web:5000/missing", 22, "curl: (22) The requested URL returned error: 404"),
    ("curl -s nosuch", 6, ""),
    ("curl -s", 2, "curl: no URL specified!\ncurl: try 'curl --help' or 'curl --manual' for more "
                "information"),
    ("curl --wat x", 2, "curl: option --wat: is unknown\ncurl: try 'curl --help' or "
                        "'curl --manual' for more information"),
    ("curl ftp://x/", 1, 'curl: (1) Protocol "ftp" not supported or disabled in libcurl'),
])
def test_curl_fails_as_curl_does(world, line, code, message):
    got, out, err = world.run(line)
    assert (got, out, err.strip()) == (code, "", message)


def test_curl_that_nobody_answers_gives_up_when_the_kernel_does(world):
    before = world.clock.now()
    assert world.run("curl 10.96.0.1")[0] == 28
    assert world.clock.now() - before == 131


def test_wget(world):
    assert world.out("wget -q -O - http://web:5000/info") == "GET /info \n"
    code, _, err = world.run("wget -qO- http://web:81/")
    assert code == 1
    assert err == "wget: can't connect to remote host (172.17.0.6): Connection refused\n"


def test_ping_of_a_pod_is_answered(world):
    out = world.out("ping -c 2 172.17.0.6")
    assert out.startswith("PING 172.17.0.6 (172.17.0.6) 56(84) bytes of data.\n"
                          "64 bytes from 172.17.0.6: icmp_seq=1 ttl=64 time=")
    assert "2 packets transmitted, 2 received, 0% packet loss, time 1000ms" in out


def test_ping_of_an_address_that_nobody_has_is_not(world):
    code, out, _ = world.run("ping -c 3 -W 1 10.96.0.1")
    assert code == 1
    assert "3 packets transmitted, 0 received, 100% packet loss" in out


def test_ip_shows_addresses_and_routes(world):
    out = world.out("ip addr")
    assert "inet 10.211.55.120/24 brd 10.211.55.255 scope global eth0" in out
    assert "inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0" in out
    assert "inet 10.211" not in world.out("ip addr show docker0")
    routes = world.out("ip route").splitlines()
    assert routes[0].startswith("default via 10.211.55.1 dev eth0")
    assert any(r.startswith("172.17.0.0/16 dev docker0") for r in routes)


def test_a_rule_that_a_class_adds_bites(world):
    world.out("sudo iptables -A OUTPUT -d 172.17.0.6/32 -p tcp --dport 5000 -j DROP")
    assert world.run("curl -s --max-time 1 http://172.17.0.6:5000/")[0] == 28
    assert world.out("sudo iptables-save | grep -c DROP") == "1\n"
    world.out("iptables -F OUTPUT")
    assert world.out("curl -s http://172.17.0.6:5000/") == "GET / \n"


def test_conntrack_lists_flows(world):
    world.out("iptables -t nat -L")
    world.out("curl -s http://172.17.0.6:5000/")
    assert "dst=172.17.0.6" in world.out("conntrack -L")


def test_containers_have_no_administrators_tools(world):
    world.machine.network = world.pod
    assert world.run("iptables-save") == (127, "", "bash: iptables-save: command not found\n")


def test_listening_sockets(world):
    world.machine.network = world.pod
    assert "0.0.0.0:5000" in world.out("ss -tln")


@pytest.mark.parametrize(("rule", "said"), [
    ("icmp-net-unreachable", "Destination Net Unreachable"),
    ("icmp-host-prohibited", "Destination Host Prohibited"),
    ("icmp-proto-unreachable", "Destination Protocol Unreachable"),
    ("icmp-admin-prohibited", "Packet filtered"),
])
def test_ping_says_what_icmp_errors_mean(world, rule, said):
    world.node.attach_pod("other", "172.17.0.7")
    world.out(f"iptables -A INPUT -p icmp --icmp-type 8 -j REJECT --reject-with {rule}")
    code, out, _ = world.run("ping -c 1 10.211.55.120")
    assert code == 1
    assert f"From 10.211.55.120 icmp_seq=1 {said}\n" in out


def test_ping_without_a_route_ends_at_once(world):
    world.out("ip route del default")
    assert world.run("ping -c 1 9.9.9.9") == (2, "", "ping: connect: Network is unreachable\n")
    code, _, err = world.run("traceroute 9.9.9.9")
    assert (code, err) == (1, "connect: Network is unreachable\n")


def test_ping_of_a_name_names_who_answers(world):
    assert "64 bytes from web (172.17.0.6): icmp_seq=1 ttl=64" in world.out("ping -c 1 web")
    assert "64 bytes from 172.17.0.6: icmp_seq=1 ttl=64" in world.out("ping -n -c 1 web")


@pytest.mark.parametrize(("line", "code", "said"), [
    ("ping", 1, "ping: usage error: Destination address required"),
    ("ping -c x 1.1.1.1", 1, "ping: invalid argument: 'x'"),
    ("ping -c 0 1.1.1.1", 1,
     "ping: invalid argument: '0': out of range: 1 <= value <= 9223372036854775807"),
    ("ping -I 10.9.9.9 172.17.0.6", 2, "ping: bind: Cannot assign requested address"),
    ("ping -I nosuch 172.17.0.6", 2, "ping: SO_BINDTODEVICE nosuch: No such device"),
    ("ping -6 172.17.0.6", 2, "ping: 172.17.0.6: Address family for hostname not supported"),
])
def test_ping_refuses_what_the_real_one_refuses(world, line, code, said):
    assert world.run(line) == (code, "", f"{said}\n")


def test_events_of_connections_are_shown_as_they_happen(world):
    _, out, err = world.run("conntrack -E -p tcp & curl -s 172.17.0.6:5000/ > /dev/null; "
                            "kill -INT %1; wait")
    lines = out.splitlines()
    assert lines[0].startswith("    [NEW] tcp      6 120 SYN_SENT src=")
    assert lines[1].startswith(" [UPDATE] tcp      6 60 SYN_RECV src=")
    assert lines[2].startswith(" [UPDATE] tcp      6 432000 ESTABLISHED")
    assert " mark=" not in out
    assert err == (f"conntrack v1.4.7 (conntrack-tools): {len(lines)} flow events have been "
                   "shown.\n")


def test_what_rules_log_is_in_dmesg(world):
    world.out("iptables -A OUTPUT -p icmp -j LOG --log-prefix 'ping: ' --log-uid")
    world.out("ping -c 1 172.17.0.6")
    (line,) = world.out("dmesg -t").splitlines()
    assert line.startswith("ping: IN= OUT=docker0 SRC=172.17.0.1 DST=172.17.0.6 LEN=84 TOS=0x00 ")
    assert line.endswith(" UID=0 GID=0 ")
    assert re.match(r"\[ *\d+\.\d{6}\] ping: IN=", world.out("dmesg -c"))
    assert world.out("dmesg") == ""


def test_settings_of_the_kernel_are_read_and_written(world):
    assert world.out("sysctl net.ipv4.ip_forward") == "net.ipv4.ip_forward = 1\n"
    assert world.out("sysctl -w net.ipv4.ip_forward=0") == "net.ipv4.ip_forward = 0\n"
    assert world.out("sysctl -n net.ipv4.ip_forward") == "0\n"
    assert not world.node.forwarding[4]
    assert world.run("sysctl net.nosuch") == (
        255, "", "sysctl: cannot stat /proc/sys/net/nosuch: No such file or directory\n")


def test_ipset_on_a_node(world):
    world.out("ipset create bad hash:ip; ipset add bad 172.17.0.6")
    world.out("iptables -A OUTPUT -m set --match-set bad dst -j DROP")
    assert world.run("ping -c 1 -W 1 172.17.0.6")[0] == 1
    assert world.run("ipset test bad 172.17.0.6") == (
        0, "", "Warning: 172.17.0.6 is in set bad.\n")
    world.out("ipset del bad 172.17.0.6")
    assert world.run("ping -c 1 172.17.0.6")[0] == 0
    assert world.run("ipset destroy bad")[2] == (
        "ipset v7.17: Set cannot be destroyed: it is in use by a kernel component\n")


@pytest.mark.verified(source="dig, host and nslookup 9.18")
def test_name_servers_that_refuse_are_told_before_the_banner(world):
    code, out, _ = world.run("dig @10.211.55.120 x +tries=2")
    assert code == 9
    assert out == (
        ";; communications error to 10.211.55.120#53: connection refused\n" * 2
        + "\n; <<>> DiG 9.18.28 <<>> @10.211.55.120 x +tries=2\n; (1 server found)\n"
        ";; global options: +cmd\n;; no servers could be reached\n")
    refused = ";; communications error to 10.211.55.120#53: connection refused\n"
    assert world.run("host x 10.211.55.120")[:2] == (
        1, refused * 2 + ";; no servers could be reached\n")
    assert world.run("nslookup x 10.211.55.120")[:2] == (
        1, refused * 3 + ";; no servers could be reached\n\n")
