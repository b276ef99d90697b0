"""A whole cluster in this process, on the virtual clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from apiserver.machinery.errors import Invalid, NotFound
from controllers.drive import drive
from minikube_sim import Cluster
from minikube_sim.shell.session import run_command

ROOT = Path(__file__).resolve().parents[2]
LESSON = [(ROOT / "examples/configs/services" / name).read_text()
          for name in ("simpliapi-rs.yaml", "services.yaml")]
HELLO = '"Hello, Kubernetes!!!, version: 1.0"\n'


def out(cluster, line):
    """stdout of a shell line on the node that succeeds."""
    result = cluster.run(line)
    assert result.exit_code == 0, result
    return result.stdout.decode()


def pods(cluster):
    """(name, address) of the lesson's Pods."""
    return [(p["metadata"]["name"], p["status"].get("podIP"))
            for p in cluster.list("pods", "default") if not p["metadata"].get("deletionTimestamp")]


@pytest.fixture
def lesson(cluster):
    cluster.apply(*LESSON)
    cluster.advance(5)
    return cluster


def vip(cluster):
    return cluster.get("svc", "simpleapi-service")["spec"]["clusterIP"]


def test_the_first_pod_of_a_user_gets_172_17_0_6(lesson):
    assert [address for _, address in pods(lesson)] == ["172.17.0.6"]
    assert out(lesson, "curl -s http://172.17.0.6:5000/info") == HELLO


def test_the_vip_gives_the_same_answer_and_is_on_no_interface(lesson):
    assert out(lesson, f"curl -s http://{vip(lesson)}/info") == HELLO
    assert vip(lesson) not in out(lesson, "ip addr")
    assert lesson.run(f"ping -c 1 -W 1 {vip(lesson)}").exit_code == 1


def test_traffic_is_spread_evenly_in_turn(lesson):
    lesson.scale("rs", "simpleapi-rs", 2)
    lesson.advance(5)
    answers = out(lesson, f"for i in $(seq 20); do curl -s http://{vip(lesson)}/; done")
    lines = answers.splitlines()
    assert len(set(lines)) == 2
    assert lines == [lines[0], lines[1]] * 10


def test_deletion_takes_all_of_it_away(lesson):
    address = vip(lesson)
    out(lesson, f"curl -s http://{address}/info")
    lesson.delete("svc", "simpleapi-service")
    lesson.delete("rs", "simpleapi-rs")
    lesson.advance(60)
    assert pods(lesson) == []
    assert "simpleapi" not in out(lesson, "iptables-save")
    slices = lesson.list("endpointslices", "default")
    assert [s["metadata"]["name"] for s in slices] == ["kubernetes"]
    with pytest.raises(NotFound):
        lesson.get("endpoints", "simpleapi-service")
    assert lesson.run(f"curl -s --max-time 1 http://{address}/").exit_code == 28
    lesson.advance(200)
    assert "172.17.0.6" not in out(lesson, "conntrack -L")


def test_a_service_without_endpoints_refuses(lesson):
    lesson.scale("rs", "simpleapi-rs", 0)
    lesson.advance(60)
    assert lesson.run(f"curl -s http://{vip(lesson)}/").exit_code == 7


def test_a_pod_that_is_replaced_gets_a_new_address(lesson):
    [(name, address)] = pods(lesson)
    lesson.delete("pod", name)
    lesson.advance(60)
    [(other, new)] = pods(lesson)
    assert other != name
    assert new != address
    assert out(lesson, f"curl -s http://{vip(lesson)}/info") == HELLO


def test_no_request_fails_while_a_pod_is_deleted(lesson):
    lesson.scale("rs", "simpleapi-rs", 3)
    lesson.advance(5)
    lesson.delete("pod", pods(lesson)[0][0])
    codes = out(lesson, f"for i in $(seq 60); do curl -s -o /dev/null -w '%{{http_code}} ' "
                        f"http://{vip(lesson)}/; sleep 1; done")
    assert codes.split() == ["200"] * 60


