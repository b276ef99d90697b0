"""Tokens of service accounts: what they say, who they are, and when they no longer count."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest

from apiserver.authentication.jwt import BadToken, claims_of, decode, encode
from apiserver.authentication.service_accounts import (
    ISSUER,
    InvalidToken,
    split_username,
)
from apiserver.authentication.signing import SigningKey
from apiserver.machinery.errors import (
    ApiError,
    BadRequest,
    Conflict,
    Invalid,
    NotFound,
    Unauthorized,
)
from apiserver.machinery.gvk import PODS, SECRETS, SERVICEACCOUNTS
from controllers.drive import drive
from tests.apiserver.server import Server, pod

ME = "system:serviceaccount:default:default"


def ask(server: Server, account: str = "default", **spec: Any) -> Any:
    """A TokenRequest's answer."""
    return server.create(SERVICEACCOUNTS, {"spec": {"audiences": [], **spec}}, name=account,
                         subresource="token")


def token(server: Server, account: str = "default", **spec: Any) -> str:
    made: str = ask(server, account, **spec)["status"]["token"]
    return made


def user(server: Server, text: str) -> Any:
    return drive(server.registry.tokens.user(text))


def identify(server: Server, text: str, *audiences: str) -> Any:
    return drive(server.registry.tokens.identify(text, audiences or (ISSUER,)))


def reference(obj: Any, kind: str, **more: str) -> dict[str, Any]:
    return {"boundObjectRef": {"apiVersion": "v1", "kind": kind, "name": obj["metadata"]["name"],
                               **more}}


def test_a_token_names_its_account_and_lasts_an_hour() -> None:
    server = Server()
    answer = ask(server)
    claims = claims_of(answer["status"]["token"])
    account = server.get(SERVICEACCOUNTS, "default")["metadata"]
    assert claims["sub"] == ME
    assert claims["aud"] == [claims["iss"]] == [ISSUER]
    assert claims["exp"] - claims["iat"] == answer["spec"]["expirationSeconds"] == 3600
    assert claims["kubernetes.io"] == {
        "namespace": "default", "serviceaccount": {"name": "default", "uid": account["uid"]}}


def test_who_presents_it_is_the_account_with_its_groups() -> None:
    server = Server()
    text = token(server)
    who = user(server, text)
    assert who.name == ME
    assert who.groups == ("system:serviceaccounts", "system:serviceaccounts:default",
                          "system:authenticated")
    assert who.extra == (("authentication.kubernetes.io/credential-id",
                          (f"JTI={claims_of(text)['jti']}",)),)


def test_a_token_bound_to_a_pod_names_it_and_lasts_a_year_where_admission_asked() -> None:
    server = Server()
    made = server.create(PODS, pod())
    claims = claims_of(token(server, expirationSeconds=3607, **reference(made, "Pod")))
    assert claims["kubernetes.io"]["pod"] == {"name": "p", "uid": made["metadata"]["uid"]}
    assert claims["exp"] - claims["iat"] == 365 * 24 * 3600
    assert claims["kubernetes.io"]["warnafter"] == claims["iat"] + 3607


@pytest.mark.parametrize("kind", ["Pod", "Secret"])
def test_a_bound_token_ends_with_its_object(kind: str) -> None:
    server = Server()
    resource = PODS if kind == "Pod" else SECRETS
    made = server.create(resource, pod() if kind == "Pod" else {"metadata": {"name": "p"}})
    text = token(server, **reference(made, kind))
    assert user(server, text).name == ME
    server.delete(resource, "p", grace_period_seconds=0)
    with pytest.raises(InvalidToken, match="has been invalidated"):
        identify(server, text)
    server.create(resource, pod() if kind == "Pod" else {"metadata": {"name": "p"}})
    with pytest.raises(InvalidToken, match="does not match service account"):
        identify(server, text)


def test_a_token_ends_with_its_account_even_when_another_has_its_name() -> None:
    server = Server()
    server.create(SERVICEACCOUNTS, {"metadata": {"name": "robot"}})
    text = token(server, "robot")
    server.delete(SERVICEACCOUNTS, "robot")
    with pytest.raises(InvalidToken, match='serviceaccounts "robot" not found'):
        identify(server, text)
    server.create(SERVICEACCOUNTS, {"metadata": {"name": "robot"}})
    with pytest.raises(InvalidToken, match="does not match claim"):
        identify(server, text)
    with pytest.raises(Unauthorized):
        user(server, text)


def test_a_token_ends_when_its_time_is_over() -> None:
    server = Server()
    text = token(server, expirationSeconds=600)
    server.clock.advance(600)
    assert user(server, text).name == ME  # clocks may differ by a minute
    server.clock.advance(61)
    with pytest.raises(InvalidToken, match="has expired"):
        identify(server, text)


def test_a_token_counts_only_for_its_audiences() -> None:
    server = Server()
    text = token(server, audiences=["vault", "me"])
    assert identify(server, text, "me", "you").audiences == ("me",)
    with pytest.raises(InvalidToken, match=r'token audiences \["vault" "me"\] is invalid'):
        identify(server, text)


def test_what_is_no_token_of_ours_is_nobody() -> None:
    server = Server()
    assert identify(server, "nosuchtoken") is None
    other = SigningKey.seeded(random.Random(9))
    assert identify(server, other.sign({"iss": "https://elsewhere"})) is None
    with pytest.raises(InvalidToken, match="failed to verify signature"):
        identify(server, other.sign(claims_of(token(server))))


