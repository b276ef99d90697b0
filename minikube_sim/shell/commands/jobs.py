"""wait, kill, jobs: what `&` put into the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from minikube_sim.process import SIGINT, SIGKILL, SIGTERM

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call
    from minikube_sim.shell.state import Job

_STEP: Final = 0.05
_SIGNALS: Final = {"INT": SIGINT, "2": SIGINT, "KILL": SIGKILL, "9": SIGKILL, "TERM": SIGTERM,
                   "15": SIGTERM}


def _find(call: Call, word: str) -> Job | None:
    """A job by `%1` or by its process id."""
    for job in call.state.jobs:
        if word in (f"%{job.number}", str(job.pid)):
            return job
    return None


async def wait(call: Call) -> int:
    """Until all jobs have ended, or the named ones; the last one's exit code."""
    named = [_find(call, word) for word in call.args]
    if None in named:
        word = call.args[named.index(None)]
        return call.complain(f"{call.state.name}: wait: {word}: no such job", 127)
    waited = [job for job in (named or call.state.jobs) if job is not None]
    while any(job.exit_code is None for job in waited):
        await call.sleep(_STEP)
    call.state.jobs[:] = [job for job in call.state.jobs if job not in waited]
    return waited[-1].exit_code or 0 if named else 0


async def kill(call: Call) -> int:
    """Send a signal to a job: `kill [-INT] %1`."""
    words, signal = list(call.args), SIGTERM
    if words and words[0].startswith("-"):
        signal = _SIGNALS.get(words.pop(0).lstrip("-").removeprefix("SIG"), SIGTERM)
    for word in words:
        job = _find(call, word)
        if job is None or job.process is None or job.process.over:
            text = "no such job" if word.startswith("%") else "No such process"
            return call.complain(f"{call.state.name}: kill: ({word}) - {text}")
        if signal == SIGKILL:
            job.process.kill()
        else:
            job.process.interrupt(signal)
    return 0


async def jobs(call: Call) -> int:
    """The jobs that run."""
    for job in call.state.jobs:
        if job.exit_code is None:
            call.print(f"[{job.number}]+  Running                 {job.text} &")
    return 0
