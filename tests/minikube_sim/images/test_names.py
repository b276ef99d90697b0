"""Names of images, and which program they mean."""

from __future__ import annotations

import pytest

from controllers.node.runtime import ImageNotFound
from minikube_sim.images import IMAGES, ImageRegistry, Program
from minikube_sim.images.names import parse
from minikube_sim.images.nginx import Nginx
from minikube_sim.images.small import PlainServer


@pytest.fixture
def registry() -> ImageRegistry:
    return ImageRegistry(IMAGES)


@pytest.mark.parametrize(("text", "name"), [
    ("nginx", "nginx:latest"),
    ("docker.io/library/nginx:1.27", "nginx:1.27"),
    ("library/nginx", "nginx:latest"),
    ("index.docker.io/hashicorp/http-echo", "hashicorp/http-echo:latest"),
    ("localhost:5000/shop:2", "localhost:5000/shop:2"),
    ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
    (f"nginx@sha256:{'a' * 64}", "nginx:latest"),
])
def test_names_are_normalised(text: str, name: str) -> None:
    assert str(parse(text)) == name


@pytest.mark.parametrize("text", ["Nginx", "a b", "", "nginx:", ":1", "-x"])
def test_what_is_no_name(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("tag", ["latest", "1.27", "1.27.3-alpine", "stable-alpine", "alpine", "1"])
def test_known_image_has_plausible_tags(registry: ImageRegistry, tag: str) -> None:
    assert registry.program(f"nginx:{tag}") is Nginx


@pytest.mark.parametrize("tag", ["1.161", "nope", "doesnotexist", "v1.2.3.4"])
def test_known_image_lacks_other_tags(registry: ImageRegistry, tag: str) -> None:
    with pytest.raises(ImageNotFound, match=rf"manifest for nginx:{tag} not found"):
        registry.program(f"nginx:{tag}")


def test_tagged_entry_is_that_image_only(registry: ImageRegistry) -> None:
    with pytest.raises(ImageNotFound, match=r"manifest for simpleapi:3\.0 not found"):
        registry.info("simpleapi:3.0")


def test_unknown_image_names_those_that_there_are(registry: ImageRegistry) -> None:
    with pytest.raises(ImageNotFound) as caught:
        registry.info("shop")
    text = str(caught.value)
    assert text.startswith("Error response from daemon: pull access denied for shop, ")
    assert all(name in text for name in ("simpleapi:1.0", "nginx", "busybox"))
    assert "coredns" not in text


def test_unknown_images_may_run() -> None:
    assert ImageRegistry(IMAGES, "run").program("shop:9") is PlainServer


def test_images_can_be_added(registry: ImageRegistry) -> None:
    class Shop(Program):
        pull_seconds = 2.0

    registry["shop:1.0"] = Shop
    assert registry.info("docker.io/library/shop:1.0").pull_seconds == 2.0
    del registry["shop:1.0"]
    assert "shop:1.0" not in registry
    assert len(registry) == len(IMAGES)


@pytest.mark.parametrize("name", IMAGES)
def test_every_image_has_a_program_and_a_size(registry: ImageRegistry, name: str) -> None:
    info = registry.info(name)
    assert info.size_bytes > 0
    assert info.image_id.startswith("docker-pullable://")
    assert registry.program(name).__doc__
