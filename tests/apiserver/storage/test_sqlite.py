"""The durable home: what was acknowledged survives, also a kill -9."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from apiserver.storage import Compacted, SqliteStore, StorageCorrupt, StorageFailed
from controllers.drive import drive
from tests.apiserver.storage.test_memory import keys, put, value


def test_reopened_store_has_everything_and_its_history(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db")
    first = put(store, "/r/a")
    put(store, "/r/a", "2", expected=first)
    put(store, "/r/b")
    drive(store.delete("/r/b", expected=store.revision))
    revision = store.revision
    store.close()
    again = SqliteStore(tmp_path / "db")
    assert (again.revision, keys(again)) == (revision, ["/r/a"])
    changes = again.watch("/r/", first).poll()
    assert [change.revision for change in changes] == [first + 1, first + 2, revision]
    assert put(again, "/r/c") == revision + 1
    again.close()


def test_compaction_reaches_the_file(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db", history=3)
    revision = put(store, "/r/a")
    for number in range(10):
        revision = put(store, "/r/a", str(number), expected=revision)
    drive(store.delete("/r/a", expected=revision))
    store.compact(store.revision)
    store.close()
    again = SqliteStore(tmp_path / "db")
    assert (keys(again), again.revision, again.compacted) == ([], revision + 1, revision + 1)
    with pytest.raises(Compacted):
        again.watch("/r/", revision)
    again.close()


def test_wait_durable_returns_when_the_write_is_on_disk(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = SqliteStore(tmp_path / "db")
        for number in range(50):
            await store.put(f"/r/{number}", value(), expected=0)
        await asyncio.gather(*(store.wait_durable(n) for n in (3, 20, store.revision)))
        other = SqliteStore(tmp_path / "db")
        assert other.revision == store.revision
        other.close()
        store.close()

    asyncio.run(scenario())


WRITER = """
import asyncio, sys
from pathlib import Path
from apiserver.storage import SqliteStore

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    for number in range(100000):
        version = await store.put(f"/r/{number:06}", {"metadata": {}}, expected=0)
        if number % 10 == 9:
            await store.wait_durable(version.revision)
            print(version.revision, flush=True)

asyncio.run(main())
"""


@pytest.mark.slow
def test_kill_9_loses_no_acknowledged_write(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE,
                          text=True, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout if line.endswith("\n")]
    store = SqliteStore(path)
    assert store.revision >= acknowledged[-1]
    assert len(keys(store)) == store.revision - 2
    store.close()


FULL = """
import asyncio, resource, sys
from pathlib import Path
from apiserver.storage import SqliteStore, StorageFailed

async def write(store, name):
    version = await store.put(name, {"metadata": {}, "data": "x" * 100_000}, expected=0)
    try:
        await store.wait_durable(version.revision)
    except StorageFailed as error:
        return "refused"
    return "written"

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    said = [await write(store, "/r/a")]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, hard))
    said += [await write(store, "/r/b"), await write(store, "/r/c")]
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await store.wait_durable(store.revision)
    said.append(await write(store, "/r/d"))
    store.close()
    print(*said)

asyncio.run(main())
"""


def test_a_full_disk_refuses_writes_until_it_has_room_again(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path / "db")], check=True,
                          stdout=subprocess.PIPE, text=True, timeout=30)
    assert done.stdout.split() == ["written", "refused", "refused", "written"]
    again = SqliteStore(tmp_path / "db")
    assert keys(again) == ["/r/a", "/r/b", "/r/c", "/r/d"]
    again.close()


def test_a_file_that_is_no_database_is_told_from_one_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"no database" * 1000)
    with pytest.raises(StorageCorrupt, match="not a database"):
        SqliteStore(tmp_path / "db")
    with pytest.raises(StorageFailed, match="unable to open") as caught:
        SqliteStore(tmp_path / "nowhere" / "db")
    assert not isinstance(caught.value, StorageCorrupt)
