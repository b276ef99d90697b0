"""start, stop, status, delete: processes, ports, files and crashes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest
import yaml

pytestmark = [pytest.mark.kubectl, pytest.mark.slow]


def pid_of(computer, profile="minikube-sim"):
    return json.loads(computer.sim(f"status -p {profile} -o json"))["pid"]


def test_a_second_start_is_a_no_op_that_says_so(computer):
    computer.sim("start")
    before = pid_of(computer)
    assert "already running" in computer.sim("start")
    assert pid_of(computer) == before


def test_state_survives_stop_and_start(computer):
    computer.sim("start")
    computer.kubectl("create configmap kept --from-literal=a=b")
    computer.sim("stop")
    assert computer.run("minikube-sim", "status").returncode == 7
    computer.sim("start")
    assert computer.kubectl("get configmap kept -o jsonpath={.data.a}") == "b"


def test_kill_9_loses_no_acknowledged_write(computer):
    computer.sim("start")
    for number in range(5):
        computer.kubectl(f"create configmap kept-{number} --from-literal=a={number}")
    os.kill(pid_of(computer), signal.SIGKILL)
    computer.sim("start")
    names = computer.kubectl("get configmaps -o name").split()
    assert {f"configmap/kept-{number}" for number in range(5)} <= set(names)


def test_a_stale_pid_is_no_running_server(computer):
    computer.sim("start")
    os.kill(pid_of(computer), signal.SIGKILL)
    assert "Stopped" in computer.run("minikube-sim", "status").stdout
    assert "nothing to do" in computer.sim("stop")
    assert "every node is Ready" in computer.sim("start")


def test_a_taken_port_is_one_clear_line(computer):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = computer.run("minikube-sim", "start", "--port", str(port))
    assert done.returncode != 0
    assert re.fullmatch(rf"minikube-sim: cannot listen on 127.0.0.1 port {port}: .*; "
                        r"choose another with --port\n", done.stderr)


@pytest.mark.parametrize(("flags", "complaint"), [
    ("--listen no.such.host.", "--listen no.such.host.: must be an address of this computer"),
    ("--audit-log /dev/null/x", "cannot write the audit log /dev/null/x"),
])
def test_a_start_that_fails_leaves_nothing_behind(computer, flags, complaint):
    done = computer.run("minikube-sim", "start", *flags.split())
    assert done.returncode != 0
    assert done.stderr.startswith(f"minikube-sim: {complaint}")
    assert done.stderr.count("\n") == 1
    assert not computer.kubeconfig.exists()
    assert computer.run("minikube-sim", "status").returncode == 85
    computer.sim("start --storage memory")


def test_starts_that_race_make_one_server(computer):
    command = [sys.executable, "-m", "minikube_sim", "start", "--storage", "memory"]
    racers = [subprocess.Popen(command, env=computer.environment, stdout=subprocess.PIPE, text=True)
              for _ in range(3)]
    said = [racer.communicate(timeout=60)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert sorted("nothing to do" in text for text in said) == [False, True, True]
    assert "minikube" in computer.kubectl("get nodes -o name")


def test_an_interrupted_start_leaves_no_server(computer):
    command = [sys.executable, "-m", "minikube_sim", "start"]
    with subprocess.Popen(command, env=computer.environment, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        assert "minikube-sim v" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    assert computer.run("minikube-sim", "status").returncode == 85


def test_flags_of_a_second_start_are_checked_and_not_lost_in_silence(computer):
    computer.sim("start --storage memory")
    said = computer.sim("start --nodes 3 --seed 0 --lb random")
    assert "--nodes, --lb can be given when it is stopped: minikube-sim stop" in said
    assert computer.run("minikube-sim", "start", "--lb", "fair").returncode == 64


def test_what_a_kept_state_was_made_for_cannot_change(computer):
    computer.sim("start")
    computer.sim("stop")
    done = computer.run("minikube-sim", "start", "--nodes", "3")
    assert (done.returncode, done.stderr) == (64, (
        "minikube-sim: --nodes 3: the cluster 'minikube-sim' exists with 1, which cannot change; "
        "minikube-sim delete -p minikube-sim makes a fresh start\n"))
    (computer.folder / "home/profiles/minikube-sim/state.db").write_bytes(b"no database" * 1000)
    done = computer.run("minikube-sim", "start")
    assert done.returncode == 1
    assert re.fullmatch(r"minikube-sim: cannot use the state .*state\.db: file is not a database; "
                        r"minikube-sim delete -p minikube-sim makes a fresh start\n", done.stderr)


def test_status_says_when_the_context_leads_elsewhere(computer):
    computer.sim("start --storage memory")
    assert "kubeconfig: Configured" in computer.sim("status")
    computer.kubeconfig.write_text("")
    assert "kubeconfig: Misconfigured" in computer.sim("status")


def test_delete_takes_its_contexts_from_every_file_it_wrote(computer):
    other = computer.folder / "other"
    computer.sim(f"start --storage memory --kubeconfig {other}")
    computer.sim("stop")
    computer.sim("start")
    computer.kubeconfig.write_text("contexts: 5")
    done = computer.run("minikube-sim", "delete")
    assert done.returncode == 1
    assert "contexts must be a list" in done.stderr
    assert yaml.safe_load(other.read_text())["contexts"] == []
    assert computer.run("minikube-sim", "status").returncode == 85


def test_two_profiles_run_side_by_side(computer):
    computer.sim("start -p one --storage memory")
    computer.sim("start -p two --storage memory")
    computer.kubectl("--context one create namespace only-in-one")
    assert "only-in-one" in computer.kubectl("--context one get ns -o name")
    assert "only-in-one" not in computer.kubectl("--context two get ns -o name")
    assert computer.kubectl("config current-context").strip() == "two"


def test_delete_leaves_the_users_own_contexts_alone(computer):
    own = {"apiVersion": "v1", "kind": "Config", "current-context": "work",
           "clusters": [{"name": "work", "cluster": {"server": "https://work.example"}}],
           "contexts": [{"name": "work", "context": {"cluster": "work", "user": "me"}}],
           "users": [{"name": "me", "user": {"token": "secret"}}]}
    computer.kubeconfig.write_text(yaml.safe_dump(own))
    computer.sim("start --storage memory")
    assert yaml.safe_load(computer.kubeconfig.read_text())["current-context"] == "minikube-sim"
    computer.sim("delete")
    assert yaml.safe_load(computer.kubeconfig.read_text()) == own


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_foreground_says_ready_and_ends_cleanly(computer, number):
    command = [sys.executable, "-m", "minikube_sim", "start", "--foreground", "--storage", "memory"]
    with subprocess.Popen(command, env=computer.environment, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        assert re.fullmatch(r"ready: https://127\.0\.0\.1:\d+\n", line)
        assert "minikube" in computer.kubectl("get nodes -o name")
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


def test_controllers_can_be_switched_off(computer):
    computer.sim("start --storage memory --controllers *,-replicaset")
    computer.kubectl("create -f examples/configs/services/simpliapi-rs.yaml")
    assert computer.kubectl("get pods -o name") == ""
    done = computer.run("minikube-sim", "start", "-p", "x", "--controllers", "nosuch")
    assert done.returncode != 0
    assert '"nosuch" is not in the list of known controllers' in done.stderr
    assert done.stderr.count("\n") == 1


def test_insecure_http_serves_plain_http(computer):
    computer.sim("start --storage memory --insecure-http")
    assert "minikube" in computer.kubectl("get nodes -o name")
    config = yaml.safe_load(computer.kubeconfig.read_text())
    assert config["clusters"][0]["cluster"]["server"].startswith("http://127.0.0.1:")


def test_a_given_token_is_the_users(computer):
    computer.sim("start --storage memory --token secret-token")
    config = yaml.safe_load(computer.kubeconfig.read_text())
    assert config["users"][0]["user"]["token"] == "secret-token"


def test_the_address_is_the_nodes(computer):
    computer.sim("start --storage memory --node-ip 10.0.0.7 --nodes 2")
    assert computer.sim("ip") == "10.0.0.7\n"
    assert computer.sim("ip -n minikube-m02") == "10.0.0.8\n"
    rows = computer.kubectl("get nodes --no-headers").splitlines()
    assert [row.split()[:2] for row in rows] == [["minikube", "Ready"], ["minikube-m02", "Ready"]]


def test_the_log_is_shown(computer):
    computer.sim("start --storage memory")
    assert "serving minikube-sim at https://127.0.0.1:" in computer.sim("logs")
