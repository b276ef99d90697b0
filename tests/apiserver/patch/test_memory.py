"""What is remembered, and what is kept in memory of its size."""

from __future__ import annotations

import orjson

from apiserver.machinery.json_bytes import encoded
from apiserver.machinery.later import Later
from apiserver.patch.memory import Memory


def test_what_is_asked_for_stays_whatever_passes_by() -> None:
    memory: Memory[int, str] = Memory(4)
    memory.put(-1, "shared")
    for number in range(100):
        memory.put(number, "once")
        assert memory.get(-1) == "shared"
    assert memory.get(0) is None


def test_it_holds_at_most_two_generations() -> None:
    memory: Memory[int, int] = Memory(4)
    for number in range(100):
        memory.put(number, number)
    assert sum(memory.get(number) is not None for number in range(100)) <= 8


def test_kept_json_is_what_orjson_writes() -> None:
    value = {"a": ["x" * 600, None, 1.5, {"ä": True}]}
    assert encoded(value) == orjson.dumps(value)


def test_a_later_text_is_made_once_and_only_when_it_is_read() -> None:
    made: list[str] = []

    def make() -> str:
        made.append("x")
        return "text"

    later = Later(make)
    assert not made
    assert [str(later), str(later)] == ["text", "text"]
    assert made == ["x"]
