"""A scenario suite: what a team would check of its own manifests. Run: pytest examples/scenarios"""

from pathlib import Path

import pytest

MANIFESTS = Path(__file__).parents[1] / "configs" / "services"


@pytest.fixture
def shop(cluster):
    """The lesson's application with three Pods, up and running."""
    for file in sorted(MANIFESTS.glob("*.yaml")):
        cluster.apply(file.read_text())
    cluster.scale("rs", "simpleapi-rs", 3)
    cluster.advance(10)
    return cluster


def ask(cluster, times=1):
    """The answers to so many requests to the Service, from the node."""
    vip = cluster.get("svc", "simpleapi-service")["spec"]["clusterIP"]
    result = cluster.run(f"for i in $(seq {times}); do curl -sS http://{vip}/; done")
    assert result.exit_code == 0, result.stderr.decode()
    return result.stdout.decode().splitlines()


def test_every_pod_gets_its_share(shop):
    answers = ask(shop, times=30)
    assert sorted(answers.count(answer) for answer in set(answers)) == [10, 10, 10]


def test_a_crash_of_one_pod_is_not_noticed(shop):
    victim = shop.list("pods", selector="app=backend")[0]["metadata"]["name"]
    shop.delete("pod", victim)
    assert len(ask(shop, times=30)) == 30
    shop.advance(60)
    assert len(set(ask(shop, times=30))) == 3


def test_a_rollout_of_nothing_is_seen_at_once(shop):
    """A selector that matches no Pod: the classic mistake, found without a cluster."""
    spec = {"selector": {"app": "backedn"}, "ports": [{"port": 80, "targetPort": 5000}]}
    shop.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "simpleapi-service"},
                "spec": spec})
    vip = shop.get("svc", "simpleapi-service")["spec"]["clusterIP"]
    assert shop.run(f"curl -s http://{vip}/").exit_code == 7
