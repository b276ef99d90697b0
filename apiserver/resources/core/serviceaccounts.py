"""ServiceAccounts. Models pkg/registry/core/serviceaccount."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_ENFORCE: Final = "kubernetes.io/enforce-mountable-secrets"
_ENFORCE_TEXT: Final = ("deprecated in v1.32+; prefer separate namespaces to isolate access to "
                        "mounted secrets")


class ServiceAccountStrategy(Strategy):
    """An identity for pods."""

    delete_returns_object = True
    has_generation = False
    revalidates_metadata = True

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        has, had = (_ENFORCE in ((o or {}).get("metadata", {}).get("annotations") or {})
                    for o in (obj, old))
        return [f"metadata.annotations[{_ENFORCE}]: {_ENFORCE_TEXT}"] if has and not had else []


SERVICEACCOUNTS = Resource(
    group="", version="v1", kind="ServiceAccount", plural="serviceaccounts", short_names=("sa",),
    strategy=ServiceAccountStrategy(), subresources=("token",), columns=(NAME, AGE))
