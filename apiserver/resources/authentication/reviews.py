"""Questions of who one is, answered and never kept. Models pkg/registry/authentication."""

from __future__ import annotations

from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME
from apiserver.strategy import Strategy


def _review(kind: str) -> Resource:
    return Resource(
        group="authentication.k8s.io", version="v1", kind=kind, plural=f"{kind.lower()}s",
        namespaced=False, verbs=("create",), strategy=Strategy(), columns=(NAME, AGE))


SELFSUBJECTREVIEWS = _review("SelfSubjectReview")
TOKENREVIEWS = _review("TokenReview")
