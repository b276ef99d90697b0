"""Seats, durations and the end of a server."""

from __future__ import annotations

import pytest

from apiserver.context import User
from apiserver.lifetime import Lifetime
from apiserver.limits import Limits, Seats, TooMany, is_long_running, parse_duration
from apiserver.machinery.errors import BadRequest
from apiserver.request_info import parse_request

NOBODY = User(name="somebody", groups=("system:authenticated",))
ADMIN = User(name="admin", groups=("system:masters",))
LIST = parse_request("GET", "/api/v1/pods")
CREATE = parse_request("POST", "/api/v1/namespaces/default/pods")


def test_writes_and_reads_have_places_of_their_own():
    limits = Limits(read_only=Seats(1), mutating=Seats(1))
    with limits.seat(LIST, NOBODY):
        with pytest.raises(TooMany):
            limits.seat(LIST, NOBODY)
        with limits.seat(CREATE, NOBODY):
            assert limits.mutating.taken == 1
    assert limits.read_only.taken == 0


def test_administrators_always_get_in():
    limits = Limits(read_only=Seats(0))
    assert limits.seat(LIST, ADMIN) is limits.read_only


@pytest.mark.parametrize(("method", "path", "long"), [
    ("GET", "/api/v1/watch/pods", True),
    ("POST", "/api/v1/namespaces/d/pods/p/exec", True),
    ("GET", "/api/v1/namespaces/d/services/s/proxy/x", True),
    ("GET", "/api/v1/namespaces/d/pods/p/log", True),
    ("GET", "/api/v1/namespaces/d/pods/p", False),
    ("POST", "/api/v1/namespaces/d/pods/p/binding", False)])
def test_streams_take_no_place(method, path, long):
    assert is_long_running(parse_request(method, path)) is long


@pytest.mark.parametrize(("text", "seconds"), [
    ("5s", 5), ("1m30s", 90), ("1.5h", 5400), ("300ms", 0.3), ("0", 0), ("-5s", 0)])
def test_durations_are_go_s(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(("text", "complaint"), [
    ("5", 'missing unit in duration "5"'), ("abc", 'invalid duration "abc"'),
    ("5s!", 'invalid duration "5s!"')])
def test_what_is_no_duration_is_a_bad_request(text, complaint):
    with pytest.raises(BadRequest, match=complaint):
        parse_duration(text)


def test_the_end_is_told_to_those_who_still_listen_and_to_those_who_come_late():
    lifetime, told = Lifetime(), []
    lifetime.on_end(lambda: told.append("stays"))
    lifetime.on_end(lambda: told.append("left"))()
    lifetime.end()
    lifetime.on_end(lambda: told.append("late"))
    assert told == ["stays", "late"]
