"""Acting as somebody else: what the headers say, and who may."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.authentication.impersonation import impersonate, wanted_user
from apiserver.authorization.attributes import Attributes, forbidden
from apiserver.context import User
from apiserver.machinery.errors import BadRequest, Forbidden
from controllers.drive import drive

BOB = User(name="bob", groups=("system:authenticated",))
LIST_PODS = Attributes(user=BOB, verb="list", version="v1", resource="pods", namespace="default")


def headers(**given: str) -> list[tuple[bytes, bytes]]:
    return [(f"impersonate-{name.replace('_', '-')}".encode(), value.encode())
            for name, value in given.items()]


def become(wanted: User, *allowed: str, minor: int = 36, requestor: User = BOB) -> User:
    """Impersonate, where the questions `verb resource name` are allowed."""
    async def authorize(asked: Attributes) -> None:
        if f"{asked.verb} {asked.combined_resource} {asked.name}".strip() not in allowed:
            raise forbidden(asked)

    asked = Attributes(user=requestor, verb="list", version="v1", resource="pods",
                       namespace="default")
    return drive(impersonate(wanted, asked, minor, authorize))


def test_headers_name_a_user() -> None:
    given = [*headers(user="jane", uid="7", extra_scopes="a"), *headers(group="x"),
             *headers(group="y"), (b"impersonate-extra-ex%2fample", b"b"), (b"accept", b"*/*")]
    assert wanted_user(given) == User(
        name="jane", uid="7", groups=("x", "y"), extra=(("scopes", ("a",)), ("ex/ample", ("b",))))
    assert wanted_user([(b"accept", b"*/*")]) is None


@pytest.mark.verified(source="truth/api/auth.golden.jsonl impersonation-errors")
def test_a_group_alone_is_nobody() -> None:
    with pytest.raises(BadRequest) as caught:
        wanted_user(headers(group="devs"))
    assert caught.value.message == (
        'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"devs"},'
        " Extra:map[string][]string(nil)} without impersonating a user name")


@pytest.mark.parametrize(("wanted", "groups"), [
    (User(name="jane"), ("system:authenticated",)),
    (User(name="jane", groups=("devs",)), ("devs", "system:authenticated")),
    (User(name="jane", groups=("system:unauthenticated",)), ("system:unauthenticated",)),
    (User(name="system:anonymous"), ("system:unauthenticated",)),
    (User(name="system:serviceaccount:a:b"),
     ("system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated")),
])
def test_groups_come_with_the_name(wanted: User, groups: tuple[str, ...]) -> None:
    allowed = ["impersonate users jane", "impersonate users system:anonymous",
               "impersonate serviceaccounts b",
               *(f"impersonate groups {group}" for group in wanted.groups)]
    assert become(wanted, *allowed).groups == groups


@pytest.mark.parametrize(("wanted", "subject"), [
    (User(name="jane"), 'users "jane" is forbidden: User "bob" cannot impersonate resource "users" '
     'in API group "" at the cluster scope'),
    (User(name="system:serviceaccount:a:b"), 'serviceaccounts "b" is forbidden: User "bob" cannot '
     'impersonate resource "serviceaccounts" in API group "" in the namespace "a"'),
])
def test_who_may_not_is_told_what_he_lacks_before_1_36(wanted: User, subject: str) -> None:
    with pytest.raises(Forbidden) as caught:
        become(wanted, minor=35)
    assert caught.value.message == subject


def test_every_part_is_asked_for() -> None:
    wanted = User(name="jane", uid="7", groups=("devs",), extra=(("scopes", ("a",)),))
    allowed = ["impersonate users jane", "impersonate uids 7", "impersonate groups devs",
               "impersonate userextras/scopes a"]
    assert become(wanted, *allowed, minor=35).uid == "7"
    for missing in allowed:
        with pytest.raises(Forbidden):
            become(wanted, *(each for each in allowed if each != missing), minor=35)


def test_a_mode_allows_a_verb_as_a_user() -> None:
    on = "impersonate-on:user-info:list pods"
    assert become(User(name="jane"), on, "impersonate:user-info users jane").name == "jane"
    with pytest.raises(Forbidden, match="cannot impersonate-on:user-info:list"):
        become(User(name="jane"), "impersonate:user-info users jane")
    with pytest.raises(Forbidden, match="system:masters group is not allowed"):
        become(User(name="jane", groups=("system:masters",)), on,
               "impersonate:user-info users jane", "impersonate:user-info groups system:masters")


def test_nodes_have_modes_of_their_own() -> None:
    node = User(name="system:node:n1")
    agent = User(name="system:serviceaccount:a:agent",
                 extra=(("authentication.kubernetes.io/node-name", ("n1",)),))
    allowed: Any = ("impersonate-on:associated-node:list pods",
                    "impersonate:associated-node nodes *")
    assert become(node, *allowed, requestor=agent).groups == ("system:nodes",
                                                              "system:authenticated")
    with pytest.raises(Forbidden):
        become(User(name="system:node:n2"), *allowed, requestor=agent)
    assert become(node, "impersonate-on:arbitrary-node:list pods",
                  "impersonate:arbitrary-node nodes n1").name == "system:node:n1"
