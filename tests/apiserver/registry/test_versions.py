"""A registry serves the kinds that its version of Kubernetes has."""

from __future__ import annotations

import random

import pytest

from apiserver.admission import admission_chain
from apiserver.machinery.gvk import GVR
from apiserver.registry import Registry
from apiserver.resources import BUILTIN
from apiserver.schema.schema import schema_for
from apiserver.storage import MemoryStore
from minikube_sim.clock import VirtualClock


@pytest.mark.parametrize(("name", "since"), [
    (GVR("authentication.k8s.io", "v1", "selfsubjectreviews"), 28),
    (GVR("networking.k8s.io", "v1", "servicecidrs"), 33),
    (GVR("", "v1", "pods"), 25),
    (GVR("certificates.k8s.io", "v1", "clustertrustbundles"), 37),
    (GVR("certificates.k8s.io", "v1", "podcertificaterequests"), 37),
    (GVR("resource.k8s.io", "v1", "devicetaintrules"), 37),
    (GVR("storagemigration.k8s.io", "v1", "storageversionmigrations"), 37),
])
def test_a_kind_is_served_since_it_is_stable(name: GVR, since: int) -> None:
    for minor in (25, since - 1, since, 37):
        registry = Registry(
            store=MemoryStore(), resources=BUILTIN, schema=schema_for(f"1.{max(minor, 25)}"),
            clock=VirtualClock(), chance=random.Random(1), admission=admission_chain())
        assert (registry.catalog.find(*name) is not None) is (max(minor, 25) >= since)
