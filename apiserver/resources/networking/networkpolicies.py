"""NetworkPolicies. Models pkg/registry/networking/networkpolicy."""

from __future__ import annotations

from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, named, selector
from apiserver.strategy import Strategy


class NetworkPolicyStrategy(Strategy):
    """Which traffic pods accept and send."""


NETWORKPOLICIES = Resource(
    group="networking.k8s.io", version="v1", kind="NetworkPolicy", plural="networkpolicies",
    short_names=("netpol",), strategy=NetworkPolicyStrategy(),
    columns=(NAME, named("Pod-Selector", selector("spec", "podSelector"), "Whom it is about."),
             AGE))