def test_an_image_that_nobody_defined_says_which_there_are(cluster):
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
                   "spec": {"containers": [{"name": "c", "image": "nosuch:1"}]}})
    assert waiting(cluster) == "ErrImagePull"
    cluster.advance(5)
    messages = [e["message"] for e in cluster.list("events", "default")]
    assert any("simulated images:" in m and "simpleapi:1.0" in m for m in messages)
    assert waiting(cluster) == "ImagePullBackOff"
    assert "Error: ImagePullBackOff" in messages


def waiting(cluster):
    """Why the only container of pod p waits."""
    return cluster.get("pod", "p")["status"]["containerStatuses"][0]["state"]["waiting"]["reason"]


@pytest.mark.cluster(unknown_images="run")
def test_unknown_images_may_run_as_a_plain_server(cluster):
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {
        "containers": [{"name": "c", "image": "nosuch:1", "ports": [{"containerPort": 8080}]}]}})
    cluster.advance(5)
    assert cluster.get("pod", "p")["status"]["phase"] == "Running"


@pytest.mark.cluster(nodes=3)
def test_every_node_reaches_every_pod(cluster):
    cluster.apply(*LESSON)
    cluster.scale("rs", "simpleapi-rs", 6)
    cluster.advance(10)
    for node in cluster.options.node_names():
        for _, address in pods(cluster):
            assert cluster.run(f"curl -s http://{address}:5000/info", node).stdout.decode() == HELLO
        assert cluster.run(f"curl -s http://{vip(cluster)}/info", node).stdout.decode() == HELLO


@pytest.mark.cluster(proxy_mode="nftables")
def test_the_lesson_in_nftables_mode(lesson):
    assert out(lesson, f"curl -s http://{vip(lesson)}/info") == HELLO


@pytest.mark.cluster(lb="random")
def test_random_balancing_reaches_both(lesson):
    lesson.scale("rs", "simpleapi-rs", 2)
    lesson.advance(5)
    answers = out(lesson, f"for i in $(seq 40); do curl -s http://{vip(lesson)}/; done")
    assert len(set(answers.splitlines())) == 2
    assert "--mode random" in out(lesson, "iptables-save")


def history(seed):
    """All that happened in a run: every version of every object."""
    with Cluster(seed=seed, strict=True) as cluster:
        cluster.apply(*LESSON)
        cluster.advance(5)
        cluster.scale("rs", "simpleapi-rs", 3)
        cluster.advance(30)
        cluster.delete("rs", "simpleapi-rs")
        cluster.advance(60)
        rules = cluster.run("iptables-save -c").stdout
        objects = [cluster.list(kind) for kind in ("pods", "events", "services", "endpointslices")]
        return objects, rules


def test_the_same_seed_and_calls_give_the_same_run_byte_for_byte():
    assert history(1) == history(1)


def test_another_seed_gives_other_names():
    assert history(1)[0][1] != history(2)[0][1]


def test_a_day_of_an_idle_cluster_passes(cluster):
    cluster.advance(86_400)
    [node] = cluster.list("nodes")
    assert any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])


def test_two_clusters_in_one_process_do_not_meet():
    with Cluster() as one, Cluster() as two:
        one.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}})
        assert one.get("cm", "c")
        with pytest.raises(NotFound):
            two.get("cm", "c")


def test_a_restarted_cluster_goes_on_where_it_was(tmp_path):
    with Cluster(database=tmp_path / "state.db") as cluster:
        cluster.apply(*LESSON)
        cluster.advance(5)
        before = pods(cluster)
        uids = {p["metadata"]["uid"] for p in cluster.list("pods")}
    with Cluster(database=tmp_path / "state.db") as cluster:
        cluster.advance(5)
        assert [name for name, _ in pods(cluster)] == [name for name, _ in before]
        assert out(cluster, f"curl -s http://{vip(cluster)}/info") == HELLO
        cluster.scale("rs", "simpleapi-rs", 2)
        cluster.advance(5)
        assert len({p["metadata"]["uid"] for p in cluster.list("pods")} - uids) == 1


