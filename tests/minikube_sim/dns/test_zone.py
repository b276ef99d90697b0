"""What the cluster's zone answers, as CoreDNS's kubernetes plugin does."""

from __future__ import annotations

import pytest

from minikube_sim.dns.directory import Endpoint, addresses_of, hostname_of, slice_endpoints
from minikube_sim.dns.zone import NXDOMAIN, Zone, address_of, reverse_name

WEB = {"metadata": {"name": "web", "namespace": "default"}, "spec": {
    "clusterIP": "10.96.1.1", "clusterIPs": ["10.96.1.1", "fd00:10:96::1"], "ports": [
        {"name": "http", "port": 80}, {"name": "metrics", "port": 9000, "protocol": "TCP"}]}}
DB = {"metadata": {"name": "db", "namespace": "default"},
      "spec": {"clusterIP": "None", "clusterIPs": ["None"],
               "ports": [{"name": "sql", "port": 5432}]}}
EMPTY = {"metadata": {"name": "empty", "namespace": "default"}, "spec": {"clusterIP": "None"}}
EXT = {"metadata": {"name": "ext", "namespace": "default"},
       "spec": {"type": "ExternalName", "externalName": "Example.org."}}
ENDPOINTS = {"db": [Endpoint("172.17.0.6", "db-0", "sql", "TCP", 5432),
                    Endpoint("172.17.0.7", "172-17-0-7", "sql", "TCP", 5432)],
             "web": [Endpoint("172.17.0.8", "172-17-0-8", "http", "TCP", 8080)]}


class Cluster:
    """A directory of four Services."""

    def __init__(self):
        self.services = {s["metadata"]["name"]: s for s in (WEB, DB, EMPTY, EXT)}

    def namespace_exists(self, name):
        return name in ("default", "kube-system")

    def service(self, namespace, name):
        return self.services.get(name) if namespace == "default" else None

    def endpoints(self, namespace, name):
        return ENDPOINTS.get(name, []) if namespace == "default" else []

    def services_at(self, address):
        return [s for s in self.services.values() if address in addresses_of(s)]

    def endpoints_at(self, address):
        return [(e.hostname, name, "default") for name, found in ENDPOINTS.items()
                for e in found if e.address == address]


@pytest.fixture
def zone():
    return Zone(directory=Cluster(), ttl=30, pods="insecure", serial=7, nameservers=["10.96.0.10"])


def data(answer):
    return [" ".join(str(part) for part in record.data) for record in answer.answers]


@pytest.mark.parametrize(("name", "kind", "expected"), [
    ("web.default.svc.cluster.local", "A", ["10.96.1.1"]),
    ("WEB.Default.svc.cluster.local.", "A", ["10.96.1.1"]),
    ("web.default.svc.cluster.local", "AAAA", ["fd00:10:96::1"]),
    ("db.default.svc.cluster.local", "A", ["172.17.0.6", "172.17.0.7"]),
    ("db-0.db.default.svc.cluster.local", "A", ["172.17.0.6"]),
    ("172-17-0-7.db.default.svc.cluster.local", "A", ["172.17.0.7"]),
    ("172-17-0-8.web.default.svc.cluster.local", "A", ["172.17.0.8"]),
    ("ext.default.svc.cluster.local", "A", ["Example.org"]),
    ("ext.default.svc.cluster.local", "CNAME", ["Example.org"]),
    ("1-2-3-4.default.pod.cluster.local", "A", ["1.2.3.4"]),
    ("fd00--1.default.pod.cluster.local", "AAAA", ["fd00::1"]),
    ("_http._tcp.web.default.svc.cluster.local", "SRV",
     ["0 50 80 web.default.svc.cluster.local"]),
    ("_sql._tcp.db.default.svc.cluster.local", "SRV", [
        "0 50 5432 db-0.db.default.svc.cluster.local",
        "0 50 5432 172-17-0-7.db.default.svc.cluster.local"]),
    ("1.1.96.10.in-addr.arpa", "PTR", ["web.default.svc.cluster.local"]),
    ("6.0.17.172.in-addr.arpa", "PTR", ["db-0.db.default.svc.cluster.local"]),
    ("cluster.local", "NS", ["kube-dns.kube-system.svc.cluster.local"]),
    ("ns.dns.cluster.local", "A", ["10.96.0.10"]),
    ("dns-version.cluster.local", "TXT", ["1.1.0"]),
])
def test_names_that_have_records(zone, name, kind, expected):
    answer = zone.answer(name, kind)
    assert (answer.rcode, data(answer)) == (0, expected)
    assert {record.ttl for record in answer.answers} == {30}


