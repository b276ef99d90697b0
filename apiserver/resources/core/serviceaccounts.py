"""ServiceAccounts. Models pkg/registry/core/serviceaccount."""

from __future__ import annotations

from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME
from apiserver.strategy import Strategy


class ServiceAccountStrategy(Strategy):
    """An identity for pods."""

    delete_returns_object = True
    has_generation = False
    revalidates_metadata = True


SERVICEACCOUNTS = Resource(
    group="", version="v1", kind="ServiceAccount", plural="serviceaccounts", short_names=("sa",),
    strategy=ServiceAccountStrategy(), subresources=("token",), columns=(NAME, AGE))
