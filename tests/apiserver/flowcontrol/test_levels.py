"""Places, loans and queues of priority levels."""

from __future__ import annotations

import asyncio

import pytest

from apiserver.defaults.flowcontrol import PRIORITYLEVELS, flow_control
from apiserver.flowcontrol.levels import PLACES, Level, configure, has_room
from apiserver.limits import TooMany


def default_levels() -> dict[str, Level]:
    levels: dict[str, Level] = {}
    configure(levels, {each.object["metadata"]["name"]: {
        **each.object, "metadata": {**each.object["metadata"], "uid": "u"}}
        for each in flow_control() if each.resource == PRIORITYLEVELS})
    return levels


@pytest.mark.verified(source="apiserver_flowcontrol_nominal_limit_seats of a real server")
def test_a_level_gets_its_share_of_the_places():
    nominal = {name: level.nominal for name, level in default_levels().items()}
    assert nominal == {"exempt": 0, "system": 74, "node-high": 98, "leader-election": 25,
                       "workload-high": 98, "workload-low": 245, "global-default": 49,
                       "catch-all": 13}


def test_a_level_borrows_what_others_lend_and_do_not_use():
    levels = default_levels()
    busy, others = levels["catch-all"], list(levels.values())
    lent = sum(level.lendable for level in others if level is not busy)
    busy.taken = busy.nominal + lent - 1
    assert has_room(busy, others)
    busy.taken += 1
    assert not has_room(busy, others)
    assert busy.taken < PLACES


def test_what_nobody_limits_always_has_room():
    level = Level("exempt", exempt=True, taken=10_000)
    assert has_room(level, [level])


def test_a_request_waits_until_another_one_leaves():
    async def scenario() -> list[str]:
        level, told = Level("one", nominal=1, longest_queue=1), []

        async def second() -> None:
            await level.wait("schema")
            told.append("second")

        with level:
            waiting = asyncio.ensure_future(second())
            await asyncio.sleep(0)
            told.append("first")
        await waiting
        return told

    assert asyncio.run(scenario()) == ["first", "second"]


@pytest.mark.parametrize(("longest", "seconds", "reason"), [
    (0, 9.0, "concurrency-limit"), (1, 0.0, "time-out")])
def test_who_finds_no_place_is_sent_away(longest, seconds, reason):
    level = Level("one", nominal=1, longest_queue=longest)
    with pytest.raises(TooMany):
        asyncio.run(level.wait("schema", seconds))
    assert level.rejected == {("schema", reason): 1}


def test_a_full_queue_takes_nobody_in():
    async def scenario(level: Level) -> None:
        first = asyncio.ensure_future(level.wait("schema"))
        await asyncio.sleep(0)
        with pytest.raises(TooMany):
            await level.wait("schema")
        first.cancel()

    level = Level("one", nominal=1, longest_queue=1)
    asyncio.run(scenario(level))
    assert level.rejected == {("schema", "queue-full"): 1}


def test_levels_that_are_gone_leave_and_others_share_anew():
    levels = default_levels()
    kept = {"system": {"metadata": {"uid": "n"}, "spec": {
        "type": "Limited", "limited": {"nominalConcurrencyShares": 30}}}}
    configure(levels, kept)
    assert {name: level.nominal for name, level in levels.items()} == {"system": PLACES}
