"""Bad input to the command line: one line on stderr, a non-zero exit code, never a traceback."""

from __future__ import annotations

import pytest

from minikube_sim.cli.main import run


@pytest.fixture(autouse=True)
def _home(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIKUBE_SIM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MINIKUBE_SIM_PROFILE", raising=False)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.parametrize(("line", "message"), [
    ("start --lb fair", "--lb fair: input should be 'round-robin' or 'random'"),
    ("start --nodes none", "--nodes none: input should be a valid integer"),
    ("start --kubernetes-version 1.2", "--kubernetes-version 1.2: must be 1.25 to 1.37"),
    ("start --storage disk", "--storage disk: input should be 'memory' or 'sqlite'"),
    ("start --port 70000", "--port 70000: input should be less than or equal to 65535"),
    ("start -p ../x", "profile name '../x' is not valid"),
    ("start --wat", "No such option: --wat"),
    ("wat", "No such command 'wat'."),
    ("status", 'there is no cluster "minikube-sim"; make one with: minikube-sim start'),
    ("status -o yaml", "--output yaml: must be text or json"),
    ("ip", "the cluster 'minikube-sim' is not running; start it with: minikube-sim start"),
    ("ssh -p two -- ls", "'two' is not running; start it with: minikube-sim start -p two"),
    ("kubectl -- get pods", "is not running"),
    ("service web", "is not running"),
    ("trace --from outside --to http://web/", "is not running"),
    ("trace --from outside", "Missing option '--to'"),
    ("trace --from outside --to http://web/ -o png", "--output png: must be text, json or svg"),
    ("why web", "is not running"),
    ("why", "Missing argument"),
    ("why web -o yaml", "--output yaml: must be text or json"),
    ("matrix", "is not running"),
    ("matrix -o svg", "--output svg: must be table, csv or json"),
    ("sniff --from outside --to http://web/ -w x.pcap", "is not running"),
    ("sniff --to http://web/", "Missing option '--from'"),
    ("logs", 'the cluster "minikube-sim" has no log yet'),
    ("demo --lang fr", "--lang fr: must be en or ru"),
    ("demo wat", "there is no lesson 'wat'; there are: services"),
    ("profile remove", "unknown action 'remove': must be list"),
])
def test_bad_input_is_one_line(line, message, capfd):
    assert run(line.split()) != 0
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("minikube-sim: ")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("line", ["stop", "delete"])
def test_nothing_to_do_is_no_failure(line, capfd):
    assert run(line.split()) == 0
    assert "nothing to do" in capfd.readouterr().out


def test_version(capfd):
    assert run(["--version"]) == 0
    assert capfd.readouterr().out.startswith("minikube-sim version: v")


def test_an_unwritable_kubeconfig_is_named(tmp_path, capfd):
    (tmp_path / "file").write_text("")
    assert run(["start", "--kubeconfig", str(tmp_path / "file" / "config")]) == 1
    assert "kubeconfig" in capfd.readouterr().err


def test_no_command_shows_the_commands(capfd):
    assert run([]) == 2
    out, err = capfd.readouterr()
    assert "start" in out
    assert err == ""