@pytest.mark.parametrize(("name", "kind"), [
    ("cluster.local", "A"), ("svc.cluster.local", "A"), ("default.svc.cluster.local", "A"),
    ("default.pod.cluster.local", "A"), ("db.default.svc.cluster.local", "AAAA"),
    ("web.default.svc.cluster.local", "MX"), ("1-2-3-4.default.pod.cluster.local", "AAAA"),
])
def test_names_that_are_there_without_such_records_are_answered_empty(zone, name, kind):
    answer = zone.answer(name, kind)
    assert (answer.rcode, answer.answers) == (0, ())
    assert answer.authority[0].data == (
        "ns.dns.cluster.local", "hostmaster.cluster.local", 7, 7200, 1800, 86400, 30)


@pytest.mark.parametrize("name", [
    "nosuch.default.svc.cluster.local", "web.nowhere.svc.cluster.local", "web.cluster.local",
    "nowhere.svc.cluster.local", "empty.default.svc.cluster.local",
    "db-9.db.default.svc.cluster.local", "_ftp._tcp.web.default.svc.cluster.local",
    "_http._udp.web.default.svc.cluster.local", "x.y.z.web.default.svc.cluster.local",
    "1-2-3.default.pod.cluster.local", "1-2-3-4.nowhere.pod.cluster.local",
    "1-2-3-444.default.pod.cluster.local", "x.ext.default.svc.cluster.local",
])
def test_names_that_are_not_there(zone, name):
    answer = zone.answer(name, "A")
    assert (answer.rcode, answer.answers) == (NXDOMAIN, ())
    assert answer.authority[0].type == "SOA"


def test_addresses_that_nobody_has_fall_through(zone):
    assert zone.answer("9.9.9.9.in-addr.arpa", "PTR") is None


def test_srv_records_bring_the_addresses_of_their_targets(zone):
    answer = zone.answer("_sql._tcp.db.default.svc.cluster.local", "SRV")
    assert [(r.name, r.data) for r in answer.additional] == [
        ("db-0.db.default.svc.cluster.local", ("172.17.0.6",)),
        ("172-17-0-7.db.default.svc.cluster.local", ("172.17.0.7",))]


def test_pods_have_no_names_unless_the_corefile_says_insecure(zone):
    zone.pods = "disabled"
    assert zone.answer("1-2-3-4.default.pod.cluster.local", "A").rcode == NXDOMAIN


@pytest.mark.parametrize("address", ["172.17.0.6", "fd00:10:96::1", "::1"])
def test_reverse_names_lead_back(address):
    assert address_of(reverse_name(address)) == address


def test_endpoints_that_are_not_ready_have_no_records():
    entry = {"ports": [{"name": "a", "port": 1}], "endpoints": [
        {"addresses": ["10.0.0.1"], "conditions": {"ready": False}},
        {"addresses": ["10.0.0.2"], "conditions": {"ready": True}, "hostname": "h"},
        {"addresses": ["10.0.0.3"], "conditions": {}}]}
    assert [(e.address, e.hostname) for e in slice_endpoints(entry)] == [
        ("10.0.0.2", "h"), ("10.0.0.3", "10-0-0-3")]


@pytest.mark.parametrize(("address", "name"), [
    ("172.17.0.6", "172-17-0-6"), ("fd00::6", "fd00--6"), ("fd00::", "fd00--0")])
def test_an_endpoint_without_a_name_is_called_by_its_address(address, name):
    assert hostname_of({}, address) == name
