"""Questions of who may do what, answered and never kept. Models pkg/registry/authorization."""

from __future__ import annotations

from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME
from apiserver.strategy import Strategy


def _review(kind: str, *, namespaced: bool = False) -> Resource:
    return Resource(
        group="authorization.k8s.io", version="v1", kind=kind, plural=f"{kind.lower()}s",
        namespaced=namespaced, verbs=("create",), strategy=Strategy(), columns=(NAME, AGE))


LOCALSUBJECTACCESSREVIEWS = _review("LocalSubjectAccessReview", namespaced=True)
SELFSUBJECTACCESSREVIEWS = _review("SelfSubjectAccessReview")
SELFSUBJECTRULESREVIEWS = _review("SelfSubjectRulesReview")
SUBJECTACCESSREVIEWS = _review("SubjectAccessReview")
