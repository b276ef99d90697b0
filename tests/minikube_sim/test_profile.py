"""Profiles: names, saved options, and who runs."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from minikube_sim.profile import Profile, ProfileError, Running, ServerOptions, profiles


@pytest.fixture
def profile(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIKUBE_SIM_HOME", str(tmp_path))
    made = Profile("one")
    made.make()
    return made


@pytest.mark.parametrize("name", ["", "a b", "../x", "-a", "a" * 64, "a/b", ".."])
def test_a_bad_name_is_refused(name):
    with pytest.raises(ProfileError, match="is not valid"):
        Profile(name)


def test_options_are_kept(profile):
    assert profile.options() == ServerOptions()
    profile.save(ServerOptions(port=6443, time_scale=60))
    assert profile.exists
    assert profile.options().port == 6443
    assert [p.name for p in profiles()] == ["one"]


def test_broken_options_are_named_with_the_way_out(profile):
    (profile.directory / "config.json").write_text("{")
    with pytest.raises(ProfileError, match="minikube-sim delete -p one"):
        profile.options()


def test_a_server_that_died_does_not_count_as_running(profile):
    profile.announce(Running(pid=1, url="https://127.0.0.1:1", version="0", started=0))
    assert profile.running() is None


def test_a_held_lock_is_a_running_server(profile):
    profile.announce(Running(pid=1, url="https://127.0.0.1:1", version="0", started=0))
    with profile.lock():
        running = Profile("one").running()
    assert running is not None
    assert running.url == "https://127.0.0.1:1"


def test_secrets_are_readable_by_their_owner_only(profile):
    profile.save(ServerOptions(token="secret"))
    config = profile.directory / "config.json"
    assert config.stat().st_mode & 0o077 == 0
    assert json.loads(config.read_text())["token"] == "secret"


def test_a_start_that_fails_leaves_the_options_of_before(profile):
    with pytest.raises(ZeroDivisionError), profile.trying(ServerOptions(port=1)):
        raise ZeroDivisionError
    assert not profile.exists
    profile.save(ServerOptions(port=6443))
    with pytest.raises(ZeroDivisionError), profile.trying(ServerOptions(port=1)):
        raise ZeroDivisionError
    assert profile.options().port == 6443
    with profile.trying(ServerOptions(port=1)):
        pass
    assert profile.options().port == 1


def test_a_server_that_starts_is_waited_for(profile):
    server = Running(pid=1, url="https://127.0.0.1:1", version="0", started=0)
    with ThreadPoolExecutor(1) as pool, profile.lock():
        asked = pool.submit(Profile("one").running)
        profile.announce(server)
        assert asked.result(timeout=10) == server


def test_one_at_a_time_starts_stops_or_deletes(profile):
    order = []

    def second():
        with Profile("one").changing():
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with profile.changing():
            later = pool.submit(second)
            order.append("first")
        later.result(timeout=10)
    assert order == ["first", "second"]


def test_a_folder_that_is_no_profile_is_not_listed(profile):
    (profile.directory.parent / ".tmp").mkdir()
    assert [p.name for p in profiles()] == ["one"]
