"""The reachability matrix: as a table, as CSV, and as assertions that show the trace."""

from __future__ import annotations

import csv
import io

import pytest

from minikube_sim.explain.places import ExplainError


def test_every_place_and_every_port_is_there(shop):
    found = shop.matrix("default")
    assert found.sources == ("pod/client", "pod/web-1", "pod/web-2", "node/minikube", "outside")
    assert found.targets == ("svc/kubernetes:443", "svc/web:80")
    assert {s for s in found.sources if found.reaches(s, "svc/web:80")} == set(found.sources)


def test_all_namespaces_with_the_ports_of_pods(shop):
    found = shop.matrix(pods=True)
    assert "svc/kube-system/kube-dns:dns" in found.targets
    assert "pod/kube-system/storage-provisioner" in found.sources
    assert any(t.startswith("pod/kube-system/coredns") for t in found.targets)


def test_the_table_says_who_answered(shop):
    lines = str(shop.matrix("default")).splitlines()
    assert lines[0].split() == ["FROM", "svc/kubernetes:443", "svc/web:80"]
    assert lines[1].split()[2].startswith("pod/web-")


def test_csv_has_a_row_for_each_cell(shop):
    rows = list(csv.DictReader(io.StringIO(shop.matrix("default").csv())))
    assert len(rows) == 10
    assert {row["result"] for row in rows if row["to"] == "svc/web:80"} == {"answered"}


def test_assertions_hold_or_show_the_trace(shop):
    shop.matrix().assert_reaches("pod/client", "svc/web:80")
    shop.run("sudo iptables -I FORWARD -p tcp --dport 80 -j DROP")
    found = shop.matrix()
    found.assert_blocked("pod/client", "svc/web:80")
    with pytest.raises(AssertionError) as error:
        found.assert_reaches("pod/client", "svc/web:80")
    assert "pod/client does not reach svc/web:80: dropped" in str(error.value)
    assert "-A FORWARD -p tcp -m tcp --dport 80 -j DROP" in str(error.value)
    with pytest.raises(AssertionError, match="node/minikube reaches svc/web:80"):
        found.assert_blocked("node/minikube", "svc/web:80")


def test_what_is_not_in_the_matrix_is_no_silent_pass(shop):
    with pytest.raises(ExplainError, match="is not in the matrix"):
        shop.matrix().assert_blocked("pod/nobody", "svc/web:80")
