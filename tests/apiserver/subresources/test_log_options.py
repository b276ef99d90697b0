"""Which logs cannot be asked for."""

from __future__ import annotations

import pytest

from tests.apiserver.handlers.asgi import Http

PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture(scope="module")
def http() -> Http:
    made = Http()
    made("POST", PODS, {"metadata": {"name": "web"}, "spec": {
        "containers": [{"name": "c", "image": "nginx"}]}})
    return made


@pytest.mark.verified(source="validation.ValidatePodLogOptions")
@pytest.mark.parametrize(("query", "problem"), [
    ("tailLines=-1", "tailLines: Invalid value: -1: must be greater than or equal to 0"),
    ("limitBytes=0", "limitBytes: Invalid value: 0: must be greater than 0"),
    ("sinceSeconds=0", "sinceSeconds: Invalid value: 0: must be greater than 0"),
    ("sinceSeconds=5&sinceTime=2026-01-01T00:00:00Z",
     ": Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"),
    ("stream=Stdout", "stream: Forbidden: may not be specified")])
def test_options_that_make_no_sense_are_invalid(http, query, problem):
    reply = http("GET", f"{PODS}/web/log?{query}")
    assert (reply.status, reply.message) == (422, f'PodLogOptions "web" is invalid: {problem}')


@pytest.mark.parametrize(("query", "message"), [
    ("sinceTime=abc", 'parsing time "abc" as "2006-01-02T15:04:05Z07:00": cannot parse "abc" as '
     '"2006"'),
    ("tailLines=x", 'strconv.ParseInt: parsing "x": invalid syntax')])
def test_options_that_cannot_be_read_are_bad_requests(http, query, message):
    reply = http("GET", f"{PODS}/web/log?{query}")
    assert (reply.status, reply.message) == (400, message)


def test_options_that_make_sense_are_taken(http):
    query = "tailLines=0&limitBytes=1&sinceTime=0001-01-01T00:00:00.123456789%2B01:00"
    assert http("GET", f"{PODS}/web/log?{query}").status == 204


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("stream", ["exec", "attach", "portforward"])
def test_streams_take_gets_and_posts_only(http, method, stream):
    assert http(method, f"{PODS}/web/{stream}?command=ls&stdout=1").status == 405
