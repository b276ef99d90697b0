"""What the shells' tools and the explanations say of IPv6, on a node and in a Pod of a dual-stack
cluster. Their texts are those of iproute2 6.1, iputils 20221126 and conntrack 1.4.7.
"""

from __future__ import annotations

import pytest

from minikube_sim import Cluster
from tests.integration.families import V4_FIRST, V6
from tests.integration.pods import in_pod, out_of_pod

MANIFESTS = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: c, image: "simpleapi:1.0", ports: [{containerPort: 5000}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: c, image: "debian:12", command: [sleep, "36000"]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  clusterIP: 10.96.0.50
  clusterIPs: [10.96.0.50, "fd00:10:96::50"]
  ipFamilyPolicy: RequireDualStack
  selector: {app: web}
  ports: [{port: 80, targetPort: 5000}]
---
apiVersion: v1
kind: Service
metadata: {name: six}
spec: {clusterIP: "fd00:10:96::66", selector: {app: web}, ports: [{port: 80, targetPort: 5000}]}
---
apiVersion: v1
kind: Service
metadata: {name: each}
spec: {clusterIP: None, ipFamilyPolicy: PreferDualStack, selector: {app: web},
       ports: [{name: http, port: 5000}]}
"""


@pytest.fixture(scope="module")
def cluster():
    """One for all tests here: they only look."""
    with Cluster(strict=True, **V4_FIRST) as made:
        made.apply(MANIFESTS)
        made.advance(5)
        yield made


def out(cluster, line):
    return cluster.run(line).stdout.decode()


# ---------------------------------------------------------------- the node


def test_ip_shows_addresses_of_one_family(cluster):
    assert out(cluster, "ip -6 addr show") == (
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 state UNKNOWN qlen 1000\n"
        "    inet6 ::1/128 scope host \n"
        "       valid_lft forever preferred_lft forever\n"
        "2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP qlen 1000\n"
        "    inet6 fd00:211:55::120/64 scope global \n"
        "       valid_lft forever preferred_lft forever\n"
        "3: docker0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP qlen 1000\n"
        "    inet6 fd00:10:244::1/64 scope global \n"
        "       valid_lft forever preferred_lft forever\n")
    assert out(cluster, "ip -6 -br addr show dev docker0").split() == [
        "docker0", "UP", "fd00:10:244::1/64"]
    assert "inet6" not in out(cluster, "ip -4 addr")


def test_ip_shows_routes_with_metric_and_preference(cluster):
    assert out(cluster, "ip -6 route") == (
        "fd00:10:244::/64 dev docker0 proto kernel metric 256 pref medium\n"
        "fd00:211:55::/64 dev eth0 proto kernel metric 256 pref medium\n"
        "default via fd00:211:55::1 dev eth0 metric 1024 pref medium\n")
    assert out(cluster, "ip -6 route get fd00:10:244::6") == (
        "fd00:10:244::6 from :: dev docker0 proto kernel src fd00:10:244::1 metric 256 "
        "pref medium\n")
    assert out(cluster, "ip -6 route get fd00:211:55::120") == (
        "local fd00:211:55::120 from :: dev lo table local proto kernel src fd00:211:55::120 "
        "metric 0 pref medium\n")


@pytest.mark.parametrize("ping", ["ping", "ping -6", "ping6"])
def test_ping_reaches_a_pod(cluster, ping):
    text = out(cluster, f"{ping} -c 1 fd00:10:244::6")
    assert text.startswith("PING fd00:10:244::6(fd00:10:244::6) 56 data bytes\n"
                           "64 bytes from fd00:10:244::6: icmp_seq=1 ttl=64 time=")


@pytest.mark.parametrize(("line", "code", "text"), [
    ("ping -c 1 fd00:10:244::99", 1, "From fd00:10:244::1 icmp_seq=1 Destination unreachable: "
                                     "Address unreachable"),
    ("ping -6 -c 1 10.96.0.50", 2, "ping: 10.96.0.50: Address family for hostname not supported"),
    ("ping -4 -c 1 ::1", 2, "ping: ::1: Address family for hostname not supported"),
])
def test_ping_says_what_is_wrong(cluster, line, code, text):
    result = cluster.run(line)
    assert result.exit_code == code
    assert text in (result.stdout + result.stderr).decode()


def test_traceroute_counts_the_node_on_the_way_to_a_pod(cluster):
    place = cluster.network.outside
    assert place.ping("fd00:10:244::6").ttl == 63
    assert out(cluster, "traceroute6 -n fd00:10:244::6").splitlines() == [
        "traceroute to fd00:10:244::6 (fd00:10:244::6), 30 hops max, 80 byte packets",
        " 1  fd00:10:244::6  0.000 ms  0.000 ms  0.000 ms"]


def test_localhost_has_an_address_of_each_family(cluster):
    assert cluster.run("curl -6 -sk https://localhost:8443/version").exit_code == 0
    assert out(cluster, "grep localhost /etc/hosts").splitlines() == [
        "127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback"]


def test_conntrack_lists_a_translated_flow_of_ipv6(cluster):
    cluster.run("conntrack -F")
    cluster.run("curl -s http://[fd00:10:96::50]/; curl -s http://10.96.0.50/")
    lines = out(cluster, "conntrack -L -f ipv6").splitlines()
    assert len(lines) == 1
    assert "dst=fd00:10:96::50 " in lines[0]
    assert "src=fd00:10:244::6 dst=fd00:10:244::1 sport=5000" in lines[0]
    assert "dst=10.96.0.50 " in out(cluster, "conntrack -L -f ipv4")


def test_a_socket_for_both_families_shows_as_one_of_ipv6(cluster):
    assert "*:8443" in out(cluster, "ss -tln")
    assert "*:8443" in out(cluster, "ss -6 -tln")
    assert "8443" not in out(cluster, "ss -4tln")


def test_rules_of_the_second_family_are_in_ip6tables(cluster):
    rules = out(cluster, "ip6tables-save -t nat")
    assert "-A KUBE-SERVICES -d fd00:10:96::50/128 -p tcp" in rules
    assert "! -s fd00:10:244::/64 -d fd00:10:96::50/128" in rules
    assert "--to-destination [fd00:10:244::6]:5000" in rules
    assert "10.96.0.50" not in rules
    assert "fd00" not in out(cluster, "iptables-save")


def test_a_rule_by_hand_bites(cluster):
    cluster.run("ip6tables -I INPUT -p tcp --dport 8443 -j REJECT --reject-with tcp-reset")
    assert cluster.run("curl -sk https://[fd00:211:55::120]:8443/version").exit_code == 7
    cluster.run("ip6tables -D INPUT 1")
    assert cluster.run("curl -sk https://[fd00:211:55::120]:8443/version").exit_code == 0


# ---------------------------------------------------------------- a Pod


def test_names_have_records_of_both_families(cluster):
    assert out_of_pod(cluster, "client", "dig +short AAAA web.default.svc.cluster.local") == (
        "fd00:10:96::50\n")
    assert out_of_pod(cluster, "client", "dig +short A six.default.svc.cluster.local") == ""
    assert out_of_pod(cluster, "client", "getent ahostsv6 web").split()[0] == "fd00:10:96::50"
    assert out_of_pod(cluster, "client", "host web").splitlines() == [
        "web.default.svc.cluster.local has address 10.96.0.50",
        "web.default.svc.cluster.local has IPv6 address fd00:10:96::50"]


def test_a_headless_service_has_the_pods_addresses(cluster):
    assert out_of_pod(cluster, "client", "dig +short AAAA each.default.svc.cluster.local") == (
        "fd00:10:244::6\n")
    served = out_of_pod(cluster, "client",
                        "dig +short SRV _http._tcp.each.default.svc.cluster.local")
    assert sorted(served.splitlines()) == [
        "0 50 5000 172-17-0-6.each.default.svc.cluster.local.",
        "0 50 5000 fd00-10-244--6.each.default.svc.cluster.local."]


def test_addresses_have_names(cluster):
    assert out_of_pod(cluster, "client", "dig +short -x fd00:10:96::50") == (
        "web.default.svc.cluster.local.\n")
    assert "fd00-10-244--6.each.default.svc.cluster.local" in out_of_pod(
        cluster, "client", "nslookup fd00:10:244::6")


def test_the_zones_name_server_has_both_addresses(cluster):
    assert out_of_pod(cluster, "client", "dig +short NS cluster.local") == (
        "kube-dns.kube-system.svc.cluster.local.\n")
    for name in ("kube-dns.kube-system.svc", "ns.dns"):
        assert out_of_pod(cluster, "client", f"dig +short AAAA {name}.cluster.local") == (
            "fd00:10:96::a\n")


def test_a_name_made_of_an_address_is_answered(cluster):
    for kind, name, address in (("AAAA", "fd00-10-244--6", "fd00:10:244::6"),
                                ("A", "172-17-0-6", "172.17.0.6")):
        assert out_of_pod(cluster, "client",
                          f"dig +short {kind} {name}.default.pod.cluster.local") == f"{address}\n"


def test_both_name_servers_are_asked_at_addresses_of_their_family(cluster):
    assert out_of_pod(cluster, "client", "cat /etc/resolv.conf").splitlines()[1:3] == [
        "nameserver 10.96.0.10", "nameserver fd00:10:96::a"]
    for server in ("10.96.0.10", "fd00:10:96::a"):
        assert out_of_pod(cluster, "client", f"dig +short @{server} six.default.svc.cluster.local "
                                             "AAAA") == "fd00:10:96::66\n"


def test_curl_takes_the_family_that_it_is_told(cluster):
    def client(line):
        return out_of_pod(cluster, "client", line).rpartition('"client": ')[2].strip('"}\n')

    assert client("curl -s web") == "172.17.0.7"
    assert client("curl -4 -s web") == "172.17.0.7"
    assert client("curl -6 -s web") == "fd00:10:244::7"
    assert client("curl --ipv6 -s http://web/") == "fd00:10:244::7"
    assert client("curl -s six") == "fd00:10:244::7"
    assert in_pod(cluster, "client", "curl -4 -s six").exit_code == 6
    assert client("curl -gs http://[fd00:10:96::50]:80/") == "fd00:10:244::7"
    assert client("wget -qO- http://[fd00:10:96::50]/") == "fd00:10:244::7"
    assert in_pod(cluster, "client", "nc -6 -zv web 80").exit_code == 0


def test_a_container_knows_its_addresses(cluster):
    assert out_of_pod(cluster, "client", "hostname -I") == "172.17.0.7 fd00:10:244::7\n"
    assert out_of_pod(cluster, "client", "tail -n 2 /etc/hosts").splitlines() == [
        "172.17.0.7\tclient", "fd00:10:244::7\tclient"]
    links = out_of_pod(cluster, "client", "env")
    assert "SIX_PORT_80_TCP=tcp://[fd00:10:96::66]:80\n" in links
    assert "SIX_SERVICE_HOST=fd00:10:96::66\n" in links


def test_a_host_with_ipv6_alone_asks_for_its_family_first():
    with Cluster(strict=True, **V6) as cluster:
        cluster.apply(*(part for part in MANIFESTS.split("---") if "10.96.0.50" not in part
                        and "PreferDual" not in part))
        cluster.advance(5)
        assert "fd00:10:244::7" in out_of_pod(cluster, "client", "curl -s http://six/")
        assert out_of_pod(cluster, "client", "hostname -i") == "fd00:10:244::7\n"
        assert in_pod(cluster, "client", "ping -c 1 10.96.0.1").stderr == (
            b"ping: connect: Network is unreachable\n")
        assert in_pod(cluster, "client", "curl -s -m 1 http://10.96.0.1/").exit_code == 7
        assert out_of_pod(cluster, "client", "cat /etc/resolv.conf").splitlines()[1:] == [
            "nameserver fd00:10:96::a", "options ndots:5"]


# ---------------------------------------------------------------- explanations


def test_a_trace_tells_of_the_rules_of_ipv6(cluster):
    flow = cluster.trace("pod/client", "http://[fd00:10:96::50]/")
    assert flow.conclusion == "answered by pod/web; it sees the client as fd00:10:244::7"
    assert "destination NAT: tcp [fd00:10:244::7]" in str(flow)
    assert cluster.trace("outside", "icmp://[fd00:10:244::6]").answer.result == "answered"


def test_why_asks_the_addresses_of_both_families(cluster):
    assert cluster.why("web").answered_by == {"80/TCP": "pod/web", "80/TCP over IPv6": "pod/web"}
    assert cluster.why("six").answered_by == {"80/TCP": "pod/web"}
    assert cluster.why("each").answered_by == {
        "5000/TCP": "pod/web", "5000/TCP over IPv6": "pod/web"}


def test_the_matrix_has_a_column_for_the_second_address(cluster):
    matrix = cluster.matrix("default")
    for target in ("svc/web:80", "tcp://[fd00:10:96::50]:80", "svc/six:80"):
        for source in ("pod/client", "node/minikube", "outside"):
            matrix.assert_reaches(source, target)


def test_a_capture_shows_ipv6(cluster):
    frames = cluster.sniff("pod/client", "http://[fd00:10:96::50]/").frames
    assert {frame.packet.family for frame in frames} == {6}


@pytest.mark.parametrize(("image", "port", "path", "wanted"), [
    ("traefik/whoami", 80, "/", ["IP: 172.17.0.8", "IP: fd00:10:244::8",
                                 "RemoteAddr: [fd00:10:244::1]:"]),
    ("registry.k8s.io/e2e-test-images/agnhost:2.40", 8080, "/clientip", ["[fd00:10:244::1]:"]),
    ("nginxdemos/hello:plain-text", 80, "/", ["Server address: fd00:10:244::8:80"]),
])
def test_images_that_show_addresses_show_those_of_the_connection(image, port, path, wanted):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shown"}, "spec": {
        "containers": [{"name": "c", "image": image,
                        **({"args": ["netexec"]} if "agnhost" in image else {})}]}}
    with Cluster(strict=True, **V4_FIRST) as cluster:
        cluster.apply(*MANIFESTS.split("---")[:2], pod)
        cluster.advance(5)
        address = cluster.get("pod", "shown")["status"]["podIPs"][1]["ip"]
        said = out(cluster, f"curl -s http://[{address}]:{port}{path}")
        assert all(text in said for text in wanted), said
