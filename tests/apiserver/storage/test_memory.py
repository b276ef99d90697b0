"""The MVCC core: revisions, reads of the past, history, watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.storage import (
    Compacted,
    FutureRevision,
    MemoryStore,
    RevisionMismatch,
    SqliteStore,
)
from apiserver.storage.detector import SharedObjectMutated
from controllers.drive import drive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from apiserver.machinery.types import Object


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryStore]:
    made = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "db")
    yield made
    made.close()


def value(text: str = "v") -> Object:
    return {"metadata": {"name": "x"}, "data": text}


def put(store: MemoryStore, key: str, text: str = "v", expected: int = 0) -> int:
    return drive(store.put(key, value(text), expected=expected)).revision


def keys(store: MemoryStore, prefix: str = "/r/", **options: int | str) -> list[str]:
    return [v.key for v in drive(store.list(prefix, **options)).versions]  # type: ignore[arg-type]


def test_every_write_takes_the_next_revision(store: MemoryStore) -> None:
    first, second = put(store, "/r/a"), put(store, "/r/b")
    assert second == first + 1 == store.revision
    version = drive(store.get("/r/b"))
    assert version is not None
    assert version.object["metadata"]["resourceVersion"] == str(second)


def test_put_expects_the_newest_revision(store: MemoryStore) -> None:
    revision = put(store, "/r/a")
    for wrong in (0, revision + 1):
        with pytest.raises(RevisionMismatch) as caught:
            put(store, "/r/a", "w", expected=wrong)
        assert caught.value.current is not None
    assert store.revision == revision
    assert put(store, "/r/a", "w", expected=revision) == revision + 1


def test_deleted_key_is_gone_and_can_come_back(store: MemoryStore) -> None:
    revision = put(store, "/r/a")
    change = drive(store.delete("/r/a", expected=revision))
    assert drive(store.get("/r/a")) is None
    assert change.gone().object["metadata"]["resourceVersion"] == str(change.revision)
    with pytest.raises(RevisionMismatch):
        drive(store.delete("/r/a", expected=0))
    again = put(store, "/r/a")
    version = drive(store.get("/r/a"))
    assert version is not None
    assert version.created == again


def test_list_is_in_order_of_bytes_and_stays_below_its_prefix(store: MemoryStore) -> None:
    for key in ("/r/b/x", "/r/a/y", "/r/a-z/y", "/rr/a", "/r0"):
        put(store, key)
    assert keys(store) == ["/r/a-z/y", "/r/a/y", "/r/b/x"]
    assert keys(store, "/r/a/") == ["/r/a/y"]


def test_pages_say_how_many_remain(store: MemoryStore) -> None:
    for name in "abcde":
        put(store, f"/r/{name}")
    page = drive(store.list("/r/", limit=2))
    assert ([v.key for v in page.versions], page.remaining) == (["/r/a", "/r/b"], 3)
    rest = drive(store.list("/r/", start="/r/b\0", limit=3))
    assert ([v.key for v in rest.versions], rest.remaining) == (["/r/c", "/r/d", "/r/e"], 0)


def test_past_can_be_read_until_it_is_compacted(store: MemoryStore) -> None:
    first = put(store, "/r/a", "1")
    put(store, "/r/b")
    last = put(store, "/r/a", "2", expected=first)
    drive(store.delete("/r/b", expected=first + 1))
    then = drive(store.list("/r/", revision=first + 1))
    assert [(v.key, v.object["data"]) for v in then.versions] == [("/r/a", "1"), ("/r/b", "v")]
    store.compact(last)
    with pytest.raises(Compacted):
        drive(store.list("/r/", revision=first))
    assert keys(store, revision=last) == ["/r/a", "/r/b"]
    store.compact(store.revision)
    assert keys(store) == ["/r/a"]


def test_future_cannot_be_read(store: MemoryStore) -> None:
    put(store, "/r/a")
    with pytest.raises(FutureRevision):
        drive(store.get("/r/a", revision=store.revision + 1))


def test_history_is_bounded() -> None:
    store = MemoryStore(history=3)
    revision = put(store, "/r/a")
    for number in range(5):
        revision = put(store, "/r/a", str(number), expected=revision)
    assert store.compacted == revision - 3
    with pytest.raises(Compacted):
        store.watch("/r/", store.compacted - 1)
    assert len(store.watch("/r/", store.compacted).poll()) == 3


def test_watch_resumes_where_it_was_told(store: MemoryStore) -> None:
    first = put(store, "/r/a")
    put(store, "/other/b")
    second = put(store, "/r/a", "2", expected=first)
    watch = store.watch("/r/", first)
    drive(store.delete("/r/a", expected=second))
    assert [(c.revision, c.version.value is None) for c in watch.poll()] == [
        (second, False), (second + 1, True)]
    assert watch.poll() == []


def test_watch_of_one_key_hears_only_of_it(store: MemoryStore) -> None:
    watch = store.watch("/r/a", store.revision)
    put(store, "/r/a")
    put(store, "/r/ab")
    assert [c.version.key for c in watch.poll()] == ["/r/a"]


def test_callback_is_called_and_closing_ends_it(store: MemoryStore) -> None:
    calls: list[int] = []
    watch = store.watch("/r/", store.revision)
    watch.on_event(lambda: calls.append(store.revision))
    put(store, "/r/a")
    watch.close()
    watch.close()
    put(store, "/r/b")
    assert len(calls) == 1
    assert len(watch.poll()) == 1


def test_watcher_that_does_not_poll_overflows(store: MemoryStore) -> None:
    watch = store.watch("/r/", store.revision, limit=2)
    for name in "abc":
        put(store, f"/r/{name}")
    assert watch.overflowed
    assert len(watch.poll()) == 2


def test_mutation_of_a_shared_object_is_detected() -> None:
    store = MemoryStore(detect_mutations=True)
    put(store, "/r/a")
    version = drive(store.get("/r/a"))
    assert version is not None
    version.object["data"] = "changed"
    with pytest.raises(SharedObjectMutated, match="/r/a"):
        drive(store.get("/r/a"))
    with pytest.raises(SharedObjectMutated):
        drive(store.list("/r/"))


OPERATIONS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["put", "delete"])),
                      max_size=25)


@given(OPERATIONS, st.integers(0, 25))
def test_reads_of_the_past_equal_snapshots(operations: list[tuple[str, str]], keep: int) -> None:
    store = MemoryStore()
    state: dict[str, int] = {}
    snapshots = {store.revision: dict(state)}
    for name, operation in operations:
        _perform(store, state, f"/r/{name}", operation)
        snapshots[store.revision] = dict(state)
    store.compact(store.revision - keep)
    for revision, expected in snapshots.items():
        if revision >= store.compacted:
            page = drive(store.list("/r/", revision=revision))
            assert {v.key: v.revision for v in page.versions} == expected


def _perform(store: MemoryStore, state: dict[str, int], key: str, operation: str) -> None:
    if operation == "put":
        state[key] = put(store, key, expected=state.get(key, 0))
    elif key in state:
        drive(store.delete(key, expected=state.pop(key)))




def test_a_store_that_continues_another_has_its_past_and_a_future_of_its_own():
    first = MemoryStore()
    put(first, "/registry/pods/a", "one")
    revision = put(first, "/registry/pods/a", "two", expected=first.revision)
    drive(first.delete("/registry/pods/a", expected=revision))
    put(first, "/registry/pods/b")
    second, third = MemoryStore(detect_mutations=True), MemoryStore()
    second.continue_from(first)
    third.continue_from(first)
    second.compact(second.revision)
    put(second, "/registry/pods/c")
    past = drive(third.get("/registry/pods/a", revision))
    assert past is not None
    assert past.object["data"] == "two"
    assert third.revision == first.revision == second.revision - 1
    assert [change.revision for change in third.watch("/registry/", third.compacted).poll()] == [
        change.revision for change in first.watch("/registry/", first.compacted).poll()]
    assert drive(third.get("/registry/pods/c")) is None