def test_system_pods_hold_the_first_addresses(cluster):
    addresses = {p["status"]["podIP"] for p in cluster.list("pods", "kube-system")}
    assert addresses == {f"172.17.0.{n}" for n in (2, 3, 4, 5)}


def test_rules_of_the_lesson_are_kube_proxys(lesson):
    rules = out(lesson, "sudo iptables-save | grep simpleapi")
    assert (f"-A KUBE-SERVICES -d {vip(lesson)}/32 -p tcp -m comment --comment "
            '"default/simpleapi-service cluster IP" -m tcp --dport 80 '
            "-j KUBE-SVC-A7N6J3KPN2M3YA4M") in rules


def test_a_pod_asks_the_api_as_its_service_account(cluster):
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "c"}, "spec": {
        "containers": [{"name": "c", "image": "curlimages/curl", "command": ["sleep", "3600"]}]}})
    cluster.advance(5)
    assert '"gitVersion"' not in out(cluster, "curl -sk https://10.96.0.1/version")
    kubelet = cluster.nodes.kubelets["minikube"]
    container = cluster.nodes.runtime.container(kubelet.container_id("default/c", "c"))
    path = "/var/run/secrets/kubernetes.io/serviceaccount"
    line = (f"curl -s --cacert {path}/ca.crt -H \"Authorization: Bearer $(cat {path}/token)\" "
            "https://kubernetes.default.svc/api/v1/namespaces/default/pods")
    answer = drive(run_command(container.machine, ["sh", "-c", line]))
    assert b'User \\"system:serviceaccount:default:default\\" cannot list resource' in answer.stdout


@pytest.mark.cluster(controllers="*,-service-ip-allocator")
def test_without_the_allocator_only_the_fixed_addresses_are_there(cluster):
    services = {s["metadata"]["name"]: s["spec"]["clusterIP"] for s in cluster.list("services")}
    assert services == {"kubernetes": "10.96.0.1", "kube-dns": "10.96.0.10"}


@pytest.mark.parametrize("agent", ["kubelet", "kube-proxy", "kube-scheduler",
                                   "service-ip-allocator",
                                   "kube-network-policies"])
def test_every_agent_can_be_switched_off(agent):
    with Cluster(controllers=f"*,-{agent}", strict=True) as cluster:
        assert cluster.get("svc", "kubernetes")


def test_a_restarted_cluster_gives_no_address_or_port_a_second_time(tmp_path):
    ports = [{"port": 80, "nodePort": 30007}]
    wish = {"type": "NodePort", "clusterIP": "10.96.7.7", "ports": ports}
    taken = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "first"}, "spec": wish}
    with Cluster(database=tmp_path / "state.db") as cluster:
        cluster.apply(taken)
    with Cluster(database=tmp_path / "state.db") as cluster:
        second = {**taken, "metadata": {"name": "second"}}
        for spec in ({**wish, "type": "ClusterIP", "ports": [{"port": 1}]},
                     {"type": "NodePort", "ports": ports}):
            with pytest.raises(Invalid, match="is already allocated"):
                cluster.apply({**second, "spec": spec})
        cluster.delete("svc", "first")
        cluster.apply(second)


@pytest.mark.parametrize("name", ["kubernetes", "kube-dns", "metrics-server"])
def test_the_systems_addresses_are_taken(cluster, name):
    space = "default" if name == "kubernetes" else "kube-system"
    address = cluster.get("svc", name, space)["spec"]["clusterIP"]
    with pytest.raises(Invalid, match="provided IP is already allocated"):
        cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "thief"},
                       "spec": {"clusterIP": address, "ports": [{"port": 80}]}})
