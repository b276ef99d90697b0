"""Plays a lesson against a fresh cluster, with the real kubectl and this program's own commands.

What is shown is what ran: each command is a process of its own, and its output is printed as it
came. Plays in real time, since real programs do.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from minikube_sim.lessons.step import Lesson, Step, fill

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROFILE: Final = "minikube-sim"
_RETRY_SECONDS: Final = 0.2
_TIMEOUT_SECONDS: Final = 120


class DemoError(Exception):
    """The demo cannot be played; one line for people."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one step."""

    step: Step
    command: str
    output: str
    problems: tuple[str, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """It went as the lesson says."""
        return not self.problems


@contextmanager
def stage(arguments: list[str], kubectl: str) -> Iterator[Stage]:
    """A fresh cluster in a folder of its own, which goes when the block ends. Raises DemoError."""
    with tempfile.TemporaryDirectory(prefix="minikube-sim-demo-") as folder:
        place = Stage(Path(folder), kubectl)
        shutil.copytree(examples(), place.folder / "examples")
        try:
            started = place.run(["minikube-sim", "start", *arguments])
            if started.returncode:
                raise DemoError(f"the cluster did not start: {started.stdout.strip()}")
            yield place
        finally:
            place.run(["minikube-sim", "delete"])


def examples() -> Path:
    """The manifests of the lessons: in the wheel, or in the source tree."""
    package = Path(__file__).parent
    candidates = (package / "examples", package.parent / "examples")
    return next(path for path in candidates if path.is_dir())


class Stage:
    """Where commands of a lesson run."""

    def __init__(self, folder: Path, kubectl: str) -> None:
        self.folder = folder
        self._programs: Mapping[str, list[str]] = {
            "kubectl": [kubectl],
            "minikube-sim": [sys.executable, "-m", "minikube_sim"],
        }
        home = folder / "home"
        self._environment = os.environ | {
            "MINIKUBE_SIM_HOME": str(home),
            "KUBECONFIG": str(home / "profiles" / PROFILE / "kubeconfig"),
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
            "NO_COLOR": "1",
        }
        self._environment.pop("MINIKUBE_SIM_PROFILE", None)

    def run(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        """Run kubectl or minikube-sim; stdout and stderr come together, as on a terminal."""
        return subprocess.run(
            [*self._programs[words[0]], *words[1:]], cwd=self.folder, env=self._environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, encoding="utf-8", timeout=_TIMEOUT_SECONDS, check=False)


def play(lesson: Lesson, stage: Stage) -> Iterator[Outcome]:
    """Run the steps one after the other; an outcome for each. Goes on after a failed step."""
    captured: dict[str, str] = {}
    for step in lesson.steps:
        outcome = _attempt(step, stage, captured)
        for name, pattern in step.capture.items():
            found = re.search(pattern, outcome.output)
            captured[name] = found.group(1) if found else ""
        yield outcome


def _attempt(step: Step, stage: Stage, captured: Mapping[str, str]) -> Outcome:
    command = fill(step.command, captured)
    start = time.monotonic()
    while True:
        result = stage.run(shlex.split(command))
        problems = _problems(step, result, captured)
        spent = time.monotonic() - start
        if not problems or spent >= step.patience:
            return Outcome(step, command, result.stdout, problems, spent)
        time.sleep(_RETRY_SECONDS)


def _problems(step: Step, result: subprocess.CompletedProcess[str],
              captured: Mapping[str, str]) -> tuple[str, ...]:
    found = [check(result.stdout, captured) for check in step.checks]
    if result.returncode != step.exit_code:
        found.append(f"exit code {result.returncode}, expected {step.exit_code}")
    return tuple(problem for problem in found if problem)