def test_a_changed_token_is_refused() -> None:
    server = Server()
    head, body, signature = token(server).split(".")
    forged = encode(decode(body).replace(b"default:default", b"default:forged0"))
    for text in (f"{head}.{forged}.{signature}", f"{head}.{body}.{encode(b'x' * 64)}",
                 f"{head}.{body}.{signature[:-4]}"):
        with pytest.raises(InvalidToken):
            identify(server, text)


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "..", "a.bnVsbA.c", "ä.ö.ü"])
def test_nonsense_has_no_claims(text: str) -> None:
    with pytest.raises(BadToken):
        claims_of(text)


@pytest.mark.parametrize(("spec", "error", "message"), [
    ({"expirationSeconds": 5}, Invalid, "may not specify a duration less than 10 minutes"),
    ({"expirationSeconds": 2**32 + 1}, Invalid, "duration larger than 2\\^32 seconds"),
    ({"boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "none"}}, NotFound,
     'pods "none" not found'),
    ({"boundObjectRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}}, BadRequest,
     "cannot bind token to object of type apps/v1, Kind=Deployment"),
])
def test_what_cannot_be_asked_for(spec: Any, error: type[ApiError], message: str) -> None:
    with pytest.raises(error, match=message):
        ask(Server(), **spec)


def test_a_pod_of_another_account_or_uid_cannot_be_bound() -> None:
    server = Server()
    server.create(SERVICEACCOUNTS, {"metadata": {"name": "robot"}})
    made = server.create(PODS, pod())
    with pytest.raises(BadRequest, match='to pod running with serviceaccount "default"'):
        ask(server, "robot", **reference(made, "Pod"))
    with pytest.raises(Conflict, match="does not match the UID in record"):
        ask(server, **reference(made, "Pod", uid="other"))


def test_the_same_seed_signs_the_same() -> None:
    one, two = (SigningKey.seeded(random.Random(3)) for _ in range(2))
    assert one.sign({"a": 1}) == two.sign({"a": 1})
    assert one.verify(two.sign({"a": 1})) == {"a": 1}
    assert one.public()["kid"] == one.id


def test_a_kept_key_is_the_same_next_time(tmp_path: Any) -> None:
    made = SigningKey.kept(tmp_path / "sa.key")
    assert SigningKey.kept(tmp_path / "sa.key").id == made.id
    (tmp_path / "sa.key").write_text("no key")
    with pytest.raises(ValueError, match="PEM"):
        SigningKey.kept(tmp_path / "sa.key")


@pytest.mark.parametrize(("name", "parts"), [
    ("system:serviceaccount:a:b", ("a", "b")), ("system:serviceaccount:a", None),
    ("system:serviceaccount:a:b:c", None), ("jane", None)])
def test_user_names_of_accounts(name: str, parts: Any) -> None:
    assert split_username(name) == parts


@pytest.fixture
def server() -> Server:
    return Server()


def legacy(server: Server) -> str:
    """A token of old, in its Secret."""
    secret = server.create(SECRETS, {"metadata": {"name": "old"}})
    account = server.get(SERVICEACCOUNTS, "default")
    made = server.registry.tokens.issue_legacy(account, secret)
    server.patch(SECRETS, "old", {"data": {"token": base64.b64encode(made.encode()).decode()}})
    return made


def who(server: Server, presented: str) -> Any:
    return drive(server.registry.tokens.user(presented))


@pytest.mark.verified(source="pkg/serviceaccount/legacy.go")
def test_a_token_of_old_names_its_secret_and_has_no_end(server: Server) -> None:
    made = legacy(server)
    uid = server.get(SERVICEACCOUNTS, "default")["metadata"]["uid"]
    assert claims_of(made) == {
        "iss": "kubernetes/serviceaccount", "sub": ME,
        "kubernetes.io/serviceaccount/namespace": "default",
        "kubernetes.io/serviceaccount/secret.name": "old",
        "kubernetes.io/serviceaccount/service-account.name": "default",
        "kubernetes.io/serviceaccount/service-account.uid": uid}
    server.clock.advance(10 * 365 * 86400)
    assert (who(server, made).name, who(server, made).extra) == (ME, ())


def test_who_uses_a_token_of_old_leaves_the_date(server: Server) -> None:
    made = legacy(server)
    who(server, made)
    secret = server.get(SECRETS, "old")
    assert secret["metadata"]["labels"] == {
        "kubernetes.io/legacy-token-last-used": secret["metadata"]["creationTimestamp"][:10]}
    who(server, made)
    assert server.get(SECRETS, "old")["metadata"]["resourceVersion"] == (
        secret["metadata"]["resourceVersion"])


@pytest.mark.parametrize("change", [
    lambda server: drive(server.client.delete(SECRETS, "old", "default")),
    lambda server: server.patch(SECRETS, "old", {"data": {"token": "b3RoZXI="}}),
    lambda server: drive(server.client.delete(SERVICEACCOUNTS, "default", "default"))])
def test_a_token_of_old_counts_as_long_as_its_secret_holds_it(server: Server,
                                                             change: Any) -> None:
    made = legacy(server)
    assert who(server, made).name == ME
    change(server)
    with pytest.raises(Unauthorized):
        who(server, made)
