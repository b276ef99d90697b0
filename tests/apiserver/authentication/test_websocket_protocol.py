"""A bearer token among a WebSocket's subprotocols."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.authentication.websocket_protocol import token_of, without_token
from apiserver.machinery.errors import Unauthorized

PREFIX = "base64url.bearer.authorization.k8s.io."


def encoded(token: bytes) -> str:
    return PREFIX + base64.urlsafe_b64encode(token).decode().rstrip("=")


@given(st.binary(min_size=1), st.lists(st.sampled_from(["a", "v4.channel.k8s.io"]), min_size=1))
def test_the_token_comes_back_and_the_others_are_left(token, others):
    protocols = [others[0], encoded(token), *others[1:]]
    assert token_of(protocols) == token
    assert without_token(protocols) == others


def test_without_a_token_there_is_none():
    assert token_of(["v4.channel.k8s.io"]) == b""


@pytest.mark.parametrize("protocols", [
    [encoded(b"t")],
    ["a", encoded(b"t"), encoded(b"t")],
    ["a", PREFIX + "dG9rZW4="],
    ["a", PREFIX + "!"],
    ["a", PREFIX + "ä"],
    ["a", PREFIX + "d"],
], ids=["alone", "twice", "padded", "no base64", "no ASCII", "cut off"])
def test_what_is_no_token_is_unauthorized(protocols):
    with pytest.raises(Unauthorized):
        token_of(protocols)
