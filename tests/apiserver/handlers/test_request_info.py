"""What paths name."""

from __future__ import annotations

import pytest

from apiserver.request_info import parse_request


@pytest.mark.parametrize(("method", "path", "expected"), [
    ("GET", "/api/v1/pods", ("", "v1", "", "pods", "", "", "list")),
    ("GET", "/api/v1/namespaces/n/pods", ("", "v1", "n", "pods", "", "", "list")),
    ("POST", "/api/v1/namespaces/n/pods", ("", "v1", "n", "pods", "", "", "create")),
    ("DELETE", "/api/v1/namespaces/n/pods", ("", "v1", "n", "pods", "", "", "deletecollection")),
    ("PATCH", "/api/v1/namespaces/n/pods/p/status",
     ("", "v1", "n", "pods", "p", "status", "patch")),
    ("GET", "/api/v1/namespaces/n", ("", "v1", "", "namespaces", "n", "", "get")),
    ("PUT", "/api/v1/namespaces/n/finalize", ("", "v1", "", "namespaces", "n", "finalize",
                                             "update")),
    ("GET", "/apis/apps/v1/namespaces/n/deployments/d/scale",
     ("apps", "v1", "n", "deployments", "d", "scale", "get")),
    ("GET", "/api/v1/watch/namespaces/n/pods/p", ("", "v1", "n", "pods", "p", "", "watch")),
    ("GET", "/apis/apps/v1", ("apps", "v1", "", "", "", "", "list")),
])
def test_resource_paths(method: str, path: str, expected: tuple[str, ...]) -> None:
    info = parse_request(method, path)
    assert info is not None
    assert (info.group, info.version, info.namespace, info.resource, info.name, info.subresource,
            info.verb) == expected


@pytest.mark.parametrize("path", ["/", "/healthz", "/api", "/apis", "/apis/apps", "/version"])
def test_other_paths_name_no_resource(path: str) -> None:
    assert parse_request("GET", path) is None


def test_proxied_path_is_what_remains() -> None:
    info = parse_request("GET", "/api/v1/namespaces/n/services/s:80/proxy/a/b")
    assert info is not None
    assert (info.name, info.subresource, info.rest) == ("s:80", "proxy", "a/b")
