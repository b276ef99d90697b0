"""A fresh cluster goes on from one of its options that was brought up before: nobody can tell."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from apiserver.authentication.signing import SigningKey
from minikube_sim import Cluster
from minikube_sim.clock import EPOCH, VirtualClock
from minikube_sim.images import IMAGES
from tests.integration.families import V6_FIRST

ROOT = Path(__file__).resolve().parents[2]
LESSON = [(ROOT / "examples/configs/services" / name).read_text()
          for name in ("simpliapi-rs.yaml", "services.yaml")]
DEPLOYMENT = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
    "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": "nginx"}]}}}}
COMMANDS = ("iptables-save -c", "nft list ruleset", "ip addr", "ip route", "ip -6 route",
            "ip6tables-save -c", "conntrack -L",
            "ss -ltn")


def brought_up(seed=0, **options):
    """A cluster that does all of its start itself: its key is given, and is that of the others."""
    key = SigningKey.seeded(random.Random(f"{seed}/signing-key"))
    return Cluster(signing_key=key, seed=seed, **options).start()


def history(cluster):
    """Every change that the store knows, as clients get it."""
    changes = cluster.store.watch("/registry/", cluster.store.compacted).poll()
    return [(change.version.key, change.revision, change.version.created,
             change.version.encode()) for change in changes]


def seen(cluster):
    """What the API, the nodes and the containers show."""
    nodes = [cluster.run(command, node) for node in cluster.options.node_names()
             for command in COMMANDS]
    logs = {one.id: one.lines for one in cluster.nodes.runtime.running()}
    return history(cluster), nodes, logs


def live(cluster):
    """What the API, the nodes and the containers show, at every step of a busy life."""
    yield seen(cluster)
    cluster.apply(*LESSON, DEPLOYMENT)
    cluster.advance(30)
    cluster.run("curl -s simpleapi-service.default.svc.cluster.local/info")
    yield seen(cluster)
    cluster.scale("rs", "simpleapi-rs", 4)
    for pod in cluster.list("pods", "kube-system"):
        cluster.delete("pod", pod["metadata"]["name"], "kube-system")
    cluster.advance(90)
    yield seen(cluster)
    cluster.advance(7200)
    yield seen(cluster)


@pytest.mark.parametrize("options", [
    {}, {"nodes": 3, "seed": 7}, {"nodes": 2, **V6_FIRST}, {"proxy_mode": "nftables"},
    {"kubernetes_version": "v1.25.0"},
    {"controllers": "*,-kubelet"}, {"controllers": "*,-service-ip-allocator", "lb": "random"},
], ids=str)
def test_it_is_byte_for_byte_what_bringing_it_up_makes(options):
    for fresh, slow in zip(live(Cluster(**options).start()), live(brought_up(**options)),
                           strict=True):
        assert fresh == slow


def test_the_second_of_a_process_is_the_first_again():
    first, second = (list(live(Cluster(seed=4711).start())) for _ in range(2))
    assert first == second


def test_it_starts_at_the_time_of_its_clock():
    Cluster().start()
    later = Cluster(clock=VirtualClock(EPOCH + 60)).start()
    assert later.get("node", "minikube")["metadata"]["creationTimestamp"] == "2026-01-01T00:01:00Z"
    assert later.clock.now() == EPOCH + 60


def test_what_was_written_before_the_start_stays():
    from apiserver.machinery.gvk import NAMESPACES
    from controllers.drive import drive

    cluster = Cluster()
    drive(cluster.client.create(NAMESPACES, {"metadata": {"name": "mine"}}))
    cluster.start()
    assert cluster.get("ns", "mine")["metadata"]["resourceVersion"] == "3"
    assert cluster.get("node", "minikube")


def test_an_image_of_the_system_that_is_replaced_before_the_start_is_pulled():
    [name] = [name for name in IMAGES if "storage-provisioner" in name]
    slow = type("Slow", (IMAGES[name],), {"pull_seconds": 5.0})
    cluster = Cluster()
    cluster.images[name] = slow
    cluster.start()
    assert cluster.get("pod", "storage-provisioner", "kube-system")["status"]["phase"] == "Pending"
    assert Cluster().start().get("pod", "storage-provisioner",
                                 "kube-system")["status"]["phase"] == "Running"
