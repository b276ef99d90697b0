"""Acting as somebody else: the Impersonate-* headers. Models endpoints/filters/impersonation.

Since 1.36 there are modes for what one may do as whom (KEP 5284): `impersonate:MODE` on the user,
and `impersonate-on:MODE:VERB` on the request. The old way, the verb `impersonate`, is tried last.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import unquote

from apiserver.authentication.service_accounts import account_groups, split_username
from apiserver.authorization.attributes import Attributes, forbidden
from apiserver.context import User
from apiserver.machinery.errors import BadRequest, Forbidden
from apiserver.machinery.names import is_dns1123_subdomain
from apiserver.machinery.validation import go_quote

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

Headers: TypeAlias = "Sequence[tuple[bytes, bytes]]"
_PREFIX: Final = b"impersonate-"
_EXTRA: Final = b"impersonate-extra-"
_NODE: Final = "system:node:"
_NODE_NAME: Final = "authentication.kubernetes.io/node-name"
_ASSOCIATED: Final = "associated-node"
_AUTHENTICATED: Final = "system:authenticated"
_UNAUTHENTICATED: Final = "system:unauthenticated"
_GROUP: Final = "authentication.k8s.io"
CONSTRAINED_FROM: Final = 36
"""The minor version since which the modes are there."""


def wanted_user(headers: Headers) -> User | None:
    """Who the headers name, as they say it; None without them. Raises BadRequest."""
    single: dict[bytes, str] = {}
    groups: list[str] = []
    extra: dict[str, list[str]] = {}
    for name, value in headers:
        if not name.startswith(_PREFIX):
            continue
        text = value.decode("utf-8", "replace")
        if name == b"impersonate-group":
            groups.append(text)
        elif name.startswith(_EXTRA):
            extra.setdefault(unquote(name[len(_EXTRA):].decode("latin-1")), []).append(text)
        else:
            single.setdefault(name, text)
    user = User(name=single.get(b"impersonate-user", ""), uid=single.get(b"impersonate-uid", ""),
                groups=tuple(groups), extra=tuple((k, tuple(v)) for k, v in extra.items()))
    if user.name:
        return user
    if user.uid or user.groups or user.extra:
        raise BadRequest(f"requested {_go_user(user)} without impersonating a user name")
    return None


async def impersonate(wanted: User, request: Attributes, minor: int,
                      authorize: Callable[[Attributes], Awaitable[None]]) -> User:
    """The user that the requestor becomes. Raises Forbidden, with what the first mode says."""
    failure: Forbidden | None = None
    for mode in _modes(wanted, request.user) if minor >= CONSTRAINED_FROM else ():
        try:
            await authorize(replace(request, verb=f"impersonate-on:{mode}:{request.verb}"))
            for question in _constrained(wanted, request.user, mode):
                await authorize(question)
            return _actual(wanted, constrained=True)
        except Forbidden as error:
            failure = failure or error
    try:
        for question in _questions(wanted, request.user, "impersonate", ""):
            await authorize(question)
    except Forbidden as error:
        raise failure or error from None
    return _actual(wanted, constrained=False)


# --- the modes ------------------------------------------------------------------------------------

def _modes(wanted: User, requestor: User) -> Iterator[str]:
    """The modes that the wanted user falls under, the narrowest first."""
    only_name = not (wanted.uid or wanted.groups or wanted.extra)
    node, account = _node_name(wanted.name), split_username(wanted.name)
    if node and only_name:
        if split_username(requestor.name) and dict(requestor.extra).get(_NODE_NAME) == (node,):
            yield _ASSOCIATED
        yield "arbitrary-node"
    if account and only_name:
        yield "serviceaccount"
    if not node and not account:
        yield "user-info"


def _node_name(username: str) -> str:
    """The Node that a user name stands for; '' for other users."""
    name = username.removeprefix(_NODE) if username.startswith(_NODE) else ""
    return name if name and not is_dns1123_subdomain(name) else ""


def _constrained(wanted: User, requestor: User, mode: str) -> Iterator[Attributes]:
    """What must be allowed for a mode. Raises Forbidden for what no mode allows."""
    for question in _questions(wanted, requestor, f"impersonate:{mode}", _GROUP):
        if question.resource == "groups" and question.name in ("", "system:masters"):
            what = "the empty string" if not question.name else f"the {question.name}"
            raise forbidden(question, f"impersonating {what} group is not allowed")
        yield question


def _questions(wanted: User, requestor: User, verb: str, group: str) -> Iterator[Attributes]:
    """One question for each thing that is named; `group` is that of users and groups."""
    def ask(resource: str, name: str, *, where: str = "", sub: str = "",
            within: str = _GROUP) -> Attributes:
        return Attributes(user=requestor, verb=verb, group=within, version="v1",
                          resource=resource, subresource=sub, namespace=where, name=name)

    node = _node_name(wanted.name) if group else ""
    if account := split_username(wanted.name):
        yield ask("serviceaccounts", account[1], where=account[0], within=group)
    elif node:
        yield ask("nodes", "*" if verb.endswith(_ASSOCIATED) else node, within=group)
    else:
        yield ask("users", wanted.name, within=group)
    if wanted.uid:
        yield ask("uids", wanted.uid)
    for each in wanted.groups:
        yield ask("groups", each, within=group)
    for key, values in wanted.extra:
        for value in values:
            yield ask("userextras", value, sub=key)


def _actual(wanted: User, *, constrained: bool) -> User:
    """The wanted user with the groups that come with the name."""
    groups = wanted.groups
    account = split_username(wanted.name)
    if account and not groups:
        groups = account_groups(account[0])
    elif constrained and _node_name(wanted.name):
        groups = ("system:nodes",)
    if wanted.name == "system:anonymous":
        implied = _UNAUTHENTICATED
    else:
        implied = "" if _UNAUTHENTICATED in groups else _AUTHENTICATED
    if implied and implied not in groups:
        groups = (*groups, implied)
    return replace(wanted, groups=groups, extra=tuple(sorted(wanted.extra)))


# --- as Go shows it -------------------------------------------------------------------------------

def _go_user(user: User) -> str:
    """%#v of a *user.DefaultInfo."""
    extra = "map[string][]string(nil)"
    if user.extra:
        pairs = ", ".join(f"{go_quote(k)}:{_go_strings(v)}" for k, v in sorted(user.extra))
        extra = f"map[string][]string{{{pairs}}}"
    return (f"&user.DefaultInfo{{Name:{go_quote(user.name)}, UID:{go_quote(user.uid)},"
            f" Groups:{_go_strings(user.groups)}, Extra:{extra}}}")


def _go_strings(values: Sequence[str]) -> str:
    if not values:
        return "[]string(nil)"
    return f"[]string{{{', '.join(go_quote(value) for value in values)}}}"
