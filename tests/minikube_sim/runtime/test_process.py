"""Programs as coroutines that a clock steps."""

from __future__ import annotations

import asyncio

import pytest

from minikube_sim.clock import VirtualClock
from minikube_sim.process import SIGTERM, Interrupted, Process, finish, pause


class Bench:
    """A clock, and the exit codes of what ran."""

    def __init__(self) -> None:
        self.clock = VirtualClock(0.0)
        self.codes: list[int] = []
        self.said: list[str] = []

    def run(self, coroutine: object) -> Process:
        process = Process(coroutine, self.clock, self.codes.append,  # type: ignore[arg-type]
                          self.said.append)
        process.start()
        return process


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def sleeper(seconds: float, code: int = 0) -> int:
    await pause(seconds)
    return code


def test_program_wakes_at_its_time(bench: Bench) -> None:
    bench.run(sleeper(5, 7))
    bench.clock.advance(4.9)
    assert bench.codes == []
    bench.clock.advance(0.1)
    assert bench.codes == [7]


def test_uncaught_signal_ends_with_its_number(bench: Bench) -> None:
    bench.run(sleeper(5)).interrupt(SIGTERM)
    assert bench.codes == [143]
    bench.clock.advance(10)
    assert bench.codes == [143]


def test_caught_signal_lets_the_program_finish(bench: Bench) -> None:
    async def program() -> int:
        try:
            await pause(None)
        except Interrupted as signal:
            await pause(3)
            return signal.signal
        return 0

    process = bench.run(program())
    process.interrupt(SIGTERM)
    assert bench.codes == []
    bench.clock.advance(3)
    assert bench.codes == [15]


def test_kill_ends_at_once_and_for_good(bench: Bench) -> None:
    process = bench.run(sleeper(5))
    process.kill()
    process.kill()
    process.interrupt(SIGTERM)
    assert (bench.codes, process.over) == ([137], True)


def test_crash_is_exit_code_one(bench: Bench) -> None:
    async def program() -> int:
        raise ValueError("bad")

    bench.run(program())
    assert (bench.codes, bench.said) == ([1], ["ValueError: bad"])


def test_program_that_signals_itself_is_interrupted_at_its_next_wait(bench: Bench) -> None:
    process: list[Process] = []

    async def program() -> int:
        process[0].interrupt(SIGTERM)
        await pause(None)
        return 0

    process.append(Process(program(), bench.clock, bench.codes.append))
    process[0].start()
    assert bench.codes == [143]


def test_finish_needs_no_loop_when_nothing_waits() -> None:
    async def value() -> str:
        return "x"

    coroutine = finish(value(), VirtualClock())
    with pytest.raises(StopIteration) as stop:
        coroutine.send(None)
    assert stop.value.value == "x"


def test_finish_waits_on_the_loop_and_passes_errors_on() -> None:
    clock = VirtualClock(0.0)

    async def fails() -> str:
        await pause(5)
        raise KeyError("k")

    async def main() -> None:
        task = asyncio.ensure_future(finish(fails(), clock))
        await asyncio.sleep(0)
        clock.advance(5)
        with pytest.raises(KeyError):
            await task

    asyncio.run(main())


def test_program_may_await_the_loop() -> None:
    clock = VirtualClock(0.0)

    async def program() -> str:
        return await asyncio.sleep(0, "done")

    async def future() -> str:
        done = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(done.set_result, "later")
        return str(await done)

    async def main() -> list[str]:
        return [await finish(program(), clock), await finish(future(), clock)]

    assert asyncio.run(main()) == ["done", "later"]
