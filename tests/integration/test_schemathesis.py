"""Requests that schemathesis makes up from our own OpenAPI v3: no 500, no hang."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("schemathesis")
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.clients.conftest import running

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
_SECONDS = 5
_UPSTREAM_500 = ("target.name: Required value", "resourceVersion: Invalid value")
"""What a real server answers with 500 too."""
_GROUPS = ("apis/batch/v1", "apis/networking.k8s.io/v1", "apis/policy/v1")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with running(tmp_path_factory.mktemp("computer"), "--insecure-http --token t") as made:
        yield json.loads(made.sim("status -o json"))["url"]


@pytest.mark.parametrize("group", _GROUPS)
def test_no_made_up_request_is_our_failure(url, group):
    schema = schemathesis.openapi.from_url(f"{url}/openapi/v3/{group}")
    codes = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        if "/watch/" not in operation.path:
            codes |= try_out(operation, url)
    assert {200, 404} <= codes
    assert all(code < 500 for code in codes)


def try_out(operation, url):
    """Two made-up requests; their status codes."""
    codes = set()

    @seed(1)
    @settings(max_examples=2, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def call(case):
        if case.query and "watch" in case.query:
            case.query["timeoutSeconds"] = 1
        answer = case.call(base_url=url, timeout=_SECONDS)
        if not any(text in answer.text for text in _UPSTREAM_500):
            codes.add(answer.status_code)

    call()
    return codes
