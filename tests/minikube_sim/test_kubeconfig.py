"""Kubeconfig entries come and go without touching anybody else's."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import filelock
import pytest
import yaml

from minikube_sim import kubeconfig
from minikube_sim.kubeconfig import Entry, KubeconfigError

ENTRY = Entry(name="sim", server="https://127.0.0.1:8443", ca_pem=b"ca", token="t",
              client_certificate_pem=b"crt", client_key_pem=b"key")
FOREIGN = {
    "apiVersion": "v1", "kind": "Config", "current-context": "work",
    "clusters": [{"name": "work", "cluster": {"server": "https://work.example"}}],
    "contexts": [{"name": "work", "context": {"cluster": "work", "user": "me"}}],
    "users": [{"name": "me", "user": {"token": "secret"}}],
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config"


def read(path):
    return yaml.safe_load(path.read_text())


def test_a_new_file_is_readable_by_its_owner_only(path):
    kubeconfig.merge(path, ENTRY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read(path)["current-context"] == "sim"


def test_merging_keeps_what_others_wrote(path):
    path.write_text(yaml.safe_dump(FOREIGN))
    kubeconfig.merge(path, ENTRY)
    config = read(path)
    for section in ("clusters", "contexts", "users"):
        assert config[section][0] == FOREIGN[section][0]
        assert [e["name"] for e in config[section]][1:] == ["sim"]


def test_removing_restores_the_file_and_the_context_that_was_current(path):
    path.write_text(yaml.safe_dump(FOREIGN))
    kubeconfig.merge(path, ENTRY)
    kubeconfig.merge(path, ENTRY)
    assert kubeconfig.remove(path, "sim")
    assert read(path) == FOREIGN


def test_an_entry_that_somebody_else_made_is_refused_and_left_alone(path):
    text = yaml.safe_dump(FOREIGN)
    path.write_text(text)
    entry = Entry(name="work", server="x", ca_pem=b"", token="t", client_certificate_pem=b"",
                  client_key_pem=b"")
    with pytest.raises(KubeconfigError, match="already has an entry 'work'"):
        kubeconfig.merge(path, entry)
    assert not kubeconfig.remove(path, "work")
    assert path.read_text() == text


@pytest.mark.parametrize("text", ["a: [", "- 1", "kind: Pod"])
def test_a_file_that_is_no_kubeconfig_is_refused_and_left_alone(path, text):
    path.write_text(text)
    with pytest.raises(KubeconfigError, match=str(path)):
        kubeconfig.merge(path, ENTRY)
    assert path.read_text() == text


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KubeconfigError, match=r"cannot (read|write) kubeconfig .*file/config"):
        kubeconfig.merge(tmp_path / "file" / "config", ENTRY)


def test_a_symbolic_link_stays_one(tmp_path, path):
    real = tmp_path / "real"
    real.write_text(yaml.safe_dump(FOREIGN))
    path.symlink_to(real)
    kubeconfig.merge(path, ENTRY)
    assert path.is_symlink()
    assert read(real)["current-context"] == "sim"


def test_plain_http_has_neither_ca_nor_certificate(path):
    entry = Entry(name="sim", server="http://127.0.0.1:1", ca_pem=b"", token="t",
                  client_certificate_pem=b"", client_key_pem=b"")
    kubeconfig.merge(path, entry)
    config = read(path)
    assert set(config["clusters"][0]["cluster"]) == {"server", "extensions"}
    assert config["users"][0]["user"] == {"token": "t"}


def test_kubeconfig_of_the_environment_is_the_target(monkeypatch, tmp_path):
    own = tmp_path / "own"
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert kubeconfig.target(None, own) == own
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/a:{tmp_path}/b")
    assert kubeconfig.target(None, own) == tmp_path / "a"
    assert kubeconfig.target(tmp_path / "c", own) == tmp_path / "c"


@pytest.mark.parametrize("text", [
    "contexts: [1]", "clusters: {a: b}", "users: [{user: {}}]", "contexts: work",
])
def test_sections_of_another_form_are_refused_and_left_alone(path, text):
    path.write_text(text)
    with pytest.raises(KubeconfigError, match="must be a list of things with a name"):
        kubeconfig.merge(path, ENTRY)
    assert path.read_text() == text


def test_a_context_of_another_form_is_nobodys(path):
    path.write_text("contexts: [{name: odd, context: text}]")
    kubeconfig.merge(path, ENTRY)
    assert [e["name"] for e in read(path)["contexts"]] == ["odd", "sim"]


def test_dates_and_modes_of_others_stay_as_they_are(path):
    path.write_text("users: [{name: me, user: {auth-provider: {expiry: 2024-01-01T00:00:00Z}}}]")
    path.chmod(0o640)
    kubeconfig.merge(path, ENTRY)
    assert read(path)["users"][0]["user"] == {"auth-provider": {"expiry": "2024-01-01T00:00:00Z"}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_profiles_that_start_at_once_are_all_merged(path):
    names = [f"sim-{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: kubeconfig.merge(path, replace(ENTRY, name=name)), names))
    assert sorted(e["name"] for e in read(path)["contexts"]) == names
    assert [p.name for p in path.parent.iterdir()] == ["config"]


def test_who_changes_the_file_now_is_waited_for(path):
    with ThreadPoolExecutor(1) as pool:
        with filelock.SoftFileLock(f"{path}.lock"):  # kubectl's lock file
            merging = pool.submit(kubeconfig.merge, path, ENTRY)
            assert not path.exists()
        merging.result(timeout=10)
    assert kubeconfig.server(path, "sim") == "https://127.0.0.1:8443"


def test_another_file_of_the_environment_may_have_the_name(monkeypatch, tmp_path):
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/a{os.pathsep}{tmp_path}/b")
    (tmp_path / "b").write_text(yaml.safe_dump(FOREIGN))
    kubeconfig.check(tmp_path / "a", "sim")
    with pytest.raises(KubeconfigError, match="already has an entry 'work'"):
        kubeconfig.check(tmp_path / "a", "work")
