"""ConfigMaps. Models pkg/registry/core/configmap."""

from __future__ import annotations

from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, count, named
from apiserver.strategy import Strategy


class ConfigMapStrategy(Strategy):
    """Plain data."""

    has_generation = False


CONFIGMAPS = Resource(
    group="", version="v1", kind="ConfigMap", plural="configmaps", short_names=("cm",),
    strategy=ConfigMapStrategy(),
    columns=(NAME, named("Data", count("data", "binaryData"), "How many entries it has."), AGE))
