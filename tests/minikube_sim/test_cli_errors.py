"""Bad input to the command line: one line on stderr, a non-zero exit code, never a traceback."""

from __future__ import annotations

import json

import pytest

from minikube_sim.cli import main
from minikube_sim.cli.main import run


@pytest.fixture(autouse=True)
def _home(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIKUBE_SIM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MINIKUBE_SIM_PROFILE", "minikube-sim")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.parametrize(("line", "message"), [
    ("start --lb fair", "--lb fair: must be round-robin or random"),
    ("start --nodes none", "--nodes none: must be a whole number, 1 to 500"),
    ("start --kubernetes-version 1.2", "--kubernetes-version 1.2: must be v1.25 to v1.37"),
    ("start --node-ip 10.0.0.5,10.0.0.6", "--node-ip 10.0.0.5,10.0.0.6: must not have two of one "
     "family: one IPv4 address and one IPv6 address at most"),
    ("start --pod-cidr 172.17.0.0/16,fd00::/64", "--service-cluster-ip-range 10.96.0.0/12: must "
     "have the families of --pod-cidr 172.17.0.0/16,fd00::/64, IPv4 and IPv6"),
    ("start --storage disk", "--storage disk: must be memory or sqlite"),
    ("start --port 70000", "--port 70000: must be a whole number, 0 to 65535"),
    ("start --controllers *,-wat", "--controllers '*,-wat': \"wat\" is not in the list of known"),
    ("start --token x:y", "--token x:y: must be of letters, digits and"),
    ("start --pod-cidr 10.96.0.0/16", "--pod-cidr 10.96.0.0/16 overlaps with --service-cluster-ip"),
    ("-p two start --lb fair", "--lb fair: must be"),
    ("-p two ip", "'two' is not running"),
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
    ("demo --pace -1", "--pace -1: must be a number, at least 0"),
    ("demo --pace soon", "--pace soon: must be a number, at least 0"),
    ("demo --pace nan", "--pace nan: must be a number, at least 0"),
    ("logs -n x", "--length x: must be a whole number, at least 0"),
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


@pytest.mark.parametrize("command", ["start", "status", "ip -p one", "profile list -o json"])
def test_broken_options_are_one_line_with_the_way_out(command, capfd, tmp_path):
    folder = tmp_path / "home" / "profiles" / "minikube-sim"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"storage": "tape"}')
    run(command.split())
    out, err = capfd.readouterr()
    assert "Traceback" not in err
    if command.split()[0] in ("start", "status"):
        assert err.startswith("minikube-sim: cannot read ")
        assert "--storage tape: must be memory or sqlite; minikube-sim delete" in err
        assert out == ""


def test_a_broken_profile_is_listed_beside_the_others(capfd, tmp_path):
    for name, options in (("bad", "{"), ("good", "{}")):
        folder = tmp_path / "home" / "profiles" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(options)
    assert run(["profile", "list", "-o", "json"]) == 0
    rows = {row["name"]: row["status"] for row in json.loads(capfd.readouterr().out)}
    assert rows == {"bad": "Broken", "good": "Stopped"}


def test_a_list_is_never_cut_off(capfd, tmp_path):
    name = "a-cluster-with-a-name-that-is-as-long-as-names-may-be-so-63-char"[:63]
    for each in (name, "failed-at-its-first-start"):
        (tmp_path / "home" / "profiles" / each).mkdir(parents=True)
    (tmp_path / "home" / "profiles" / name / "config.json").write_text("{}")
    assert run(["profile", "list"]) == 0
    out = capfd.readouterr().out
    assert f"| {name} | Stopped | v1." in out
    assert "failed" not in out


def test_a_bug_is_one_line_that_says_how_to_see_more(capfd, monkeypatch):
    def broken():
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(main, "COMMANDS", (("broken", broken, None), ("other", broken, None)))
    assert main.run(["broken"]) == 1
    assert capfd.readouterr().err == ("minikube-sim: failed: ZeroDivisionError: oh "
                                      "(a bug; MINIKUBE_SIM_DEBUG=1 shows where)\n")
    monkeypatch.setenv("MINIKUBE_SIM_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main.run(["broken"])


def test_no_command_shows_the_commands(capfd):
    assert run([]) == 2
    out, err = capfd.readouterr()
    assert "start" in out
    assert err == ""
