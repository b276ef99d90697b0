"""`minikube-sim ssh`, `kubectl` and `service` on a running cluster."""

from __future__ import annotations

import signal
import subprocess
import sys

import httpx
import pytest

HELLO = '"Hello, Kubernetes!!!, version: 1.0"\n'
pytestmark = [pytest.mark.kubectl, pytest.mark.slow]


def test_exit_codes_and_streams_come_through(cluster):
    done = cluster.run("minikube-sim", "ssh", "--", "frobnicate")
    assert (done.returncode, done.stdout, done.stderr) == (
        127, "", "bash: frobnicate: command not found\n")


def test_words_and_quoted_lines(cluster):
    assert cluster.out("minikube-sim", "ssh", "--", "echo", "a", "b  c") == "a b  c\n"
    assert cluster.ssh("echo $((1+1)) | wc -l") == "1\n"
    assert cluster.ssh("hostname; cat /etc/resolv.conf") == "minikube\nnameserver 10.211.55.1\n"


def test_lines_from_stdin_are_a_session(cluster):
    done = cluster.run("minikube-sim", "ssh", stdin="A=1\necho $A\nexit 3\necho never\n")
    assert (done.returncode, done.stdout) == (3, "1\n")


def test_a_loop_may_stand_on_several_lines(cluster):
    lines = "for i in 1 2\ndo\n  echo \"a\n$i\"\ndone\ncat <<E\nb\nE\nfalse\n"
    done = cluster.run("minikube-sim", "ssh", stdin=lines)
    assert (done.returncode, done.stdout, done.stderr) == (1, "a\n1\na\n2\nb\n", "")
    done = cluster.run("minikube-sim", "ssh", stdin="if true\nthen")
    assert done.returncode == 2
    assert "syntax error: unexpected end of file" in done.stderr


def test_a_loop_without_end_shows_its_output_holds_nobody_up_and_can_be_interrupted(cluster):
    line = "echo a; echo b >&2; while true; do curl -s -o /dev/null http://10.96.0.1:443/; done"
    command = [sys.executable, "-m", "minikube_sim", "ssh", "--", line]
    with subprocess.Popen(command, env=cluster.environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process:
        assert (process.stdout.readline(), process.stdout.readline()) == ("a\n", "b\n")
        assert "minikube" in cluster.kubectl("get nodes -o name --request-timeout=5s")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130


def test_an_unknown_node_is_one_line(cluster):
    done = cluster.run("minikube-sim", "ssh", "-n", "nosuch", "--", "ls")
    assert done.returncode == 1
    assert done.stderr == "minikube-sim: there is no node 'nosuch'; there are: minikube\n"


def test_kubectl_is_passed_through(cluster):
    out = cluster.out("minikube-sim", "kubectl", "--", "get", "nodes", "-o", "name")
    assert out == "node/minikube\n"
    assert cluster.run("minikube-sim", "kubectl", "--", "get", "nosuch").returncode == 1


def test_a_vip_does_not_answer_a_ping(cluster):
    done = cluster.run("minikube-sim", "ssh", "--", "ping -c 1 -W 1 10.96.0.1")
    assert done.returncode == 1
    assert "100% packet loss" in done.stdout


def test_a_service_with_a_node_port_has_a_url_on_this_computer(cluster):
    cluster.kubectl("create deployment url --image=simpleapi:1.0 --replicas=1")
    cluster.kubectl("expose deployment url --type=NodePort --port=80 --target-port=5000")
    cluster.kubectl("wait --for=condition=Available deployment/url --timeout=20s")
    url = cluster.sim("service url --url").strip()
    assert f" {url} " in cluster.sim("service url")
    assert httpx.get(f"{url}/info", trust_env=False).text == HELLO
    port = cluster.kubectl("get svc url -o jsonpath={.spec.ports[0].nodePort}")
    assert cluster.ssh(f"curl -s http://10.211.55.120:{port}/info") == HELLO


def test_a_service_without_a_node_port_says_what_to_do(cluster):
    done = cluster.run("minikube-sim", "service", "kubernetes")
    assert done.returncode == 1
    assert "has no node port" in done.stderr
    assert done.stderr.count("\n") == 1
