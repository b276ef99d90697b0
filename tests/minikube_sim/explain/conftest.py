"""A shop of two Pods behind a Service, and a client."""

from __future__ import annotations

import pytest


def pod(name, image="nginx", labels=None, **container):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels or {}},
            "spec": {"containers": [{"name": "c", "image": image, **container}]}}


def service(name, port=80, target=80, selector=None, **spec):
    ports = [{"port": port, "targetPort": target, "protocol": spec.pop("protocol", "TCP")}]
    body = {"ports": ports, **spec} | ({"selector": selector} if selector else {})
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": body}


@pytest.fixture
def shop(cluster):
    cluster.apply(pod("client", "busybox", command=["sleep", "100000"]),
                  pod("web-1", labels={"app": "web"}), pod("web-2", labels={"app": "web"}),
                  service("web", selector={"app": "web"}))
    cluster.advance(5)
    return cluster
