"""LIST and WATCH: selectors, pages over a changing set, transitions, bookmarks."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from apiserver.context import RequestContext
from apiserver.machinery.errors import BadRequest, Expired, Timeout
from apiserver.machinery.gvk import CONFIGMAPS, NAMESPACES, PODS
from apiserver.registry import ListOptions, WatchOptions
from controllers.drive import drive
from tests.apiserver.server import Server, config, pod

if TYPE_CHECKING:
    from apiserver.registry.listing import Listing
    from apiserver.registry.watching import RegistryWatch


@pytest.fixture
def server() -> Server:
    made = Server()
    for name in "abcde":
        made.create(CONFIGMAPS, config(name, labels={"odd": ("ace".count(name) and "yes") or "no"}))
    return made


def context(server: Server) -> RequestContext:
    return RequestContext(resource=server.registry.catalog.resource(CONFIGMAPS), verb="list",
                          namespace="default", now=server.clock.now())


def listed(server: Server, **options: object) -> Listing:
    return drive(server.registry.list(context(server), ListOptions(**options)))  # type: ignore[arg-type]


def names(listing: Listing) -> list[str]:
    return [version.object["metadata"]["name"] for version in listing.versions]


def watching(server: Server, **options: object) -> RegistryWatch:
    return drive(server.registry.watch(context(server), WatchOptions(**options)))  # type: ignore[arg-type]


def seen(watch: RegistryWatch) -> list[tuple[str, str]]:
    return [(event.type, event.version.object["metadata"].get("name", ""))
            for event in watch.poll()]


def test_pages_show_one_moment(server: Server) -> None:
    first = listed(server, limit=2)
    assert (names(first), first.remaining) == (["a", "b"], 3)
    server.delete(CONFIGMAPS, "d")
    server.create(CONFIGMAPS, config("bb"))
    rest = listed(server, limit=10, continue_token=first.continue_token)
    assert (names(rest), rest.remaining) == (["c", "d", "e"], None)
    assert rest.revision == first.revision


@pytest.mark.verified(source="truth/README.md: the real format of continue tokens")
def test_token_is_base64url_of_json(server: Server) -> None:
    token = listed(server, limit=2).continue_token
    body = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    assert body == {"v": "meta.k8s.io/v1", "rv": server.store.revision, "start": "b\0"}


def test_expired_token_says_how_to_go_on(server: Server) -> None:
    token = listed(server, limit=2).continue_token
    server.create(CONFIGMAPS, config("bb"))
    server.store.compact(server.store.revision)
    with pytest.raises(Expired) as caught:
        listed(server, continue_token=token)
    again = caught.value.status()["metadata"]["continue"]
    assert names(listed(server, continue_token=again)) == ["bb", "c", "d", "e"]


def test_selector_hides_how_many_remain(server: Server) -> None:
    first = listed(server, limit=2, label_selector="odd=yes")
    assert (names(first), first.remaining) == (["a", "c"], None)
    rest = listed(server, continue_token=first.continue_token, label_selector="odd=yes")
    assert names(rest) == ["e"]


@pytest.mark.parametrize("options", [
    {"label_selector": "a==b==c"}, {"field_selector": "data.k=v"}, {"continue_token": "garbage"},
    {"resource_version": "abc"}])
def test_bad_options_are_bad_requests(server: Server, options: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        listed(server, **options)


def test_exact_version_shows_the_past_and_the_future_times_out(server: Server) -> None:
    then = str(server.store.revision)
    server.delete(CONFIGMAPS, "a")
    exact = {"resource_version": then, "resource_version_match": "Exact"}
    assert names(listed(server, **exact)) == list("abcde")
    assert names(listed(server, resource_version=then)) == list("bcde")
    with pytest.raises(Timeout, match="Too large resource version"):
        listed(server, resource_version="999999")
    server.store.compact(server.store.revision)
    with pytest.raises(Expired, match="too old"):
        listed(server, **exact)


def test_lists_over_all_namespaces_are_in_order_of_keys(server: Server) -> None:
    for name in ("a", "a-z"):
        server.create(NAMESPACES, {"metadata": {"name": name}}, None)
        server.create(CONFIGMAPS, config(f"in-{name}"), name)
    assert server.names(CONFIGMAPS, None, field_selector="metadata.namespace!=default") == [
        "in-a-z", "in-a"]


def test_pods_are_selected_by_their_fields(server: Server) -> None:
    server.create(PODS, pod("x", nodeName="n"))
    server.create(PODS, pod("y"))
    assert server.names(PODS, field_selector="spec.nodeName=n,status.phase=Pending") == ["x"]
    with pytest.raises(BadRequest, match="field label not supported: spec"):
        server.names(PODS, field_selector="spec.containers=x")


def test_watch_without_version_begins_with_what_is_there(server: Server) -> None:
    watch = watching(server, label_selector="odd=yes")
    server.delete(CONFIGMAPS, "c")
    server.delete(CONFIGMAPS, "d")
    assert seen(watch) == [("ADDED", "a"), ("ADDED", "c"), ("ADDED", "e"), ("DELETED", "c")]
    assert seen(watch) == []


def test_objects_come_and_go_with_the_selector(server: Server) -> None:
    watch = watching(server, label_selector="odd=no", resource_version=str(server.store.revision))
    server.patch(CONFIGMAPS, "a", {"metadata": {"labels": {"odd": "no"}}, "data": {"k": "1"}})
    server.patch(CONFIGMAPS, "a", {"data": {"k": "2"}})
    server.patch(CONFIGMAPS, "a", {"metadata": {"labels": {"odd": "yes"}}, "data": {"k": "3"}})
    server.patch(CONFIGMAPS, "a", {"data": {"k": "4"}})
    events = watch.poll()
    assert [(e.type, e.version.object["data"]["k"]) for e in events] == [
        ("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]
    last = events[2].version
    assert last.object["metadata"]["resourceVersion"] == str(last.revision)


def test_initial_events_end_with_a_bookmark(server: Server) -> None:
    watch = watching(server, send_initial_events=True, allow_bookmarks=True,
                     label_selector="odd=no")
    *objects, last = watch.poll()
    assert [event.version.object["metadata"]["name"] for event in objects] == ["b", "d"]
    assert last.type == "BOOKMARK"
    assert last.version.object["metadata"] == {
        "resourceVersion": str(server.store.revision),
        "annotations": {"k8s.io/initial-events-end": "true"}}


def test_watch_behind_the_history_is_expired() -> None:
    server = Server(history=5)
    for name in "abcdefgh":
        server.create(CONFIGMAPS, config(name))
    with pytest.raises(Expired, match="too old resource version: 2"):
        watching(server, resource_version="2")


def test_watch_from_the_future_waits_for_it(server: Server) -> None:
    watch = watching(server, resource_version=str(server.store.revision + 1))
    server.delete(CONFIGMAPS, "a")
    server.delete(CONFIGMAPS, "b")
    assert seen(watch) == [("DELETED", "b")]


def test_a_bookmark_is_as_new_as_the_store_whoever_wrote_last(server: Server) -> None:
    watch = watching(server, resource_version=str(server.store.revision))
    server.create(PODS, pod())
    assert seen(watch) == []
    assert watch.bookmark().version.revision == server.store.revision
    server.create(CONFIGMAPS, config("f"))
    assert seen(watch) == [("ADDED", "f")]
