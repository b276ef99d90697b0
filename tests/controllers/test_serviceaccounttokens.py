"""Secrets that hold the token of a service account."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from apiserver.machinery.errors import NotFound, Unauthorized
from apiserver.machinery.gvk import SECRETS, SERVICEACCOUNTS
from controllers.drive import drive
from tests.controllers.world import World


def secret(account: str = "default") -> dict[str, Any]:
    """A Secret that asks for the token of an account."""
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": {"name": "s", "namespace": "default", "annotations": {
                "kubernetes.io/service-account.name": account}}}


@pytest.fixture
def world() -> World:
    return World("serviceaccount-token-controller")


def test_a_secret_gets_the_token_of_its_account(world: World) -> None:
    world.create(SECRETS, secret())
    data = world.get(SECRETS, "s")["data"]
    token = base64.b64decode(data["token"]).decode()
    assert drive(world.registry.tokens.user(token)).name == "system:serviceaccount:default:default"
    assert base64.b64decode(data["namespace"]) == b"default"
    world.delete(SECRETS, "s")
    with pytest.raises(Unauthorized):
        drive(world.registry.tokens.user(token))


def test_a_secret_goes_with_its_account(world: World) -> None:
    world.create(SECRETS, secret())
    world.create(SECRETS, {"metadata": {"name": "other", "namespace": "default"}})
    world.delete(SERVICEACCOUNTS, "default")
    with pytest.raises(NotFound):
        world.get(SECRETS, "s")
    assert world.get(SECRETS, "other")


def test_a_secret_for_nobody_is_not_kept(world: World) -> None:
    world.create(SECRETS, secret("nobody"))
    with pytest.raises(NotFound):
        world.get(SECRETS, "s")
