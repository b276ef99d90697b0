"""Selectors in access reviews."""

from __future__ import annotations

import pytest

from tests.apiserver.handlers.asgi import Http

REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@pytest.fixture
def http() -> Http:
    return Http()


def review(http, **asked):
    return http("POST", REVIEWS, {"spec": {"user": "jane", "resourceAttributes": {
        "verb": "list", "resource": "pods", **asked}}})


@pytest.mark.verified(source="pkg/apis/authorization/validation")
@pytest.mark.parametrize(("asked", "message"), [
    ({"fieldSelector": {}}, "spec.resourceAttributes.fieldSelector.requirements: Required value: "
     "when spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector is "
     "required"),
    ({"labelSelector": {"rawSelector": "a", "requirements": [{"key": "a", "operator": "Exists"}]}},
     'spec.resourceAttributes.labelSelector.rawSelector: Invalid value: "a": may not specified at '
     "the same time as requirements"),
    ({"fieldSelector": {"requirements": [{"key": "", "operator": "In", "values": ["a"]}]}},
     "spec.resourceAttributes.fieldSelector.requirements[0].key: Required value: must be "
     "specified"),
    ({"fieldSelector": {"requirements": [{"key": "a", "operator": "In"}]}},
     "spec.resourceAttributes.fieldSelector.requirements[0].values: Required value: must be "
     "specified when `operator` is 'In' or 'NotIn'"),
    ({"labelSelector": {"requirements": [{"key": "a", "operator": "Exists", "values": ["x"]}]}},
     "spec.resourceAttributes.labelSelector.requirements[0].values: Forbidden: may not be "
     "specified when `operator` is 'Exists' or 'DoesNotExist'")])
def test_a_selector_that_cannot_be_is_invalid(http, asked, message):
    reply = review(http, **asked)
    assert (reply.status, reply.message) == (
        422, f'.authorization.k8s.io "" is invalid: {message}')


@pytest.mark.parametrize(("asked", "problem"), [
    ({"fieldSelector": {"rawSelector": "spec.nodeName=a"}}, None),
    ({"labelSelector": {"requirements": [{"key": "a", "operator": "Later"}]}},
     'spec.resourceAttributes.labelSelector ignored due to parse error: "Later" is not a valid '
     "label selector operator"),
    ({"fieldSelector": {"requirements": [{"key": "a", "operator": "In", "values": ["x"]},
                                         {"key": "b", "operator": "Later"}]}},
     'spec.resourceAttributes.fieldSelector partially ignored due to parse error: "Later" is not '
     "a valid field selector operator")])
def test_what_is_not_understood_is_told_and_ignored(http, asked, problem):
    reply = review(http, **asked)
    assert reply.status == 201
    assert reply.json["status"].get("evaluationError") == problem
    assert reply.json["spec"]["resourceAttributes"] == {"verb": "list", "resource": "pods", **asked}
